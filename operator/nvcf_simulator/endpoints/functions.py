"""`/functions` and `/queues`: creating, listing, reading, changing and deleting function versions; cluster groups."""

from nvcf_simulator.access import listed_functions, visible_version, visible_versions
from nvcf_simulator.bodies.function import Details, read_definition, read_update
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import JSON, Reply, json_reply, no_content
from nvcf_simulator.http.views import function_fragment, function_view, instance_view, shown_status
from nvcf_simulator.model.entities import Function, random_id
from nvcf_simulator.problems import forbidden, named, not_found

LIST_SCOPES = ("list_functions", "list_functions_details")


async def create(call: Call) -> Reply:
    """POST of a new function with its first version."""
    name, details = read_definition(call.body)
    call.caller.require("register_function")
    call.limit_rate()
    _check_account(call)
    if not call.caller.may_create(None):
        raise forbidden("Forbidden to create function")
    return _created(call, random_id(), name, details, [])


async def create_version(call: Call) -> Reply:
    """POST of another version of a function; accounts that may use every version may use this one as well."""
    function_id = call.id("functionId")
    name, details = read_definition(call.body)
    call.caller.require("register_function")
    call.service.availability.refuse_public(function_id, None, "create a version of")
    call.limit_rate()
    _check_account(call)
    versions = call.own_versions(function_id)
    if not call.caller.may_create(versions[0]):
        raise forbidden(f"{named(function_id)}: Forbidden to create function version")
    return _created(call, function_id, name, details, versions[0].shared_function)


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
    view = function_view(world, function, caller.nca_id, secrets=details and with_secrets)
    if details and function.nca_id == caller.nca_id:
        row = world.row(version_id)
        found = call.service.allocator.read(function, row) if row else {}
        view["activeInstances"] = [instance_view(world, i) for group in found.values() for i in group if i.alive]
    return json_reply({"function": view})


async def update(call: Call) -> Reply:
    """PUT of tags and rate limit."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    changes = read_update(call.body)
    call.caller.require("update_function")
    call.limit_rate()
    function = call.service.deployer.owned(call.caller, function_id, version_id, "update")
    details = function.details | changes
    function.details = {field: value for field, value in details.items() if value is not None}
    call.service.world.touch(function)
    call.commit()
    return json_reply({"function": function_view(call.service.world, function)})


async def delete(call: Call) -> Reply:
    """DELETE of a version and, immediately, of its deployment."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require("delete_function")
    service = call.service
    service.availability.refuse_public(function_id, version_id, "delete")
    call.limit_rate()
    function = service.deployer.owned(call.caller, function_id, version_id, "delete")
    row = service.world.row(version_id)
    if row is not None:
        service.allocator.remove_deployment(row)
    service.world.remove_function(function)
    call.commit()
    return no_content()


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


async def cluster_groups(call: Call) -> Reply:
    """GET of the backends; API keys get 403 on the direct API, but not through the NGC gateway."""
    if call.caller.kind != "jwt" and call.route.org is None:
        raise forbidden("Access denied: API keys may not list cluster groups")
    return json_reply({"clusterGroups": call.service.world.catalogue.cluster_groups()})


def _check_account(call: Call) -> None:
    if call.caller.nca_id not in call.service.world.state.accounts:
        raise not_found(f"Account '{call.caller.nca_id}': Not found")


def _created(call: Call, function_id: str, name: str, details: Details, shared: list[str]) -> Reply:
    world = call.service.world
    function = Function(
        id=function_id,
        version_id=random_id(),
        nca_id=call.caller.nca_id,
        name=name,
        created_at=world.clock.now(),
        details=details,
        shared_function=list(shared),
    )
    call.entry.function_id, call.entry.version_id = function.id, function.version_id
    world.put_function(function)
    call.commit()
    return json_reply({"function": function_view(world, function, secrets=True)})


def _queue(call: Call, function: Function) -> dict[str, object]:
    return {
        "functionVersionId": function.version_id,
        "functionName": function.name,
        "functionStatus": shown_status(call.service.world, function.status),
        "queueDepth": function.queue_depth,
    }


ENDPOINTS: dict[str, Endpoint] = {
    "createFunction": create,
    "createVersion": create_version,
    "listFunctions": list_all,
    "listFunctionIds": list_ids,
    "listVersions": list_versions,
    "getFunction": read,
    "updateFunction": update,
    "updateFunctionMetadata": update,
    "deleteFunction": delete,
    "getQueue": read_queue,
    "getQueues": read_queue,
    "listClusterGroups": cluster_groups,
}
