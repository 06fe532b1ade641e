"""The rules of the CRDs in Python. The key is the rule's own CEL text, so that a changed rule is noticed by a test."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from nvcf_client.text import duration_seconds

_Rule = Callable[[Any], bool]
_UNITS = "SMHD"
_HOUR = 3600


def _duration(text: str) -> Decimal:
    return duration_seconds(text.upper())


def _once(rate: str) -> bool:
    return all(rate.count(unit) <= 1 for unit in _UNITS)


def _tag_beside_digest(image: str) -> bool:
    return image.startswith("nvcr.io/") and "@" in image and ":" in image.split("@")[0]


def _shares_an_account(limit: Mapping[str, Any]) -> bool:
    return bool(set(limit.get("exemptedNcaIds", ())) & set(limit.get("perNcaIdRate", ())))


RULES: Final[Mapping[str, _Rule | None]] = {
    "has(self.functionRef) ? !has(self.functionId) && !has(self.functionVersionId)"
    " : has(self.functionId) && has(self.functionVersionId)": lambda x: (
        not {"functionId", "functionVersionId"} & x.keys()
        if "functionRef" in x
        else {"functionId", "functionVersionId"} <= x.keys()
    ),
    "self.minInstances <= self.maxInstances": lambda x: x["minInstances"] <= x["maxInstances"],
    "!has(self.backend) || size(self.backend) == 0 || !has(self.clusters) || size(self.clusters) == 0": lambda x: (
        not (x.get("backend") and x.get("clusters"))
    ),
    "!has(self.autoscalingConfigurationPolicy) || !has(self.autoscalingConfiguration)"
    " || self.autoscalingConfigurationPolicy != 'PLATFORM_CONFIGURATION'": lambda x: (
        "autoscalingConfiguration" not in x or x.get("autoscalingConfigurationPolicy") != "PLATFORM_CONFIGURATION"
    ),
    "duration(self.size.substring(2).lowerAscii()) <= duration('1h')": lambda x: _duration(x["size"]) <= _HOUR,
    "duration(self.threshold.substring(2).lowerAscii()) < duration(self.size.substring(2).lowerAscii())": lambda x: (
        _duration(x["threshold"]) < _duration(x["size"])
    ),
    "!has(self.rateLimit) || self.rateLimitPolicy != 'Unlimited'": lambda x: (
        "rateLimit" not in x or x["rateLimitPolicy"] != "Unlimited"
    ),
    "!(has(self.template.functionType) && self.template.functionType == 'LLM')": lambda x: (
        x["template"].get("functionType") != "LLM"
    ),
    "!(has(self.template.models) && self.template.models.exists(model, has(model.llmConfig)))": lambda x: (
        not any("llmConfig" in model for model in x["template"].get("models", ()))
    ),
    "!(has(self.llm))": lambda x: "llm" not in x,
    "!(has(self.authorizedAccounts))": lambda x: "authorizedAccounts" not in x,
    "has(self.containerImage) || has(self.helmChart) || has(self.models)": lambda x: bool(
        {"containerImage", "helmChart", "models"} & x.keys()
    ),
    "!has(self.helmChart) || !has(self.containerImage) && !has(self.containerArgs)"
    " && !has(self.containerEnvironment)": lambda x: (
        "helmChart" not in x or not {"containerImage", "containerArgs", "containerEnvironment"} & x.keys()
    ),
    "has(self.helmChart) == has(self.helmChartServiceName)": lambda x: (
        ("helmChart" in x) == ("helmChartServiceName" in x)
    ),
    "!(self in [8080, 8010])": lambda x: x not in (8080, 8010),
    "self.protocol == 'gRPC' || self.expectedStatusCode >= 100 && self.expectedStatusCode <= 599": lambda x: (
        x["protocol"] == "gRPC" or 100 <= x["expectedStatusCode"] <= 599
    ),
    "duration(self.timeout.substring(2).lowerAscii()) > duration('0s')": lambda x: _duration(x["timeout"]) > 0,
    "!self.contains('://')": lambda x: "://" not in x,
    "!self.startsWith('nvcr.io/') || !self.contains('@') || !self.split('@')[0].contains(':')": lambda x: (
        not _tag_beside_digest(x)
    ),
    "!self.key.startsWith('NVCF_')": lambda x: not x["key"].startswith("NVCF_"),
    "has(self.logsTelemetryId) || has(self.metricsTelemetryId) || has(self.tracesTelemetryId)": lambda x: bool(
        {"logsTelemetryId", "metricsTelemetryId", "tracesTelemetryId"} & x.keys()
    ),
    "self.all(tag, !tag.startsWith('nvcf-operator:'))": lambda x: not any(y.startswith("nvcf-operator:") for y in x),
    "has(self.rateLimit) || has(self.perNcaIdRate) || has(self.perUserRate)": lambda x: bool(
        {"rateLimit", "perNcaIdRate", "perUserRate"} & x.keys()
    ),
    "!has(self.exemptedNcaIds) || has(self.rateLimit)": lambda x: "exemptedNcaIds" not in x or "rateLimit" in x,
    "!has(self.exemptedNcaIds) || !has(self.perNcaIdRate)"
    " || self.exemptedNcaIds.all(id, !(id in self.perNcaIdRate))": lambda x: not _shares_an_account(x),
    "['S', 'M', 'H', 'D'].all(unit, self.split(unit).size() <= 2)": _once,
    "self.all(id, ['S', 'M', 'H', 'D'].all(unit, self[id].split(unit).size() <= 2))": lambda x: all(
        map(_once, x.values())
    ),
    # About changes of what is stored, see `TRANSITIONS`.
    "self == oldSelf": None,
    "self.lowerAscii() == oldSelf.lowerAscii()": None,
    "!has(oldSelf.functionId) || has(self.functionId)": None,
}
"""Every rule: whether a value keeps it. None: it is about a change."""

TRANSITIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "self == oldSelf": lambda new, old: new == old,
    "self.lowerAscii() == oldSelf.lowerAscii()": lambda new, old: new.lower() == old.lower(),
    "!has(oldSelf.functionId) || has(self.functionId)": lambda new, old: "functionId" not in old or "functionId" in new,
}
"""The rules about changes: whether the new value may follow the old one."""


def broken(rule: str, value: Any, old: Any = None) -> bool:
    """Whether a value breaks a rule, or the change to it from `old` does where the rule is about changes."""
    keeps = RULES[rule]
    if keeps is None:
        return not TRANSITIONS[rule](value, old)
    return not keeps(value)
