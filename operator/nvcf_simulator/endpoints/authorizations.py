"""`/authorizations`: which other accounts may invoke a function. Enough for clients that read it at every refresh."""

from typing import Any

from nvcf_simulator.bodies.reading import Reader, parse_object
from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply, no_content
from nvcf_simulator.model.entities import Function
from nvcf_simulator.problems import invalid, not_found

SCOPE = "authorize_clients"


async def read_version(call: Call) -> Reply:
    """GET of one version's authorised accounts."""
    return json_reply({"function": _version(call, _one(call))})


async def read_function(call: Call) -> Reply:
    """GET of the authorised accounts of a function and its versions."""
    versions = _all(call)
    functions = [{"id": versions[0].id, "ncaId": versions[0].nca_id, **_parties(versions[0].shared_function)}]
    return json_reply({"functions": functions + [_version(call, v) for v in versions]})


async def set_version(call: Call) -> Reply:
    """POST of the accounts that may invoke one version."""
    function, accounts = _one(call), _accounts(call)
    function.shared_version = accounts
    call.service.world.touch(function)
    call.commit()
    return json_reply({"function": _version(call, function)})


async def set_function(call: Call) -> Reply:
    """POST of the accounts that may invoke every version."""
    versions, accounts = _all(call), _accounts(call)
    for function in versions:
        function.shared_function = accounts
    call.commit()
    return json_reply({"function": {"id": versions[0].id, "ncaId": versions[0].nca_id, **_parties(accounts)}})


async def change_version(call: Call) -> Reply:
    """PATCH: add or remove one account."""
    function = _one(call)
    function.shared_version = _changed(call, function.shared_version)
    call.commit()
    return json_reply({"function": _version(call, function)})


async def change_function(call: Call) -> Reply:
    """PATCH: add or remove one account for every version."""
    versions = _all(call)
    for function in versions:
        function.shared_function = _changed(call, function.shared_function)
    call.commit()
    shared = versions[0].shared_function
    return json_reply({"function": {"id": versions[0].id, "ncaId": versions[0].nca_id, **_parties(shared)}})


async def clear_version(call: Call) -> Reply:
    """DELETE all authorisations of a version."""
    _one(call).shared_version = []
    call.commit()
    return no_content()


async def clear_function(call: Call) -> Reply:
    """DELETE all authorisations of a function."""
    for function in _all(call):
        function.shared_function = []
    call.commit()
    return no_content()


def _one(call: Call) -> Function:
    function_id, version_id = call.id("functionId"), call.id("functionVersionId")
    call.caller.require(SCOPE)
    return call.service.deploying.owned(call.caller, function_id, version_id, "authorize")


def _all(call: Call) -> list[Function]:
    function_id = call.id("functionId")
    call.caller.require(SCOPE)
    found = [v for v in call.service.world.versions(function_id) if v.nca_id == call.caller.nca_id]
    if not found:
        raise not_found(f"Function id '{function_id}': Not found in account '{call.caller.nca_id}'")
    return found


def _accounts(call: Call) -> list[str]:
    reader = Reader("authorizedPartiesRequest", parse_object(call.body))
    items = reader.nested_items("authorizedParties") or []
    found = [item.text("ncaId", required=True) or "" for item in items if item is not None]
    reader.finish()
    return list(dict.fromkeys(found))


def _changed(call: Call, shared: list[str]) -> list[str]:
    reader = Reader("authorizedPartyRequest", parse_object(call.body))
    party = reader.nested("authorizedParty")
    account = party.text("ncaId") if party is not None else None
    if not account:
        raise invalid("Validation failed: authorizedParty.ncaId must not be blank")
    if call.parameters["change"] == "add":
        return list(dict.fromkeys([*shared, account]))
    if call.parameters["change"] == "remove":
        return [item for item in shared if item != account]
    raise not_found(f"No change '{call.parameters['change']}'")


def _version(call: Call, function: Function) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": function.id, "versionId": function.version_id, "ncaId": function.nca_id}
    return shown | _parties(function.shared_version)


def _parties(accounts: list[str]) -> dict[str, Any]:
    return {"authorizedParties": [{"ncaId": account} for account in accounts]} if accounts else {}


ENDPOINTS: dict[str, Endpoint] = {
    "getAuthorization": read_version,
    "listAuthorizations": read_function,
    "authorizeVersion": set_version,
    "authorizeFunction": set_function,
    "changeVersionAuthorization": change_version,
    "changeFunctionAuthorization": change_function,
    "unauthorizeVersion": clear_version,
    "unauthorizeFunction": clear_function,
}
