"""Bodies that define or change a function version."""

import re
from typing import Any

from nvcf_simulator.bodies.reader import Reader, parse_object
from nvcf_simulator.model.clock import write_duration

_NAME = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z\-_]*")
_TAG = re.compile(r"[a-zA-Z0-9\-_:=]+")
_MOST_TAGS, _LONGEST_TAG, _LONGEST_NAME, _LONGEST_DESCRIPTION = 64, 128, 128, 256
_HEALTH_PATH, _HEALTH_PORT = "/v2/health/ready", 8000

Details = dict[str, Any]


def read_definition(body: bytes) -> tuple[str, Details]:
    """Read name and details of a new version, with defaults for what is left out. Raises `ProblemError`."""
    reader = Reader("createFunctionRequest", parse_object(body))
    name, description = reader.text("name", required=True) or "", reader.text("description")
    if name and (not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME):
        reader.complain("name", name, "must be 1 to 128 letters, digits, hyphens and underscores")
    if description and len(description) > _LONGEST_DESCRIPTION:
        reader.complain("description", description, "must not be longer than 256 characters")
    _check_artifacts(reader)
    details: Details = {
        "functionType": reader.choice("functionType", ("DEFAULT", "STREAMING", "LLM")) or "DEFAULT",
        "apiBodyFormat": reader.choice("apiBodyFormat", ("CUSTOM", "PREDICT_V2")) or "CUSTOM",
        "description": description if description and description.strip() else name,
        "inferencePort": reader.integer("inferencePort"),
        "tags": _tags(reader),
        "health": _health(reader),
        "rateLimit": reader.mapping("rateLimit"),
        "secrets": [item.text("name", required=True) for item in _objects(reader, "secrets")] or None,
    }
    for text in ("inferenceUrl", "containerImage", "containerArgs", "helmChart", "helmChartServiceName"):
        details[text] = reader.text(text)
    if details["inferenceUrl"] is None:
        reader.complain("inferenceUrl", None, "must not be null")
    for items, fields in (("containerEnvironment", ("key", "value")), ("resources", ("name", "version", "uri"))):
        details[items] = [_texts(item, fields) for item in _objects(reader, items)] or None
    details["models"] = [_texts(item, ("name", "version", "uri")) for item in _objects(reader, "models")] or None
    details["healthUri"] = details["health"]["uri"]
    reader.finish()
    return name, {field: value for field, value in details.items() if value is not None}


def read_update(body: bytes) -> Details:
    """Read which details of a version change. Raises `ProblemError`."""
    reader = Reader("updateFunctionRequest", parse_object(body))
    changes: Details = {"tags": _tags(reader), "rateLimit": reader.mapping("rateLimit")}
    if not any(reader.has(field) for field in ("tags", "rateLimit", "modelUpdates", "llmInvocationConfig")):
        reader.complain("tags", None, "at least one of tags, rateLimit, modelUpdates, llmInvocationConfig is needed")
    reader.finish()
    return {field: value for field, value in changes.items() if reader.has(field)}


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
    health = {"protocol": "HTTP", "uri": _HEALTH_PATH, "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200}
    return {
        "functionType": "DEFAULT",
        "apiBodyFormat": "CUSTOM",
        "description": name,
        "inferenceUrl": "/v1/infer",
        "inferencePort": 8000,
        "health": health,
        "healthUri": _HEALTH_PATH,
        **more,
    }


def _check_artifacts(reader: Reader) -> None:
    chart, image = reader.has("helmChart"), reader.has("containerImage")
    if not chart and not image and not reader.items("models"):
        reader.complain("containerImage", None, "one of containerImage, models and helmChart must be given")
    for other in ("containerImage", "containerArgs", "containerEnvironment"):
        if chart and reader.has(other):
            reader.complain("helmChart", other, f"helmChart and {other} exclude each other")
    if chart != reader.has("helmChartServiceName"):
        reader.complain("helmChartServiceName", None, "goes with helmChart: both or none must be given")


def _tags(reader: Reader) -> list[str] | None:
    tags = reader.texts("tags")
    if tags and len(tags) > _MOST_TAGS:
        reader.complain("tags", len(tags), f"must not be more than {_MOST_TAGS}")
    for tag in tags or ():
        if len(tag) > _LONGEST_TAG or not _TAG.fullmatch(tag):
            reader.complain("tags", tag, f"must be at most {_LONGEST_TAG} of a-z A-Z 0-9 - _ : =")
    return tags


def _health(parent: Reader) -> Details:
    reader = parent.nested("health")
    if reader is None:
        grpc = parent.text("inferenceUrl") == "/grpc"
        return {
            "protocol": "GRPC" if grpc else "HTTP",
            "uri": parent.text("healthUri") or _HEALTH_PATH,
            "port": parent.integer("inferencePort") or _HEALTH_PORT,
            "timeout": "PT10S",
            "expectedStatusCode": 200,
        }
    timeout = reader.duration("timeout")
    health = {
        "protocol": reader.choice("protocol", ("HTTP", "GRPC")),
        "uri": reader.text("uri", required=True),
        "port": reader.integer("port", least=1),
        "timeout": None if timeout is None else write_duration(timeout),
        "expectedStatusCode": reader.integer("expectedStatusCode"),
    }
    for field, value in health.items():
        if value is None and field != "uri":
            reader.complain(field, None, "must not be null")
    return health


def _objects(reader: Reader, field: str) -> list[Reader]:
    return [item for item in reader.nested_items(field) or [] if item is not None]


def _texts(reader: Reader, fields: tuple[str, ...]) -> Details:
    return {field: reader.text(field, required=True) for field in fields}
