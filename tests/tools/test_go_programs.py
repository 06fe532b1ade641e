"""A fixture named as a Go program has that program built before the first test, so nothing else bears such a name."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PLUGIN = TESTS / "support" / "pytest_gotools.py"

_FIXTURE = re.compile(r"^ *@pytest\.fixture.*\n(?: *@.*\n)*(?: *async)? *def (\w+)\(", re.MULTILINE)


def fixtures(file: Path) -> set[str]:
    """The names of a module's fixtures."""
    return set(_FIXTURE.findall(file.read_text(encoding="utf-8")))


def test_no_other_fixture_has_the_name_of_a_program() -> None:
    programs = fixtures(PLUGIN)
    assert len(programs) == 3
    others = {file: names for file in TESTS.rglob("*.py") if file != PLUGIN and (names := fixtures(file) & programs)}
    assert others == {}
