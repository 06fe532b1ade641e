"""Faults: which requests they apply to, how often, and with what effect."""

from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from nvcf_simulator.http.request_log import Entry
from nvcf_simulator.settings import Model, Seconds


class Fault(Model):
    """A rule: requests that match all of its conditions get its effect."""

    model_config = ConfigDict(validate_assignment=False)  # its counters change with every request

    name: str | None = None
    """Shown in the log; generated if none is given."""

    method: str | list[str] | None = None
    operation: str | list[str] | None = None
    """As named in the log: createDeployment, getDeployment, ..."""
    path: str | None = None
    """A pattern with * and ? that matches the whole path."""
    function_id: str | None = None
    function_version_id: str | None = None
    key: str | None = None
    """Name of the key."""
    query: str | None = None
    """A pattern with * and ? that matches the whole query."""

    skip: int = Field(0, ge=0)
    """Number of matching requests to skip first: with 2 it starts with the third."""
    count: int | None = Field(None, gt=0)
    """Maximum number of requests that it applies to; None: all."""
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    when: Literal["before", "during", "after"] = "before"
    """before: the request is not executed. after: it is, and its response is replaced. during: it gets this response
    while it is being executed, which continues."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """Status of the response; None with only a delay: the request is only delayed."""
    envelope: Literal["service", "framework", "gateway", "message", "issue", "empty"] = "service"
    """Format of the body."""
    detail: str = "Injected fault"
    body: str | None = None
    """This text instead of an envelope; without a status it replaces the body of the real response."""
    content_type: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after: str | int | None = None
    delay: Seconds = 0
    """Seconds of the machine's clock, before anything else (after: between execution and response; during: since the
    start)."""
    hang: bool = False
    """Never respond."""
    reset: bool = False
    """Reset the connection instead of responding."""
    truncate: bool = False
    """Announce a longer body than is sent, and close the connection."""

    matched: int = Field(0, exclude=True)
    met: int = Field(0, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _counters_start_at_zero(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v for k, v in value.items() if k not in ("matched", "met")}
        return value

    def matches(self, entry: Entry) -> bool:
        """Whether a request matches all conditions."""
        pairs = (
            (self.function_id, entry.function_id),
            (self.function_version_id, entry.version_id),
            (self.key, entry.key),
        )
        return (
            _among(self.method, entry.method)
            and _among(self.operation, entry.operation)
            and all(wanted is None or wanted == got for wanted, got in pairs)
            and (self.path is None or fnmatchcase(entry.path, self.path))
            and (self.query is None or fnmatchcase(entry.query, self.query))
        )


def _among(wanted: str | list[str] | None, got: str | None) -> bool:
    return wanted is None or got == wanted or (isinstance(wanted, list) and got in wanted)


class Faults:
    """The active rules, in order: the first one that applies wins."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rules: list[Fault] = []
        self._added = 0

    def add(self, fault: Fault) -> str:
        """Add a rule; return its name."""
        self._added += 1
        fault.name = fault.name or f"fault-{self._added}"
        self._rules.append(fault)
        return fault.name

    def remove(self, name: str | None = None) -> None:
        """Remove the rules with this name, or all."""
        self._rules = [rule for rule in self._rules if name not in (None, rule.name)]

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules, and how many requests each `matched` and `met`."""
        return [
            rule.model_dump(by_alias=True, exclude_defaults=True) | {"matched": rule.matched, "met": rule.met}
            for rule in self._rules
        ]

    def choose(self, entry: Entry) -> Fault | None:
        """Return the rule that applies to a request, and count it."""
        for rule in self._rules:
            if not rule.matches(entry):
                continue
            rule.matched += 1
            if rule.matched <= rule.skip or (rule.count is not None and rule.met >= rule.count):
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            rule.met += 1
            entry.fault = rule.name
            return rule
        return None
