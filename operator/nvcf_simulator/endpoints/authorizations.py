"""`/authorizations`: which other accounts may use a function, all its versions or one."""

from typing import Any

from nvcf_simulator.bodies.function import read_parties, read_party
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.rows import FunctionRow
from nvcf_simulator.problems import ProblemError, bad_request, forbidden, named, not_found

SCOPE = "authorize_clients"
EVERYBODY = "*"


async def read_version(call: Call) -> Reply:
    """GET of all accounts that may use one version."""
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(SCOPE)
    return json_reply({"function": _merged(call.service.deployer.owned(call.caller, function_id, version_id, "read"))})


async def read_function(call: Call) -> Reply:
    """GET of the accounts that may use each version of a function."""
    function_id = call.id("functionId")
    call.caller.require(SCOPE)
    return json_reply({"functions": [_merged(v) for v in call.own_versions(function_id) if call.caller.may_use(v)]})


async def write(call: Call) -> Reply:
    """POST: replace the authorized accounts."""
    function_id = call.id("functionId")
    version_id = call.version_id()
    accounts = read_parties(call.body)
    targets = _targets(call, function_id, version_id)
    for account in accounts:
        _check_account(call, account)
    return await _stored(call, targets, version_id, accounts)


async def change(call: Call) -> Reply:
    """PATCH: add or remove one account; there must be some already."""
    function_id = call.id("functionId")
    version_id = call.version_id()
    account = read_party(call.body)
    targets = _targets(call, function_id, version_id)
    _check_account(call, account)
    present = _parties(targets[0], version_id)
    about = named(function_id)
    if not present:
        raise not_found(f"{about}: Not found: no account is authorized yet")
    if call.entry.path.endswith("/add"):
        if account in present:
            raise ProblemError(409, f"{about}: Account '{account}' is authorized already")
        return await _stored(call, targets, version_id, [*present, account])
    if account not in present:
        raise not_found(f"{about}: Not found: account '{account}' is not authorized")
    return await _stored(call, targets, version_id, [known for known in present if known != account])


async def clear(call: Call) -> Reply:
    """DELETE all authorizations."""
    function_id = call.id("functionId")
    version_id = call.version_id()
    targets = _targets(call, function_id, version_id)
    await _store(call, targets, version_id, [])
    return json_reply({"function": _identity(targets[0], version_id)})


def _targets(call: Call, function_id: str, version_id: str | None) -> list[Function]:
    call.caller.require(SCOPE)
    call.service.availability.refuse_public(function_id, version_id, "change the authorized parties of")
    if version_id is not None:
        return [call.service.deployer.owned(call.caller, function_id, version_id, "authorize")]
    found = call.own_versions(function_id)
    if not call.caller.may_use(found[0]):
        raise forbidden(f"{named(function_id)}: Forbidden to change authorized parties")
    return found


def _check_account(call: Call, account: str) -> None:
    if account == EVERYBODY:
        raise bad_request("Invalid request: an account cannot make a function public")
    if account == call.caller.nca_id or account not in call.service.world.state.accounts:
        raise bad_request(f"Invalid request: Account '{account}' is unknown, or owns the function itself")


def _parties(function: Function, version_id: str | None) -> list[str]:
    return function.shared_function if version_id is None else function.shared_version


async def _store(call: Call, targets: list[Function], version_id: str | None, accounts: list[str]) -> None:
    column = "shared_function" if version_id is None else "shared_version"
    rows = [FunctionRow.read(function).having(**{column: accounts}) for function in targets]
    await call.service.deployer.update_gap()
    for row in rows:
        row.save(call.service.world)
    call.commit()


async def _stored(call: Call, targets: list[Function], version_id: str | None, accounts: list[str]) -> Reply:
    await _store(call, targets, version_id, accounts)
    return json_reply({"function": _identity(targets[0], version_id) | _shown(accounts)})


def _identity(function: Function, version_id: str | None) -> dict[str, Any]:
    return {"id": function.id, "ncaId": function.nca_id} | ({"versionId": version_id} if version_id else {})


def _merged(function: Function) -> dict[str, Any]:
    both = dict.fromkeys([*function.shared_function, *function.shared_version])
    return _identity(function, function.version_id) | _shown(list(both))


def _shown(accounts: list[str]) -> dict[str, Any]:
    return {"authorizedParties": [{"ncaId": account} for account in accounts]}


ENDPOINTS: dict[str, Endpoint] = {
    "getAuthorization": read_version,
    "listAuthorizations": read_function,
    "authorizeVersion": write,
    "authorizeFunction": write,
    "changeVersionAuthorization": change,
    "changeFunctionAuthorization": change,
    "unauthorizeVersion": clear,
    "unauthorizeFunction": clear,
}
