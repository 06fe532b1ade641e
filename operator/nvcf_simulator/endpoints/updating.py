"""`/functions`, `/metadata`, `/ratelimit` and `/secrets`: what changes in place on a function version.

Each change reads the version's row and writes all of it, with `slowUpdate` in between.
"""

from typing import Any

from nvcf_simulator.bodies.function import read_secret_update, read_update
from nvcf_simulator.bodies.rules import Details
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply, no_content
from nvcf_simulator.http.views import function_view
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.rows import FunctionRow
from nvcf_simulator.model.secret_store import digest
from nvcf_simulator.problems import bad_request, named


async def update(call: Call) -> Reply:
    """PUT of tags and rate limit; what is left out stays."""
    function, changes = await _updated(call)
    world = call.service.world
    return json_reply({"function": function_view(world, function, sent=tuple(changes))})


async def update_rate_limit(call: Call) -> Reply:
    """PUT under the deprecated path of the rate limit, which takes the same body and returns nothing."""
    await _updated(call)
    return no_content()


async def _updated(call: Call) -> tuple[Function, Details]:
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    changes = read_update(call.body)
    call.caller.require("update_function")
    call.limit_rate()
    function = call.service.deployer.owned(call.caller, function_id, version_id, "update")
    if changes.pop("llm", None) and function.details.get("functionType") != "LLM":
        raise bad_request(f"{function.label}: Only LLM functions support model config updates")
    await _write(call, function, {name: value or None for name, value in changes.items()})
    return function, changes


async def delete_rate_limit(call: Call) -> Reply:
    """DELETE of the rate limit, whether there is one or not."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require("update_function")
    function = call.service.deployer.owned(call.caller, function_id, version_id, "update")
    await _write(call, function, {"rateLimit": None})
    return no_content()


async def _write(call: Call, function: Function, details: dict[str, Any]) -> None:
    call.service.stale_writes.before_version_update(function)
    row = FunctionRow.read(function).having(details=details)
    await call.service.deployer.update_gap()
    row.save(call.service.world)
    call.commit()


async def update_secrets(call: Call) -> Reply:
    """PUT of secrets: merged by name. The first ones are accepted only while the version is INACTIVE.

    The store is read, and written as a whole. The version's row is written only with the first secrets.
    """
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    given = read_secret_update(call.body)
    call.caller.require("update_secrets")
    call.limit_rate()
    if not given:
        raise bad_request(f"{named(function_id, version_id)}: Missing secrets in the payload")
    if len({name for name, _ in given}) < len(given):
        raise bad_request(f"{named(function_id, version_id)}: Duplicate secrets keys in the payload")
    service, world = call.service, call.service.world
    function = service.deployer.owned(call.caller, function_id, version_id, "update")
    row = FunctionRow.read(function)
    known = service.secret_store.read(function_id, version_id)
    if row.status != "INACTIVE" and not known:
        raise bad_request(f"{function.label}: Add secrets only when the function is 'INACTIVE'")
    merged = known | {name: digest(world.state, value) for name, value in given}
    await service.secret_store.write(function_id, version_id, merged)
    call.commit()
    if not row.has_secrets:
        row.having(has_secrets=True).save(world)
    return no_content()


ENDPOINTS: dict[str, Endpoint] = {
    "updateFunction": update,
    "updateFunctionMetadata": update,
    "updateRateLimit": update_rate_limit,
    "deleteRateLimit": delete_rate_limit,
    "updateSecrets": update_secrets,
}
