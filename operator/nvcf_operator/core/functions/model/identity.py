"""When two templates are one: by their hash, and by what they mean to NVCF.

The hash stands for what a manifest says, so it never changes with an upgrade: a field that a manifest leaves out does
not enter it. The meaning stands for what NVCF makes of it, with the server's defaults filled in. Equal meanings need no
other version, so the table of defaults only ever saves a version.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nvcf_client.models import FunctionDetails
from nvcf_client.models.functions import to_request
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.core.functions.model.mark import ALGORITHM

Content = Mapping[str, Any]
"""The content of a version by NVCF's names, as a request carries it."""

UNREADABLE = ""
"""The meaning of a version of which not all can be read. It is equal to no other."""

HEALTH_URI, HEALTH_PORT, HEALTH_TIMEOUT, HEALTH_STATUS = "/v2/health/ready", 8000, "PT10S", 200
GRPC_URL = "/grpc"
"""The inferenceUrl by which the server knows a function that speaks gRPC."""

MODEL_SERVER = (
    "tritonserver --model-repository /config/models --model-control-mode none --allow-metrics 1 --allow-gpu-metrics 1 "
    "--allow-cpu-metrics 1 --metrics-interval-ms 500 --strict-readiness 1"
)
"""Arguments that the server gives to a function of models only."""

_PLAIN = ("inferenceUrl", "inferencePort", "containerImage", "helmChart", "helmChartServiceName")
_SETS = ("models", "resources")
_FIELDS = frozenset(
    (*_PLAIN, *_SETS, "functionType", "apiBodyFormat", "health", "containerArgs", "containerEnvironment", "telemetries")
)
_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d*)?)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def template_hash(spec: CloudFunctionSpec, new_version: str | None = None) -> str:
    """Name a template by what its manifest sets, so that one that is only written differently has the same name.

    Args:
        spec: the manifest. Of the secrets only the set of names counts.
        new_version: the token by which a user asks for another version of the same template.

    """
    identity: dict[str, Any] = {"template": _canonical(spec.template.to_dict())}
    if spec.secrets:
        identity["secrets"] = sorted(secret.name for secret in spec.secrets)
    if new_version:
        identity["newVersion"] = new_version
    return ALGORITHM + _digest(identity)[:16]


def meaning_of_template(spec: CloudFunctionSpec) -> str:
    """Digest of what NVCF makes of the manifest's template."""
    return _digest(_meaning(spec.template.to_dict()))


def meaning_of_version(version: FunctionDetails) -> str:
    """Digest of the content of a version; `UNREADABLE` where not all of it can be read."""
    if version.unreadable & _FIELDS:
        return UNREADABLE
    return _digest(_meaning(to_request(version)))


def _canonical(content: Content) -> dict[str, Any]:
    """The one form of all spellings of a template. Environment and arguments stay as they are, in their order."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        form = _FORMS.get(name)
        found[name] = form(value) if form is not None else value
    return found


def _meaning(content: Content) -> dict[str, Any]:
    """What the server makes of a version's content. What it shows as empty is absent."""
    found = _canonical({name: content[name] for name in _FIELDS if content.get(name) not in (None, "", [], {})})
    found.setdefault("functionType", "DEFAULT")
    found.setdefault("apiBodyFormat", "CUSTOM")
    found.setdefault("health", _default_health(content))
    of_models_only = not ({"containerImage", "helmChart"} & found.keys())
    if not found.get("containerArgs", "").strip() or (of_models_only and found["containerArgs"] == MODEL_SERVER):
        found.pop("containerArgs", None)
    return found


def _default_health(content: Content) -> dict[str, Any]:
    return _health(
        {
            "protocol": "gRPC" if content.get("inferenceUrl") == GRPC_URL else "HTTP",
            "uri": content.get("healthUri") or HEALTH_URI,
            "port": content.get("inferencePort") or HEALTH_PORT,
            "timeout": HEALTH_TIMEOUT,
            "expectedStatusCode": HEALTH_STATUS,
        }
    )


def _health(health: Content) -> dict[str, Any]:
    return {**health, "protocol": str(health["protocol"]).upper(), "timeout": _seconds(health["timeout"])}


def _seconds(timeout: str | float) -> str:
    """The same text for the same duration, however it is written."""
    if not isinstance(timeout, str):
        return _plain(Decimal(str(timeout)))
    found = _DURATION.fullmatch(timeout)
    parts = {name: text for name, text in found.groupdict().items() if text} if found is not None else {}
    if not parts:
        return timeout
    return _plain(sum((Decimal(text) * _SECONDS[name] for name, text in parts.items()), Decimal()))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _as_set(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=_text)


def _upper(word: str) -> str:
    return word.upper()


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "functionType": _upper,
    "apiBodyFormat": _upper,
    "health": _health,
    "models": _as_set,
    "resources": _as_set,
    "telemetries": lambda ids: {name: str(value).lower() for name, value in ids.items()},
}
"""Fields that are written in one form."""


def _digest(value: Any) -> str:
    return hashlib.sha256(_text(value).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
