"""CHANGELOG.md by its sections (Keep a Changelog 1.1.0): the notes of a release, and the cut that makes them."""

import re
from datetime import date

UNRELEASED = "Unreleased"


class ChangelogError(ValueError):
    """The changelog does not have what a release needs; the message says what to do."""


def notes(text: str, version: str) -> str:
    """What a section says, without its heading. Raises :class:`ChangelogError` if there is none, or nothing in it."""
    found = re.search(rf"(?ms)^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", text)
    if found is None:
        raise ChangelogError(f"CHANGELOG.md has no section [{version}]; `make release-prepare VERSION=...` makes one")
    said = found.group(1).strip()
    if not re.search(r"(?m)^- ", said):
        raise ChangelogError(f"CHANGELOG.md has no entry in section [{version}]; list what changes for users")
    return said + "\n"


def cut(text: str, version: str, on: date) -> str:
    """The changelog with what was unreleased as the section of a version. Raises :class:`ChangelogError`."""
    notes(text, UNRELEASED)
    if re.search(rf"(?m)^## \[{re.escape(version)}\]", text):
        raise ChangelogError(f"CHANGELOG.md has a section [{version}] already; take the next version")
    return text.replace(f"## [{UNRELEASED}]\n", f"## [{UNRELEASED}]\n\n## [{version}] - {on.isoformat()}\n", 1)


def changes(said: str) -> list[str]:
    """The entries of a section, a line each, as plain text without links: what Artifact Hub shows of a chart."""
    entries = re.findall(r"(?m)^- (.+(?:\n  .+)*)", said)
    lines = [re.sub(r"\s+", " ", entry) for entry in entries]
    return [re.sub(r"\s*\(\[[^\]]+\]\([^)]+\)\)|\[([^\]]+)\]\([^)]+\)", r"\1", line) for line in lines]
