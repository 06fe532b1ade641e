"""The body that registers a function version.

As in the service, a body that cannot be mapped is reported first, then what contradicts itself, then what violates the
rules of its fields.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from nvcf_simulator.bodies.reader import Reader, parse_object, unexplained, unreadable
from nvcf_simulator.bodies.rules import Details, read_health, read_rate_limit, read_secrets, read_tags, read_uri
from nvcf_simulator.model.entities import parse_id
from nvcf_simulator.problems import bad_request

_NAME = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z\-_]*")
_LONGEST_NAME, _LONGEST_DESCRIPTION = 128, 256
_MODEL_SERVER = (
    "tritonserver --model-repository /config/models --model-control-mode none --allow-metrics 1 --allow-gpu-metrics 1 "
    "--allow-cpu-metrics 1 --metrics-interval-ms 500 --strict-readiness 1"
)
_TELEMETRIES = {"logsTelemetryId": "LOGS", "metricsTelemetryId": "METRICS", "tracesTelemetryId": "TRACES"}


@dataclass(slots=True)
class Definition:
    """What a body defines."""

    name: str
    details: Details
    """Fields of responses, by NVCF's names, with defaults for what was left out."""
    secrets: list[tuple[str, Any]] = field(default_factory=list)
    """Names and values, in the order of the body; a name may come twice."""
    no_body_format: bool = False
    """Whether `apiBodyFormat` was null, which the service only notices later."""

    @property
    def telemetries(self) -> dict[str, str]:
        """Types of the telemetry endpoints that it needs, by id."""
        chosen = self.details.get("telemetries", {})
        return {chosen[field]: kind for field, kind in _TELEMETRIES.items() if field in chosen}


def read_definition(body: bytes) -> Definition:
    """Read a registration. Raises `ProblemError`."""
    with unexplained():
        reader = Reader("createFunctionRequest", parse_object(body))
        definition = _read(reader)
    _check_combinations(reader, definition)
    _check_fields(reader, definition)
    reader.finish()
    shown = definition.details
    shown["healthUri"] = shown["health"]["uri"]
    definition.details = {name: value for name, value in shown.items() if value not in (None, [])}
    if not str(definition.details.get("description", "")).strip():
        definition.details.pop("description", None)
    return definition


def _read(reader: Reader) -> Definition:
    reader.not_null("name", "inferenceUrl")
    name, description = reader.text("name") or "", reader.text("description")
    inference_url = read_uri(reader, "inferenceUrl")
    details: Details = {
        "functionType": reader.choice("functionType", ("DEFAULT", "STREAMING", "LLM")) or "DEFAULT",
        "apiBodyFormat": reader.choice("apiBodyFormat", ("CUSTOM", "PREDICT_V2")) or "CUSTOM",
        "description": name if description is None else description,
        "inferenceUrl": inference_url,
        "inferencePort": reader.integer("inferencePort"),
        "containerImage": read_uri(reader, "containerImage"),
        "containerArgs": reader.text("containerArgs"),
        "containerEnvironment": _texts(reader, "containerEnvironment", ("key", "value")),
        "helmChart": read_uri(reader, "helmChart"),
        "helmChartServiceName": reader.text("helmChartServiceName"),
        "models": _models(reader),
        "resources": _texts(reader, "resources", ("name", "version"), uris=("uri",)),
        "tags": read_tags(reader),
        "health": read_health(reader, inference_url),
        "rateLimit": read_rate_limit(reader),
        "telemetries": _telemetries(reader),
        "llmInvocationConfig": reader.mapping("llmInvocationConfig"),
    }
    no_format = reader.sent("apiBodyFormat") and not reader.has("apiBodyFormat")
    return Definition(name, details, read_secrets(reader) or [], no_format)


def _texts(reader: Reader, field: str, names: tuple[str, ...], *, uris: tuple[str, ...] = ()) -> list[Details] | None:
    items = reader.nested_items(field)
    if items is None:
        return None
    found = []
    for item in (item for item in items if item is not None):
        item.needed(*names, *uris)
        found.append({name: item.text(name) for name in names} | {name: read_uri(item, name) for name in uris})
    return found


def _models(reader: Reader) -> list[Details] | None:
    items = reader.nested_items("models")
    if items is None:
        return None
    found = []
    for item in (item for item in items if item is not None):
        item.needed("name")
        model: Details = {"name": item.text("name"), "version": item.text("version"), "uri": read_uri(item, "uri")}
        config = item.nested("llmConfig")
        if config is not None:
            texts = {name: config.text(name) for name in ("tokenRateLimit", "tokenizer", "routingMethod")}
            model["llmConfig"] = {n: v for n, v in (texts | {"uris": config.items("uris")}).items() if v is not None}
        found.append({name: value for name, value in model.items() if value is not None})
    return found


def _telemetries(parent: Reader) -> Details | None:
    reader = parent.nested("telemetries")
    if reader is None:
        return None
    found = {}
    for name in _TELEMETRIES:
        text = reader.text(name)
        if text is not None:
            found[name] = parse_id(text)
            if found[name] is None:
                raise unreadable(reader.at(name), "a UUID was expected")
    return found


def _check_combinations(reader: Reader, definition: Definition) -> None:
    """Raise 400 for what contradicts itself, in the order of the service."""
    given = definition.details
    chart, image = given["helmChart"] is not None, given["containerImage"] is not None
    if not definition.name.strip():
        raise bad_request("Invalid request: 'name' cannot be empty/null in the create function payload")
    if not chart and not image and not given["models"]:
        raise bad_request(
            "Invalid request: One of the following properties 'containerImage', 'models', or 'helmChart' must be "
            "specified in the payload"
        )
    for other, there in (
        ("containerImage", image),
        ("containerArgs", bool((given["containerArgs"] or "").strip())),
        ("containerEnvironment", given["containerEnvironment"] is not None),
    ):
        if chart and there:
            raise bad_request(
                f"Invalid request: Cannot specify both '{other}' and 'helmChart' properties in the payload"
            )
    if chart != bool((given["helmChartServiceName"] or "").strip()):
        raise bad_request(
            "Invalid request: Either both or none of 'helmChart' and 'helmChartServiceName' properties must be "
            "specified"
        )
    if not chart:
        given["helmChartServiceName"] = None
    if given["models"] is not None:
        _check_models(given["models"], llm=given["functionType"] == "LLM")
        if not chart and not image and not (given["containerArgs"] or "").strip():
            given["containerArgs"] = _MODEL_SERVER
    if not given["health"]["uri"].strip() and reader.has("health"):
        raise bad_request("Invalid request: Health URI cannot be empty/null in the create function payload")
    if given["telemetries"] == {}:
        raise bad_request("Invalid request: Telemetry object must have at least one UUID specified.")
    if given["functionType"] == "LLM" and not given["models"]:
        raise bad_request("Invalid request: 'models' must be specified when functionType is LLM")


def _check_models(models: list[Details], *, llm: bool) -> None:
    if len({model["name"] for model in models}) < len(models):
        raise bad_request("Invalid request: duplicate model names are not allowed in 'models'")
    for model in models:
        if llm and "llmConfig" not in model:
            raise bad_request("Invalid request: LLM function models must specify 'llmConfig'")
        if llm and not model["llmConfig"].get("uris"):
            raise bad_request("Invalid request: LLM function models must specify non-empty 'llmConfig.uris'")
        if not llm and ("version" not in model or "uri" not in model):
            raise bad_request("Invalid request: non-LLM function models must specify both 'version' and 'uri'")


def _check_fields(reader: Reader, definition: Definition) -> None:
    name, description = definition.name, definition.details["description"]
    if not _NAME.fullmatch(name):
        reader.complain("name", name, f"Invalid function name: Must conform to regex ^{_NAME.pattern}$")
    if len(name) > _LONGEST_NAME:
        reader.complain("name", name, f"Invalid function name: must be 1 - {_LONGEST_NAME} characters long")
    if definition.details["inferenceUrl"] is None:
        reader.complain("inferenceUrl", None, "must not be null")
    if len(description) > _LONGEST_DESCRIPTION:
        message = f"Maximum description length of {_LONGEST_DESCRIPTION} is exceeded."
        reader.complain("description", description, message)
