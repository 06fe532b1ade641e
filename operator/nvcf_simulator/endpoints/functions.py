"""`/functions` and `/queues`: listing and reading function versions, and their queues; cluster groups."""

from nvcf_simulator.access import listed_functions, visible_version, visible_versions
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import JSON, Reply, json_reply
from nvcf_simulator.http.views import function_fragment, function_view, instance_view, shown_status
from nvcf_simulator.model.entities import Function
from nvcf_simulator.problems import bad_request, forbidden, named, not_found

LIST_SCOPES = ("list_functions", "list_functions_details")
LAST_POSITION = 1000
"""Positions are counted no further."""


async def list_all(call: Call) -> Reply:
    """GET of every version that the key may see, without instances."""
    call.caller.require(*LIST_SCOPES)
    call.limit_rate()
    world, nca_id = call.service.world, call.caller.nca_id
    parts = [
        function_fragment(world, function)
        if function.nca_id == nca_id
        else json_reply(function_view(world, function, nca_id)).body
        for function in listed_functions(world, call.caller, call.query.getall("visibility", []))
    ]
    return Reply(200, b'{"functions":[' + b",".join(parts) + b"]}", JSON)


async def list_ids(call: Call) -> Reply:
    """GET of the ids of the functions that the key may see."""
    call.caller.require(*LIST_SCOPES)
    call.limit_rate()
    found = listed_functions(call.service.world, call.caller, call.query.getall("visibility", []))
    return json_reply({"functionIds": list(dict.fromkeys(function.id for function in found))})


async def list_versions(call: Call) -> Reply:
    """GET of the versions of one function."""
    function_id = call.id("functionId")
    call.caller.require(*LIST_SCOPES)
    call.limit_rate()
    world, caller = call.service.world, call.caller
    found = visible_versions(world, caller, function_id)
    return json_reply({"functions": [function_view(world, function, caller.nca_id) for function in found]})


async def read(call: Call) -> Reply:
    """GET of one version; its instances and the names of its secrets with the details scope."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    with_secrets = call.flag("includeSecrets", default=True)
    call.caller.require(*LIST_SCOPES)
    call.limit_rate()
    world, caller = call.service.world, call.caller
    function = visible_version(world, caller, function_id, version_id)
    details = "list_functions_details" in caller.scopes
    names: list[str] | None = None
    if details and with_secrets and function.has_secrets:
        names = list(call.service.secret_store.read(function_id, version_id)) or None
    view = function_view(world, function, caller.nca_id, secrets=names)
    if details and function.nca_id == caller.nca_id:
        row = world.row(version_id)
        found = call.service.allocator.read(function, row) if row else {}
        view["activeInstances"] = [instance_view(world, i) for group in found.values() for i in group if i.alive]
    return json_reply({"function": view})


async def read_queue(call: Call) -> Reply:
    """GET of one version's queue, or of the queues of all versions of a function."""
    function_id = call.id("functionId")
    version_id = call.version_id()
    call.caller.require("queue_details")
    call.service.availability.refuse_public(function_id, None, "check the queue depth of")
    world, caller = call.service.world, call.caller
    if version_id is None:
        found = visible_versions(world, caller, function_id)
    else:
        found = [visible_version(world, caller, function_id, version_id)]
    queues = [_queue(call, function) for function in found if function.status in ("ACTIVE", "DEPLOYING")]
    if not queues:
        raise not_found(f"{named(function_id)}: Queue not found, the function is likely not deployed")
    return json_reply({"functionId": function_id, "queues": queues})


async def read_position(call: Call) -> Reply:
    """GET of the place of an invocation in its queue, of the first 1000; 0 while it is being worked on."""
    request_id = call.id("requestId")
    call.caller.require("queue_details")
    world = call.service.world
    function = next((f for f in world.state.functions.values() if request_id in f.requests), None)
    unknown = f"Request id '{request_id}' is neither pending nor in progress"
    if function is None:
        raise not_found(unknown)
    visible_version(world, call.caller, function.id, function.version_id)
    if function.status not in ("ACTIVE", "DEPLOYING"):
        raise bad_request(unknown)
    return json_reply(
        {
            "functionVersionId": function.version_id,
            "functionId": function.id,
            "positionInQueue": min(function.requests.index(request_id), LAST_POSITION),
        }
    )


async def cluster_groups(call: Call) -> Reply:
    """GET of the backends; API keys get 403 on the direct API, but not through the NGC gateway."""
    if call.caller.kind != "jwt" and call.route.org is None:
        raise forbidden("Access denied: API keys may not list cluster groups")
    return json_reply({"clusterGroups": call.service.world.catalogue.cluster_groups()})


def _queue(call: Call, function: Function) -> dict[str, object]:
    return {
        "functionVersionId": function.version_id,
        "functionName": function.name,
        "functionStatus": shown_status(call.service.world, function.status),
        "queueDepth": function.queue_depth,
    }


ENDPOINTS: dict[str, Endpoint] = {
    "listFunctions": list_all,
    "listFunctionIds": list_ids,
    "listVersions": list_versions,
    "getFunction": read,
    "getQueue": read_queue,
    "getQueues": read_queue,
    "getPosition": read_position,
    "listClusterGroups": cluster_groups,
}
