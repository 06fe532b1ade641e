"""The changelog's sections become release notes, and what Artifact Hub shows."""

from datetime import date

import pytest

from hack.release import artifacts
from hack.release.changelog import ChangelogError, changes, cut, notes
from hack.release.version import version

TEXT = """# Changelog

## [Unreleased]

### Added

- Grüße <&>, with a [page](docs/a.md#b) and more
  on another line ([the resource](docs/resource.md)).

## [0.1.0] - 2026-11-30

- The first.
"""


def test_notes_are_one_section() -> None:
    assert notes(TEXT, "0.1.0") == "- The first.\n"
    assert "The first" not in notes(TEXT, "Unreleased")
    assert changes(artifacts.notes(version()))


def test_entries_are_lines_without_links() -> None:
    assert changes(notes(TEXT, "Unreleased")) == ["Grüße <&>, with a page and more on another line."]


def test_a_cut_leaves_an_empty_section_for_what_comes() -> None:
    made = cut(TEXT, "0.2.0", date(2026, 12, 24))
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-12-24\n\n### Added\n" in made
    assert notes(made, "0.2.0") == notes(TEXT, "Unreleased")
    with pytest.raises(ChangelogError, match=r"no entry in section \[Unreleased\]"):
        cut(made, "0.3.0", date(2026, 12, 25))


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ChangelogError, match=r"no section \[0\.2\.0\]"):
        notes(TEXT, "0.2.0")
    with pytest.raises(ChangelogError, match="take the next version"):
        cut(TEXT, "0.1.0", date(2026, 12, 24))
