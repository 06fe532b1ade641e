"""docs/behaviour.md against the code: each function that it names decides something, and each test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tables() -> dict[str, list[list[str]]]:
    """The table of each section: situation, what is done, functions, tests."""
    sections = (ROOT / "docs" / "behaviour.md").read_text().split("\n## ")[1:]
    return {section.splitlines()[0]: table(section.splitlines()) for section in sections}


def table(lines: list[str]) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return cells[2:]


def rows() -> list[list[str]]:
    """The rows of all tables."""
    return [row for rows_of_one in tables().values() for row in rows_of_one]


def named(text: str) -> set[str]:
    """What is set as code."""
    return set(re.findall(r"`([^`]+)`", text))


def functions(folder: Path) -> set[str]:
    """All functions of the modules below a folder."""
    texts = [path.read_text() for path in folder.rglob("*.py")]
    return {name for text in texts for name in re.findall(r"^\s*(?:async )?def (\w+)\(", text, re.M)}


def test_every_situation_names_who_decides_it_and_a_test() -> None:
    assert [row[0] for row in rows() if len(row) != 4 or not named(row[2]) or not named(row[3])] == []
    assert len(rows()) >= 35


def test_both_kinds_and_the_reference_between_them_have_a_table() -> None:
    least = {"FunctionDeployment": 35, "A FunctionDeployment with functionRef": 5, "CloudFunction": 15}
    assert {section: len(found) >= least[section] for section, found in tables().items()} == dict.fromkeys(least, True)


def test_what_decides_on_a_cloud_function_is_in_its_own_modules_or_shared_rules() -> None:
    core = ROOT / "operator/nvcf_operator/core"
    known = {name for folder in ("functions", "rules", "model") for name in functions(core / folder)}
    assert {name for row in tables()["CloudFunction"] for name in named(row[2])} - known == set()


def test_every_function_is_one_of_the_core() -> None:
    assert {name for row in rows() for name in named(row[2])} - functions(ROOT / "operator/nvcf_operator/core") == set()


def test_every_test_is_there() -> None:
    assert {name for row in rows() for name in named(row[3])} - functions(ROOT / "tests") == set()
