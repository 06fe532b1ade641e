"""`/queues`, and the deprecated list of cluster groups."""

from nvcf_simulator.deploying import named
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply
from nvcf_simulator.model.entities import Function
from nvcf_simulator.problems import forbidden, not_found
from nvcf_simulator.views import shown_status

SCOPE = "queue_details"


async def read(call: Call) -> Reply:
    """GET of one version's queue."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(SCOPE)
    call.service.availability.refuse_public(function_id, version_id, "read the queue of")
    function = call.service.deploying.owned(call.caller, function_id, version_id, "read the queue of")
    if function.status not in ("ACTIVE", "DEPLOYING"):
        raise not_found(f"{named(function)}: Queue not found, the status is {function.status}")
    return json_reply({"functionId": function_id, "queues": [_shown(call, function)]})


async def read_all(call: Call) -> Reply:
    """GET of the queues of all versions of a function."""
    function_id = call.id("functionId")
    call.caller.require(SCOPE)
    call.service.availability.refuse_public(function_id, None, "read the queues of")
    found = [v for v in call.service.world.versions(function_id) if call.caller.may_use(v)]
    queues = [_shown(call, v) for v in found if v.status in ("ACTIVE", "DEPLOYING")]
    if not queues:
        raise not_found(f"Function id '{function_id}': Queues not found")
    return json_reply({"functionId": function_id, "queues": queues})


async def cluster_groups(call: Call) -> Reply:
    """GET of the backends; API keys hear 403 on the direct API."""
    if call.caller.kind != "jwt":
        raise forbidden("Access denied: API keys may not list cluster groups")
    return json_reply({"clusterGroups": call.service.world.catalogue.cluster_groups()})


def _shown(call: Call, function: Function) -> dict[str, object]:
    return {
        "functionVersionId": function.version_id,
        "functionName": function.name,
        "functionStatus": shown_status(call.service.world, function.status),
        "queueDepth": function.queue_depth,
    }


ENDPOINTS: dict[str, Endpoint] = {"getQueue": read, "getQueues": read_all, "listClusterGroups": cluster_groups}
