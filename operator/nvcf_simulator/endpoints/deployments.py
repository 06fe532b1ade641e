"""`/deployments`: the calls that the operator is built on."""

from nvcf_simulator.access import Caller
from nvcf_simulator.bodies.deployment import read_patch, read_post, read_put
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply
from nvcf_simulator.http.views import deployment_view, function_view, specification_view
from nvcf_simulator.model.entities import Deployment, Function
from nvcf_simulator.problems import forbidden, not_found

SCOPE = "deploy_function"


async def create(call: Call) -> Reply:
    """POST: checks in the order of the real server, allocation, then the row."""
    service = call.service
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    specifications = read_post(call.body, service.world.behaviour)
    call.caller.require(SCOPE)
    service.availability.refuse_public(function_id, version_id, "deploy")
    call.limit_rate()
    function = service.deployer.owned(call.caller, function_id, version_id, "create")
    row = await service.deployer.create(function, specifications)
    call.commit()
    return json_reply({"deployment": deployment_view(service.world, row, function, fresh=True)})


async def read(call: Call) -> Reply:
    """GET by function and version. If nothing is deployed, the key's policy is not checked."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(SCOPE)
    call.limit_rate()
    world = call.service.world
    row = world.row(version_id)
    function = world.function(version_id, function_id)
    if row is None or function is None or row.nca_id != call.caller.nca_id:
        raise not_found(f"Function version '{version_id}': Deployment not found")
    return _shown(call, row, function)


async def read_by_id(call: Call) -> Reply:
    """GET by deployment id."""
    deployment_id = call.id("deploymentId")
    call.caller.require(SCOPE)
    call.limit_rate()
    row, function = _by_id(call, deployment_id)
    if row.nca_id != call.caller.nca_id:
        raise not_found(f"Deployment id '{deployment_id}': Not found")
    return _shown(call, row, function)


async def update(call: Call) -> Reply:
    """PUT."""
    service = call.service
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    updates = read_put(call.body, service.world.behaviour)
    call.caller.require(SCOPE)
    service.availability.refuse_public(function_id, version_id, "update")
    call.limit_rate()
    function = service.deployer.owned(call.caller, function_id, version_id, "update")
    before = service.world.row(version_id)
    row = await service.deployer.update(function, updates)
    if row is not before:
        call.commit()
    return json_reply({"deployment": deployment_view(service.world, row, function)})


async def patch(call: Call) -> Reply:
    """PATCH of one specification. As in the real server, the account is not checked."""
    service = call.service
    deployment_id, specification_id = call.id("deploymentId"), call.id("gpuSpecificationId")
    change = read_patch(call.body)
    call.caller.require(SCOPE)
    row, _ = _by_id(call, deployment_id)
    service.availability.refuse_public(row.function_id, row.version_id, "update")
    call.limit_rate()
    specification = await service.deployer.patch(row, call.caller, specification_id, change)
    if service.world.row_by_id(row.id) is not row:
        call.commit()
    return json_reply({"gpuSpecification": specification_view(service.world, specification)})


async def delete(call: Call) -> Reply:
    """DELETE, graceful or not."""
    service = call.service
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    graceful = call.flag("graceful", default=False)
    call.caller.require(SCOPE)
    service.availability.refuse_public(function_id, version_id, "undeploy")
    call.limit_rate()
    function = service.deployer.owned(call.caller, function_id, version_id, "delete")
    await service.deployer.delete(function, graceful=graceful)
    call.commit()
    return json_reply({"function": function_view(service.world, function)})


async def list_all(call: Call) -> Reply:
    """GET of all deployments, without draining ones; on NGC org URLs only."""
    call.caller.require(SCOPE)
    call.limit_rate()
    world = call.service.world
    shown = [
        deployment_view(world, row, function)
        for function in world.owned(call.caller.nca_id)
        if function.status != "INACTIVE" and call.caller.may_use(function)
        if (row := world.row(function.version_id)) is not None
    ]
    return json_reply({"deployments": shown})


def _by_id(call: Call, deployment_id: str) -> tuple[Deployment, Function]:
    world = call.service.world
    row = world.row_by_id(deployment_id)
    function = world.function(row.version_id) if row is not None else None
    if row is None or function is None:
        raise not_found(f"Deployment id '{deployment_id}': Not found")
    return row, function


def _shown(call: Call, row: Deployment, function: Function) -> Reply:
    _check_policy(call.caller, function)
    return json_reply({"deployment": deployment_view(call.service.world, row, function)})


def _check_policy(caller: Caller, function: Function) -> None:
    if not caller.may_use(function):
        raise forbidden(f"{function.label}: Forbidden to read deployment")


ENDPOINTS: dict[str, Endpoint] = {
    "createDeployment": create,
    "getDeployment": read,
    "getDeploymentById": read_by_id,
    "updateDeployment": update,
    "updateGpuSpecification": patch,
    "deleteDeployment": delete,
    "listDeployments": list_all,
}
