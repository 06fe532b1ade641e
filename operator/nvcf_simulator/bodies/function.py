"""Bodies that change a function version, and the details of one that no body defines."""

from typing import Any

from nvcf_simulator.bodies.reader import Reader, parse_object, unexplained
from nvcf_simulator.bodies.rules import HEALTH_PATH, Details, read_rate_limit, read_secrets, read_tags


def read_update(body: bytes) -> Details:
    """Read which details of a version change: `tags`, `rateLimit`, `llm`. Raises `ProblemError`."""
    with unexplained():
        reader = Reader("updateFunctionRequest", parse_object(body))
        tags, rate_limit = read_tags(reader), read_rate_limit(reader)
        updates, invocation = reader.nested_items("modelUpdates"), reader.mapping("llmInvocationConfig")
    if tags is None and rate_limit is None and not updates and invocation is None:
        reader.fail()
    reader.finish()
    changes: Details = {"tags": tags, "rateLimit": rate_limit, "llm": bool(updates or invocation is not None) or None}
    return {field: value for field, value in changes.items() if value is not None}


def read_secret_update(body: bytes) -> list[tuple[str, Any]]:
    """Read names and values of secrets that are to be merged. Raises `ProblemError`."""
    with unexplained():
        reader = Reader("updateFunctionSecretsRequest", parse_object(body))
        found = read_secrets(reader)
    if found is None:
        reader.complain("secrets", None, "must not be null")
    reader.finish()
    return found or []


def read_parties(body: bytes) -> list[str]:
    """Read the accounts that are to be authorised. Raises `ProblemError`."""
    reader = Reader("authorizedPartiesRequest", parse_object(body))
    items = _objects(reader, "authorizedParties")
    if not items:
        reader.complain("authorizedParties", [], "must not be empty")
    found = [item.text("ncaId", required=True) or "" for item in items]
    if len(set(found)) < len(found):
        reader.complain("authorizedParties", found, "must not name an account twice")
    reader.finish()
    return found


def read_party(body: bytes) -> str:
    """Read the one account that is added or removed. Raises `ProblemError`."""
    reader = Reader("patchAuthorizedPartyRequest", parse_object(body))
    party = reader.nested("authorizedParty")
    if party is None:
        reader.complain("authorizedParty", None, "must not be null")
    account = party.text("ncaId", required=True) if party else None
    reader.finish()
    return account or ""


def default_details(name: str, **more: Any) -> Details:
    """Return default details of a function, overridden by `more`."""
    health = {"protocol": "HTTP", "uri": HEALTH_PATH, "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200}
    return {
        "functionType": "DEFAULT",
        "apiBodyFormat": "CUSTOM",
        "description": name,
        "inferenceUrl": "/v1/infer",
        "inferencePort": 8000,
        "health": health,
        "healthUri": HEALTH_PATH,
        **more,
    }


def _objects(reader: Reader, field: str) -> list[Reader]:
    return [item for item in reader.nested_items(field) or [] if item is not None]
