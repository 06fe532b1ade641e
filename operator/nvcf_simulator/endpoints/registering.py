"""`/functions`: registering and deleting function versions."""

import asyncio

from nvcf_simulator.bodies.definition import Definition, read_definition
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply, no_content
from nvcf_simulator.http.views import function_view
from nvcf_simulator.model.clock import exactly, milliseconds
from nvcf_simulator.model.entities import Account, Function, random_id
from nvcf_simulator.model.secret_store import digest
from nvcf_simulator.problems import ProblemError, bad_request, forbidden, named, not_found


async def create(call: Call) -> Reply:
    """POST of a new function with its first version."""
    definition = read_definition(call.body)
    call.caller.require("register_function")
    call.limit_rate()
    account = _account(call)
    if not call.caller.may_create(None):
        raise forbidden("Forbidden to create function")
    _check_quota(call, account)
    return await _registered(call, account, random_id(), definition, [])


async def create_version(call: Call) -> Reply:
    """POST of another version of a function; accounts that may use every version may use this one as well."""
    function_id = call.id("functionId")
    definition = read_definition(call.body)
    call.caller.require("register_function")
    call.service.availability.refuse_public(function_id, None, "create a version of")
    call.limit_rate()
    account = _account(call)
    versions = call.own_versions(function_id)
    if not call.caller.may_create(versions[0]):
        raise forbidden(f"{named(function_id)}: Forbidden to create function version")
    return await _registered(call, account, function_id, definition, versions[0].shared_function)


def _account(call: Call) -> Account:
    account = call.service.world.state.accounts.get(call.caller.nca_id)
    if account is None:
        raise not_found(f"Account '{call.caller.nca_id}': Not found")
    return account


def _check_quota(call: Call, account: Account) -> None:
    """Raise 400 if the account has as many versions as it may; new versions of its functions are not limited."""
    limit = account.max_functions
    if limit is not None and sum(1 for _ in call.service.world.owned(account.nca_id)) >= limit:
        raise bad_request(
            f"Account '{account.nca_id}': Reached or exceeded the max limit for the number of functions allowed: "
            f"{limit}. Please contact your account team for more details"
        )


def _check_definition(account: Account, definition: Definition) -> None:
    for telemetry_id, kind in definition.telemetries.items():
        types = account.telemetries.get(telemetry_id)
        if types is None:
            raise not_found(f"Account '{account.nca_id}', telemetry id '{telemetry_id}': Not found")
        if kind not in types:
            raise bad_request(f"Telemetry id '{telemetry_id}' has not the type {kind}")
    if "llmInvocationConfig" in definition.details and definition.details["functionType"] != "LLM":
        raise bad_request("Only LLM functions support llmInvocationConfig")
    if definition.no_body_format:
        detail = "Invalid request: 'apiBodyFormat' in create function payload should not be null"
        raise ProblemError(500, detail, "framework")


async def _registered(
    call: Call, account: Account, function_id: str, definition: Definition, shared: list[str]
) -> Reply:
    """Check, store the secrets, then write the row: until then the version is nowhere to be seen."""
    service, world = call.service, call.service.world
    _check_definition(account, definition)
    now = world.clock.now()
    function = Function(
        id=function_id,
        version_id=random_id(),
        nca_id=call.caller.nca_id,
        name=definition.name,
        created_at=milliseconds(now),
        details=definition.details,
        shared_function=list(shared),
        has_secrets=bool(definition.secrets),
    )
    call.entry.function_id, call.entry.version_id = function.id, function.version_id
    service.registries.check(function)
    await _delay(call)
    names = [name for name, _ in definition.secrets]
    if len(set(names)) < len(names):
        raise bad_request(f"{function.label}: Duplicate secrets keys in the payload")
    if names:
        digests = {name: digest(world.state, value) for name, value in definition.secrets}
        await service.secret_store.write(function.id, function.version_id, digests)
    if world.behaviour.races.failed_registration:
        world.behaviour.races.failed_registration -= 1
        raise ProblemError(500, f"{function.label}: the version could not be written", "framework")
    view = function_view(world, function, secrets=names or None, sent=("rateLimit",))
    view["createdAt"] = exactly(now, 9)
    function.details = _stored(definition)
    world.put_function(function)
    call.commit()
    return json_reply({"function": view})


def _stored(definition: Definition) -> dict[str, object]:
    """Return the details as later reads show them: models are stored by name."""
    details = dict(definition.details)
    if "models" in details:
        details["models"] = sorted(details["models"], key=lambda model: model["name"])
    return details


async def _delay(call: Call) -> None:
    world = call.service.world
    slow = world.behaviour.races.slow_register
    seconds = slow if isinstance(slow, int | float) else world.random.uniform(*slow)
    if seconds:
        await asyncio.sleep(world.clock.real(seconds))


async def delete(call: Call) -> Reply:
    """DELETE of a version: its row and its deployment, in the order of the server's release, then its secrets.

    If the secret store fails, the version is gone all the same.
    """
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require("delete_function")
    service = call.service
    service.availability.refuse_public(function_id, version_id, "delete")
    call.limit_rate()
    function = service.deployer.owned(call.caller, function_id, version_id, "delete")
    if service.world.behaviour.deletion == "row-first":
        _remove(call, function)
        await service.deployer.gap()
        service.deployer.undeploy(version_id)
    else:
        service.deployer.undeploy(version_id)
        call.commit()
        await service.deployer.gap()
        _remove(call, function)
    service.secret_store.delete(function_id, version_id)
    return no_content()


def _remove(call: Call, function: Function) -> None:
    service = call.service
    service.stale_writes.before_version_delete(function)
    service.world.remove_function(function)
    call.commit()


ENDPOINTS: dict[str, Endpoint] = {
    "createFunction": create,
    "createVersion": create_version,
    "deleteFunction": delete,
}
