"""docs/races.md against the code: each of the races is there, and every switch, rule and test that it names."""

import re
from pathlib import Path
from typing import NamedTuple, get_args

from nvcf_simulator.control.bodies import VersionChange
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.settings import DependencyName, Races

ROOT = Path(__file__).parents[2]

HARMLESS = {"failedRegistration"}
"""Races that need no rule: what they leave belongs to no version."""


class Row(NamedTuple):
    """One row of the table; empty `number`: more of the race above."""

    number: str
    race: str
    switch: str
    rule: str
    test: str


def rows() -> list[Row]:
    """The table."""
    lines = (ROOT / "docs" / "races.md").read_text().splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [Row(*(cell.strip() for cell in cells)) for cells in table[2:]]


def code(text: str) -> set[str]:
    """What is set as code."""
    return set(re.findall(r"`([^`]+)`", text))


def defined(folder: Path) -> set[str]:
    """The functions of all modules below a folder."""
    return {
        name
        for path in folder.rglob("*.py")
        for name in re.findall(r"^\s*(?:async )?def (\w+)\(", path.read_text(), re.M)
    }


def test_every_race_has_a_row_and_every_row_a_switch_a_rule_and_a_test() -> None:
    assert [row.number for row in rows() if row.number] == [str(number) for number in range(1, 17)]
    unanswered = [row.race for row in rows() if not code(row.rule) and not row.rule.startswith("none can help")]
    assert unanswered == []
    assert [row.race for row in rows() if not code(row.switch) or not code(row.test)] == []


def test_every_switch_is_the_simulators_and_every_race_of_the_simulator_is_named() -> None:
    races = {field.alias or name for name, field in Races.model_fields.items()}
    faults = set(get_args(Fault.model_fields["when"].annotation)) | set(Fault.model_fields)
    others = {field.alias or name for name, field in VersionChange.model_fields.items()}
    named = {word for row in rows() for word in code(row.switch)}
    assert sorted(named - races - set(get_args(DependencyName)) - faults - others) == []
    assert sorted(races - named - HARMLESS) == []


def test_every_rule_is_a_function_of_the_operator_or_its_client() -> None:
    named = {word for row in rows() for word in code(row.rule)}
    ours = defined(ROOT / "operator" / "nvcf_operator") | defined(ROOT / "operator" / "nvcf_client")
    assert sorted(named - ours) == []


def test_every_test_is_there_and_runs_the_operator() -> None:
    named = {word for row in rows() for word in code(row.test)}
    assert sorted(named - defined(ROOT / "tests" / "integration") - defined(ROOT / "tests" / "chaos")) == []
    races = (ROOT / "tests" / "integration" / "test_races.py", ROOT / "tests" / "chaos" / "test_races_crash.py")
    written = {name for path in races for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}
    assert sorted(written - named) == [], "and each of theirs is in the table"
