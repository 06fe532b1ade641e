"""The rules of a CloudFunction's template and rate limit that only the API server checks, for what is printed.

The CRD has them in CEL (`api.function_template`, `api.function_spec`). A test lets a real API server judge what they
let through.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nvcf_client.text import duration_seconds

RESERVED_PORTS = (8080, 8010)
UNITS = "SMHD"


def broken_rule(template: Mapping[str, Any]) -> str | None:
    """The first rule that a template breaks, in words; None where it breaks none."""
    for check in (_artifacts, _image, _port, _health, _lists):
        if (problem := check(template)) is not None:
            return problem
    return None


def broken_rate_rule(limit: Mapping[str, Any]) -> str | None:
    """The first rule that a rate limit breaks, in words; None where it breaks none."""
    own: Mapping[str, str] = limit.get("perNcaIdRate", {})
    rates = [*own.values(), *(limit[name] for name in ("rateLimit", "perUserRate") if name in limit)]
    if not rates:
        return "it has no rate"
    if any(rate.count(unit) > 1 for rate in rates for unit in UNITS):
        return "a rate names a unit twice"
    exempted = limit.get("exemptedNcaIds", ())
    if exempted and ("rateLimit" not in limit or any(account in own for account in exempted)):
        return "accounts are exempted from no rate, or have one of their own"
    return None


def _artifacts(template: Mapping[str, Any]) -> str | None:
    if not any(name in template for name in ("containerImage", "helmChart", "models")):
        return "it has neither an image nor a chart nor models"
    if ("helmChart" in template) != ("helmChartServiceName" in template):
        return "it has only one of helmChart and helmChartServiceName"
    beside = [name for name in ("containerImage", "containerArgs", "containerEnvironment") if name in template]
    return f"it has {beside[0]} beside a chart" if "helmChart" in template and beside else None


def _image(template: Mapping[str, Any]) -> str | None:
    image: str = template.get("containerImage", "")
    if "://" in image:
        return "containerImage has a scheme"
    named, at, _ = image.partition("@")
    if named.startswith("nvcr.io/") and at and ":" in named:
        return "containerImage has a tag and a digest"
    return None


def _port(template: Mapping[str, Any]) -> str | None:
    port = template.get("inferencePort")
    return f"inferencePort {port} is reserved" if port in RESERVED_PORTS else None


def _health(template: Mapping[str, Any]) -> str | None:
    health = template.get("health")
    if health is None:
        return None
    if duration_seconds(health["timeout"]) <= 0:
        return "health.timeout is not longer than zero"
    if health["protocol"] == "HTTP" and not 100 <= health["expectedStatusCode"] <= 599:
        return "health.expectedStatusCode is no HTTP status"
    return None


def _lists(template: Mapping[str, Any]) -> str | None:
    for name, key in (("containerEnvironment", "key"), ("models", "name"), ("resources", "name")):
        items: Sequence[Mapping[str, Any]] = template.get(name, ())
        if len({item[key] for item in items}) < len(items):
            return f"{name} has a {key} twice"
    if any(item["key"].startswith("NVCF_") for item in template.get("containerEnvironment", ())):
        return "containerEnvironment has a variable that begins with NVCF_"
    return None
