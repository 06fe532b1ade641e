"""Faults that requests meet: which ones, how often, and what happens to them."""

from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from nvcf_simulator.http.request_log import Entry
from nvcf_simulator.settings import Model, Seconds


class Fault(Model):
    """A rule: requests that match it (all that is given must) meet what it says."""

    model_config = ConfigDict(validate_assignment=False)  # its counters move with every request

    name: str | None = None
    """Shown in the log; counted if none is given."""

    method: str | list[str] | None = None
    operation: str | list[str] | None = None
    """As the log names it: createDeployment, getDeployment, ..."""
    path: str | None = None
    """A pattern with * and ? over the whole path."""
    function_id: str | None = None
    function_version_id: str | None = None
    key: str | None = None
    """Name of the key."""
    query: str | None = None
    """A pattern with * and ? over the query."""

    skip: int = Field(0, ge=0)
    """So many matching requests are left alone first: 2 begins with the third."""
    count: int | None = Field(None, gt=0)
    """So many requests meet it, then it is over; None: all."""
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    when: Literal["before", "during", "after"] = "before"
    """before: the request is not carried out. after: it is, and its answer is replaced. during: it is answered so
    while it is carried out, and goes on."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """Answer this; None with nothing else than a delay: the request is only late."""
    envelope: Literal["service", "framework", "gateway", "message", "issue", "empty"] = "service"
    """Shape of the body."""
    detail: str = "Injected fault"
    body: str | None = None
    """This text instead of an envelope; without a status it replaces the body of the real answer."""
    content_type: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after: str | int | None = None
    delay: Seconds = 0
    """Seconds of the machine's clock, before anything else (after: between execution and answer; during: since it
    began)."""
    hang: bool = False
    """Never answer."""
    reset: bool = False
    """Break the connection instead of answering."""
    truncate: bool = False
    """Promise a longer body than is sent, and hang up."""

    matched: int = Field(0, exclude=True)
    met: int = Field(0, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _counters_start_at_zero(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v for k, v in value.items() if k not in ("matched", "met")}
        return value

    def matches(self, entry: Entry) -> bool:
        """Whether a request is one that this rule is about."""
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
    """The rules in force, in order: the first one that applies is met."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rules: list[Fault] = []
        self._named = 0

    def add(self, fault: Fault) -> str:
        """Put a rule in force; return its name."""
        self._named += 1
        fault.name = fault.name or f"fault-{self._named}"
        self._rules.append(fault)
        return fault.name

    def remove(self, name: str | None = None) -> None:
        """Take the rules of that name away, or all."""
        self._rules = [rule for rule in self._rules if name not in (None, rule.name)]

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules, and how many requests matched and met each."""
        return [
            rule.model_dump(by_alias=True, exclude_defaults=True) | {"matched": rule.matched, "met": rule.met}
            for rule in self._rules
        ]

    def choose(self, entry: Entry) -> Fault | None:
        """Return what a request meets, and count it."""
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
