"""`/queues`, and the deprecated list of cluster groups."""

from nvcf_simulator.access import visible_version, visible_versions
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply
from nvcf_simulator.http.views import shown_status
from nvcf_simulator.model.entities import Function
from nvcf_simulator.problems import forbidden, not_found

SCOPE = "queue_details"


async def read(call: Call) -> Reply:
    """GET of one version's queue, or of the queues of all versions of a function."""
    function_id = call.id("functionId")
    version_id = call.id("functionVersionId") if "functionVersionId" in call.route.parameters else None
    call.caller.require(SCOPE)
    call.service.availability.refuse_public(function_id, None, "check the queue depth of")
    world, caller = call.service.world, call.caller
    if version_id is None:
        found = visible_versions(world, caller, function_id)
    else:
        found = [visible_version(world, caller, function_id, version_id)]
    queues = [_shown(call, function) for function in found if function.status in ("ACTIVE", "DEPLOYING")]
    if not queues:
        raise not_found(f"Function id '{function_id}': Queue not found, the function is likely not deployed")
    return json_reply({"functionId": function_id, "queues": queues})


async def cluster_groups(call: Call) -> Reply:
    """GET of the backends; API keys hear 403 on the direct API, not through the NGC gateway."""
    if call.caller.kind != "jwt" and call.route.org is None:
        raise forbidden("Access denied: API keys may not list cluster groups")
    return json_reply({"clusterGroups": call.service.world.catalogue.cluster_groups()})


def _shown(call: Call, function: Function) -> dict[str, object]:
    return {
        "functionVersionId": function.version_id,
        "functionName": function.name,
        "functionStatus": shown_status(call.service.world, function.status),
        "queueDepth": function.queue_depth,
    }


ENDPOINTS: dict[str, Endpoint] = {"getQueue": read, "getQueues": read, "listClusterGroups": cluster_groups}
