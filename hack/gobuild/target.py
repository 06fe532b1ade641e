"""One executable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Target:
    """One executable and how Go builds it."""

    name: str
    package: str
    module: Path
    """The folder with the go.mod to build it by."""
    linker_flags: str
    tags: str = ""
    """Build tags, comma separated."""


def is_binary(path: Path) -> bool:
    """Whether there is an executable file."""
    return path.is_file() and os.access(path, os.X_OK)
