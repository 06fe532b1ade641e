"""The version is set in pyproject.toml. Everything else that shows it is written from there by `make generate`."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATTERN = r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?"
"""Semantic versions without build metadata, which neither image tags nor wheels take."""

COPIES: Mapping[str, tuple[str, ...]] = {
    "charts/nvcf-operator/Chart.yaml": (r"(?m)^(version: ){version}$", r"(?m)^(appVersion: ){version}$"),
    "Dockerfile": (r"(?m)^(ARG VERSION=){version}$",),
    "README.md": (r"(?m)^(Version ){version}(?=, `v1alpha1`)",),
    "docs/image.md": (r"(\bnvcf-operator:){version}",),
    "docs/install.md": (r"(?m)^( +newTag: ){version}$",),
}
"""File by what stands before the version in it; the version itself is written {version}."""


class VersionError(ValueError):
    """Something is no version, or a file shows none where it should; the message says what to do."""


def version(root: Path = ROOT) -> str:
    """The project's version."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def set_version(wanted: str, root: Path = ROOT) -> None:
    """Write another version into pyproject.toml and into all copies. Raises :class:`VersionError`."""
    if not re.fullmatch(PATTERN, wanted):
        raise VersionError(f"{wanted!r} is not a version: use MAJOR.MINOR.PATCH, such as 0.2.0 or 0.2.0-rc.1")
    file = root / "pyproject.toml"
    file.write_text(_replaced(file.read_text(), r'(?m)^(version = "){version}(?="$)', wanted, file.name))
    copy_version(root)


def copy_version(root: Path = ROOT) -> None:
    """Write the version into all copies. Raises :class:`VersionError` if one has lost its place."""
    wanted = version(root)
    for name, patterns in COPIES.items():
        text = (root / name).read_text()
        for pattern in patterns:
            text = _replaced(text, pattern, wanted, name)
        (root / name).write_text(text)


def _replaced(text: str, pattern: str, wanted: str, name: str) -> str:
    changed, times = re.subn(pattern.replace("{version}", PATTERN), lambda match: match.group(1) + wanted, text)
    if not times:
        raise VersionError(f"{name} shows no version where {pattern!r} is expected; change it or COPIES in {__name__}")
    return changed
