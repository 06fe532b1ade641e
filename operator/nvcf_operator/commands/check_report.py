"""The report of `nvcf-operator check`: one plain line for each result, or JSON."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nvcf_operator.commands.catalogue import catalogue_json, catalogue_tables
from nvcf_operator.core.catalogue.model import Catalogue


class Outcome(StrEnum):
    """How a check came out."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be made, or NVCF's response shows neither."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check and how it came out."""

    question: str
    outcome: Outcome
    text: str
    """What was found, and what to do."""
    required: bool = True
    """Whether the operator cannot work without it."""


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """A version that the account runs; `running` is None where NVCF does not report its instances."""

    function_name: str
    function_id: str
    version_id: str
    status: str
    running: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All results, and what is deployed."""

    base_url: str
    results: tuple[CheckResult, ...]
    account_id: str | None = None
    deployed: Sequence[DeployedVersion] = field(default=())
    catalogue: Catalogue | None = None

    @property
    def ok(self) -> bool:
        """Whether all required checks passed."""
        return all(item.outcome == Outcome.OK for item in self.results if item.required)

    def to_text(self) -> str:
        """A line for each result, then tables: the versions that are deployed, the catalogue, and the quota."""
        rows = [(item.outcome.value, _question(item), item.text) for item in self.results]
        text = _table(rows)
        if self.deployed:
            heads = ("FUNCTION", "VERSION", "STATUS", "RUNNING")
            shown = [(x.function_name, x.version_id, x.status, _running(x)) for x in self.deployed]
            text += "\n" + _table([heads, *shown])
        if self.catalogue is not None:
            text += "".join("\n" + _table(rows) for rows in catalogue_tables(self.catalogue))
        return text

    def to_json(self, clean: Callable[[str], str] = str) -> str:
        """The same as a JSON object; `clean` is applied to each text in it."""
        value = {
            "ok": self.ok,
            "baseUrl": self.base_url,
            "accountId": self.account_id,
            "answers": [
                {"question": x.question, "result": x.outcome.value, "required": x.required, "text": x.text}
                for x in self.results
            ],
            "deployed": [
                {
                    "functionName": x.function_name,
                    "functionId": x.function_id,
                    "functionVersionId": x.version_id,
                    "functionStatus": x.status,
                    "runningInstances": x.running,
                }
                for x in self.deployed
            ],
            "catalogue": catalogue_json(self.catalogue) if self.catalogue is not None else None,
        }
        return json.dumps(_cleaned(value, clean), indent=2, ensure_ascii=False) + "\n"


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _cleaned(item, clean) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value


def _question(result: CheckResult) -> str:
    dispensable = not result.required and result.outcome != Outcome.OK
    return f"{result.question} (optional)" if dispensable else result.question


def _running(version: DeployedVersion) -> str:
    return "unknown" if version.running is None else str(version.running)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows as lines, with columns that are as wide as their longest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)
