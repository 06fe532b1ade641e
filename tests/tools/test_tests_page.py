"""tests/README.md names files, fixtures and words that exist, and every folder with tests."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS / "README.md"

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
]
CHOICES = [row for row in ROWS if len(row) == 7][1:]
"""The rows of the table of environments: purpose, folders, what to take, real, replaced, cost, example."""

_FIXTURE = re.compile(r"^@pytest\.fixture.*\n(?:@.*\n)*(?:async )?def (\w+)\(", re.MULTILINE)

each_choice = pytest.mark.parametrize("row", CHOICES, ids=lambda row: row[0])


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def fixtures(folder: Path, example: Path) -> set[str]:
    """The fixtures that a test beside the example can use."""
    files = [example, *TESTS.glob("support/pytest_*.py")]
    files += [parent / "conftest.py" for parent in (folder, *folder.parents) if parent.is_relative_to(TESTS)]
    return {name for file in files if file.exists() for name in _FIXTURE.findall(file.read_text(encoding="utf-8"))}


def exists(path: str) -> bool:
    return any((root / path).exists() for root in (TESTS, TESTS.parent))


def test_the_page_has_the_table() -> None:
    assert len(CHOICES) > 10


@each_choice
def test_what_a_row_names_exists(row: list[str]) -> None:
    folders, (example,) = code(row[1]), code(row[6])
    assert [folder for folder in folders if not (TESTS / folder).is_dir()] == []
    assert (TESTS / example).is_file()
    known = fixtures(TESTS / folders[0], TESTS / example) | set(
        re.findall(r"\b[A-Z]\w+\b", (TESTS / example).read_text(encoding="utf-8"))
    )
    names = code(row[2])
    assert [name for name in names if not (exists(name) if "/" in name else name in known)] == []


@each_choice
def test_the_example_of_a_row_is_in_its_folders(row: list[str]) -> None:
    assert any(code(row[6])[0].startswith(f"{folder}/") for folder in code(row[1]))


def test_every_folder_with_tests_is_in_the_table() -> None:
    named = {folder for row in CHOICES for folder in code(row[1])}
    top = {folder.split("/")[0] for folder in named}
    assert {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} == top


def test_files_and_functions_in_the_text_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = re.findall(r"[\w./-]+\.py\b", text)
    assert [file for file in files if not exists(file)] == []
    functions = re.findall(r"`(test_\w+)`", text)
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in functions if f"def {name}(" not in sources] == []


@pytest.mark.parametrize("row", [row for row in ROWS if len(row) == 2][1:], ids=lambda row: row[0])
def test_the_words_of_the_second_table_are_classes_of_the_files_beside_them(row: list[str]) -> None:
    name, *_ = code(row[0])
    files = [file for file in code(" ".join(row)) if file.endswith(".py")]
    assert files
    assert any(f"class {name}" in (TESTS / file).read_text(encoding="utf-8") for file in files)
