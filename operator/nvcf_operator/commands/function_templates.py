"""From a function version that NVCF shows to the parts of a CloudFunction that mean the same to it.

A template says what the version has, since a field that it leaves out is absent from the next version. Only what the
server fills in is left out: the meaning with and without it has to be equal. Outside the template, a value that the
resource does not accept is left out and reported.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from nvcf_client.models import FunctionDetails
from nvcf_client.models.functions import to_request
from nvcf_client.text import duration_seconds
from nvcf_operator.api.function_spec import MARK_PREFIX, CloudFunctionSpec, RateLimit
from nvcf_operator.api.function_template import HealthProtocol, Template
from nvcf_operator.commands.function_rules import broken_rate_rule, broken_rule
from nvcf_operator.commands.specifications import NotExpressibleError, duration_text
from nvcf_operator.core.functions.model.identity import (
    GRPC_URL,
    HEALTH_PORT,
    HEALTH_STATUS,
    HEALTH_TIMEOUT,
    UNREADABLE,
    meaning_of_template,
    meaning_of_version,
)

MOST_TAGS = 63
"""Tags beside the operator's own: NVCF takes 64."""

_FIELDS = tuple(info.alias or name for name, info in Template.model_fields.items())
_FILLED_IN = ("functionType", "apiBodyFormat", "health", "containerArgs")
"""What the server fills in where a request leaves it out."""

_LLM = "LLM"


def written_template(version: FunctionDetails, *, key: str) -> dict[str, Any]:
    """The template of a manifest that needs no other version than this one.

    Args:
        version: what NVCF shows of the version.
        key: the API key, which no manifest contains.

    Raises:
        NotExpressibleError: a manifest would mean another version, or the CRD would reject it.

    """
    if _is_llm(version):
        raise NotExpressibleError("it is a large language model (LLM), which a CloudFunction cannot express yet")
    if (wanted := meaning_of_version(version)) == UNREADABLE:
        odd = ", ".join(sorted(version.unreadable))
        raise NotExpressibleError(
            f"NVCF shows {odd} in a form that cannot be read. Look for a newer version of the operator"
        )
    template = _written(version)
    for name in _FILLED_IN:
        shorter = {field: value for field, value in template.items() if field != name}
        if name in template and _means(shorter) == wanted:
            template = shorter
    if _means(template) != wanted:
        raise NotExpressibleError("a manifest would not mean the same")
    if key and key in json.dumps(template, ensure_ascii=False):
        raise NotExpressibleError("its content contains the API key itself")
    if problem := broken_rule(template):
        raise NotExpressibleError(f"the resource does not accept it: {problem}")
    return template


def written_tags(version: FunctionDetails) -> list[str] | None:
    """The version's tags in order, without those of an operator; None where a manifest need not name any.

    Raises:
        NotExpressibleError: there is no room for the operator's own tag.

    """
    tags = sorted({tag for tag in version.tags or () if not tag.startswith(MARK_PREFIX)})
    if len(tags) > MOST_TAGS:
        raise NotExpressibleError(
            f"it has {len(tags)} tags, and the operator adds one of its own to the {MOST_TAGS} that a manifest may have"
        )
    return tags or None


def written_rate_limit(version: FunctionDetails, left_out: list[str]) -> dict[str, Any] | None:
    """The version's rate limit; None where it has none, or where what it has is left out."""
    if "rateLimit" in version.unreadable:
        left_out.append("rateLimit: NVCF shows it in a form that cannot be read")
        return None
    shown = version.rate_limit.to_json() if version.rate_limit is not None else {}
    limit = {name: value for name, value in shown.items() if value not in ({}, [], "")}
    if not limit:
        return None
    if "exemptedNcaIds" in limit:
        limit["exemptedNcaIds"] = sorted(set(limit["exemptedNcaIds"]))
    try:
        found = RateLimit.model_validate(limit).to_dict()
    except ValidationError:
        found = {}
    if not found or broken_rate_rule(found):
        left_out.append("rateLimit: a value that the resource does not accept; NVCF keeps it for this version")
        return None
    return found


def accepted(spec: Mapping[str, Any]) -> None:
    """Check a manifest's spec as the API server and the operator do.

    Raises:
        NotExpressibleError: one of them would reject it.

    """
    try:
        problems = CloudFunctionSpec.model_validate(spec).problems()
    except ValidationError as error:
        raise NotExpressibleError(f"the resource does not accept its {_place(error)}") from None
    if problems:
        raise NotExpressibleError(f"the resource does not accept it: {problems[0]}")


def _is_llm(version: FunctionDetails) -> bool:
    models = version.models or ()
    return (
        (version.function_type or "").upper() == _LLM
        or version.llm_invocation_config is not None
        or any(model.llm_config for model in models)
    )


def _written(version: FunctionDetails) -> dict[str, Any]:
    """Every field of the template as the version has it, in the resource's spelling."""
    content = to_request(version)
    found = {name: content[name] for name in _FIELDS if content.get(name) not in (None, "", [], {})}
    for name in ("functionType", "apiBodyFormat"):
        if name in found:
            found[name] = found[name].upper()
    if not found.get("containerArgs", "").strip():
        found.pop("containerArgs", None)
    for name in ("models", "resources"):
        if name in found:
            found[name] = sorted(found[name], key=lambda item: json.dumps(item, sort_keys=True))
    if "telemetries" in found:
        found["telemetries"] = {name: value.lower() for name, value in found["telemetries"].items()}
    if health := _health(version):
        found["health"] = health
    return found


def _health(version: FunctionDetails) -> dict[str, Any] | None:
    """The health check; one that an old server shows by its path alone is written in full."""
    if version.health is None:
        if version.health_uri is None:
            return None
        protocol = HealthProtocol.GRPC if version.inference_url == GRPC_URL else HealthProtocol.HTTP
        return {
            "protocol": protocol.value,
            "uri": version.health_uri,
            "port": version.inference_port or HEALTH_PORT,
            "timeout": HEALTH_TIMEOUT,
            "expectedStatusCode": HEALTH_STATUS,
        }
    found = to_request(version.health)
    spellings = {item.value.upper(): item.value for item in HealthProtocol}
    found["protocol"] = spellings.get(found["protocol"].upper(), found["protocol"])
    try:
        found["timeout"] = duration_text(duration_seconds(found["timeout"]))
    except ValueError:
        found["timeout"] = str(found["timeout"])
    return found


def _means(template: Mapping[str, Any]) -> str:
    """Digest of what a template means.

    Raises:
        NotExpressibleError: the resource does not accept it.

    """
    try:
        return meaning_of_template(CloudFunctionSpec.model_validate({"name": "any", "template": template}))
    except ValidationError as error:
        raise NotExpressibleError(f"the resource does not accept its {_place(error)}") from None


def _place(error: ValidationError) -> str:
    return ".".join(map(str, error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]))
