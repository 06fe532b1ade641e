"""From a GPU specification that NVCF shows to an equal one of a manifest, which the CRD accepts.

A manifest contains what the server shows and a request may carry. What it cannot express, because the CRD is stricter
than the server or because it would count as a difference, is left out: such a field is the server's, and neither sent
nor compared. Whatever is left out is reported.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from nvcf_client.models import GpuSpecification
from nvcf_client.text import duration_seconds
from nvcf_operator.api.spec import DeploymentSpecification, HelmValidation
from nvcf_operator.api.specification import CONFIGURATION_LIMIT
from nvcf_operator.core.diff.compare import compare
from nvcf_operator.core.diff.fields import named

LIST = "deploymentSpecifications"
SETS = ("clusters", "regions", "attributes", "availabilityZones")
MOST = 16
"""Most specifications of a manifest."""

_HOUR = 3600
_MILLISECOND = Decimal("0.001")
_NULLS = (
    "it contains null, which `kubectl apply` drops; that does not count as a difference, but the next deployment "
    "would get the chart's default; use `kubectl apply --server-side`"
)
_REQUIRED = ("gpu", "minInstances", "maxInstances")


class NotExpressibleError(ValueError):
    """No manifest can express what is deployed. The text says why, without values."""


@dataclass(frozen=True, slots=True)
class Written:
    """The specifications of a manifest, in an order that does not depend on the server's, and what they leave out."""

    specifications: tuple[DeploymentSpecification, ...]
    left_out: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """What to know when the manifest is applied."""


def written(found: Sequence[GpuSpecification], *, with_configuration: bool = False, key: str = "") -> Written:
    """The specifications for a manifest that is in force where these are deployed.

    Args:
        found: what a GET of the deployment shows.
        with_configuration: write Helm values, which may hold secrets.
        key: the API key; Helm values that hold it are never written.

    Raises:
        NotExpressibleError: a manifest would differ from the deployment, or the CRD would reject it.

    """
    if not 0 < len(found) <= MOST:
        raise NotExpressibleError(f"it has {len(found)} GPU specifications; a manifest has 1 to {MOST}")
    pairs = [_one(item, with_configuration=with_configuration, key=key) for item in found]
    pairs.sort(key=lambda pair: (json.dumps(pair[0].to_dict(), sort_keys=True), pair[1]))
    notes = tuple(f"{LIST}[{index}].{note}" for index, (_, left_out) in enumerate(pairs) for note in left_out)
    specifications = tuple(specification for specification, _ in pairs)
    comparison = compare(specifications, found)
    if not comparison.in_force:
        fields = sorted({item.field for item in comparison.differences})
        raise NotExpressibleError(f"a manifest would not mean the same: {', '.join(fields)}")
    remarks = tuple(
        f"{LIST}[{index}].configuration: {_NULLS}"
        for index, item in enumerate(specifications)
        if _holds_null(item.configuration)
    )
    return Written(specifications, notes, remarks)


def _one(
    found: GpuSpecification, *, with_configuration: bool, key: str
) -> tuple[DeploymentSpecification, tuple[str, ...]]:
    left_out: list[str] = []
    body = found.to_request()
    _names(body, left_out)
    _configuration(body, left_out, with_configuration=with_configuration, key=key)
    _helm_policy(body)
    _autoscaling(body, left_out)
    specification = _taken(body, left_out)
    if specification.min_instances > specification.max_instances:
        raise NotExpressibleError("its minInstances is greater than its maxInstances")
    return specification, tuple(left_out)


def _names(body: dict[str, Any], left_out: list[str]) -> None:
    """Sets in one order and without blanks; names that are blank are none."""
    for name in SETS:
        members = named(body.pop(name, ()))
        if members:
            body[name] = members
    for name in ("instanceType", "backend"):
        if not body.get(name, "").strip():
            body.pop(name, None)
    if "backend" in body and "clusters" in body:
        del body["backend"]
        left_out.append("backend: a manifest has clusters or a backend, and NVCF shows both")


def _configuration(body: dict[str, Any], left_out: list[str], *, with_configuration: bool, key: str) -> None:
    values = body.pop("configuration", None)
    if not values:
        return
    problem = _problem(values, key) if with_configuration else "Helm values may contain secrets"
    if problem is None:
        body["configuration"] = values
    else:
        advice = "" if with_configuration else "; --include-configuration writes them"
        left_out.append(f"configuration: {problem}{advice}")


def _problem(values: dict[str, Any], key: str) -> str | None:
    """What keeps Helm values from being written."""
    try:
        text = json.dumps(values, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return "it contains a number that Kubernetes cannot store"
    if key and key in text:
        return "it contains the API key itself"
    if len(text.encode()) > CONFIGURATION_LIMIT:
        return f"it has more than {CONFIGURATION_LIMIT} bytes as JSON"
    return None


def _holds_null(value: Any) -> bool:
    """Whether an object in it has a member that is null."""
    if isinstance(value, dict):
        return any(item is None or _holds_null(item) for item in value.values())
    return isinstance(value, list) and any(map(_holds_null, value))


def _helm_policy(body: dict[str, Any]) -> None:
    policy = body.get("helmValidationPolicy")
    if policy is not None:
        spellings = {item.value.casefold(): item.value for item in HelmValidation}
        policy["name"] = spellings.get(policy["name"].strip().casefold(), policy["name"])
        if not policy.get("extraKubernetesTypes"):
            policy.pop("extraKubernetesTypes", None)


def _autoscaling(body: dict[str, Any], left_out: list[str]) -> None:
    for direction, details in body.get("autoscalingConfiguration", {}).items():
        if not details.get("metric", "").strip():
            details.pop("metric", None)
        if not math.isfinite(details["factor"]):
            details["factor"] = 0  # out of every range, while infinity is in one, and JSON has no word for it
        if "stickiness" in details:
            stickiness = _stickiness(details.pop("stickiness"))
            if stickiness is None:
                left_out.append(
                    f"autoscalingConfiguration.{direction}.stickiness: a manifest requires a size of at most PT1H and "
                    "a shorter threshold, neither finer than milliseconds"
                )
            else:
                details["stickiness"] = stickiness


def _stickiness(shown: dict[str, Any]) -> dict[str, str] | None:
    try:
        size, threshold = duration_seconds(shown["size"]), duration_seconds(shown["threshold"])
    except ValueError:
        return None
    if not 0 <= threshold < size <= _HOUR or size % _MILLISECOND or threshold % _MILLISECOND:
        return None
    return {"size": duration_text(size), "threshold": duration_text(threshold)}


def duration_text(length: Decimal) -> str:
    """The ISO-8601 text that Java writes for it, which NVCF shows."""
    hours, minutes, seconds = int(length // 3600), int(length // 60 % 60), length % 60
    parts = (f"{hours}H" * bool(hours), f"{minutes}M" * bool(minutes), f"{seconds.normalize():f}S" * bool(seconds))
    return f"PT{''.join(parts) or '0S'}"


def _taken(body: dict[str, Any], left_out: list[str]) -> DeploymentSpecification:
    """The body as the CRD accepts it: a value that it rejects is left out, with as little else as possible."""
    while True:
        if not body.get("autoscalingConfiguration", True):
            del body["autoscalingConfiguration"]
        try:
            return DeploymentSpecification.model_validate(body)
        except ValidationError as error:
            path = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        place = _optional(path)
        if place is None:
            raise NotExpressibleError(f"the resource does not accept its {'.'.join(map(str, path))}") from None
        holder = body
        for name in place[:-1]:
            holder = holder[name]
        del holder[place[-1]]
        left_out.append(f"{'.'.join(place)}: a value that the resource does not accept")


def _optional(path: tuple[int | str, ...]) -> tuple[str, ...] | None:
    """The smallest part around a place of a specification that may be left out; None where none may."""
    name, *below = map(str, path)
    if name in _REQUIRED:
        return None
    if name != "autoscalingConfiguration" or not below:
        return (name,)
    return (name, *below[:2]) if "metric" in below[1:2] else (name, below[0])
