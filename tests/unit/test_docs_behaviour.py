"""docs/behaviour.md against the code: each function that it names decides something, and each test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def rows() -> list[list[str]]:
    """The table: situation, what is done, functions, tests."""
    lines = (ROOT / "docs" / "behaviour.md").read_text().splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return table[2:]


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


def test_every_function_is_one_of_the_core() -> None:
    assert {name for row in rows() for name in named(row[2])} - functions(ROOT / "operator/nvcf_operator/core") == set()


def test_every_test_is_there() -> None:
    assert {name for row in rows() for name in named(row[3])} - functions(ROOT / "tests") == set()
