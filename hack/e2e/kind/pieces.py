"""What a cluster is started from: binaries, node image, base image; made once and kept in the tool cache.

Where Docker's registry answers, the images are pulled; else they are made from Go modules and Debian packages.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.e2e.kind import archives, node_image, pins
from hack.e2e.kind.binaries import kind_files, node_binaries
from hack.e2e.kind.debian import debian
from hack.gobuild.cache import cache_folder

_REGISTRY = "https://registry-1.docker.io/v2/"
_REGISTRY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """An image, and the tar of its root where it was made here."""

    name: str
    tar: str | None = None

    @classmethod
    def read(cls, written: dict[str, str | None]) -> Source:
        """The opposite of ``dataclasses.asdict``."""
        return cls(name=str(written["name"]), tar=written["tar"])


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Where they are."""

    binaries: Path
    node: Source
    base: Source | None
    """What the operator's image is built on; None for what the Dockerfile names."""
    storage: Path
    """podman's images."""

    def sources(self) -> dict[str, dict[str, str | None] | None]:
        """The images in plain values."""
        return {"node": asdict(self.node), "base": asdict(self.base) if self.base else None}


def pieces() -> Pieces:
    """Make what is missing, and say so. ``NODE_IMAGE`` and ``BASE_IMAGE`` name images to take."""
    registry = registry_answers()
    node = os.environ.get("NODE_IMAGE") or (pins.STOCK_NODE if registry else "")
    base = os.environ.get("BASE_IMAGE") or ""
    binaries = node_binaries(kind_only=bool(node))
    folder = cache_folder() / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        node_source = Source(name=node) if node else _made_node(folder, binaries)
        if base:
            base_source: Source | None = Source(name=base)
        else:
            base_source = None if registry else _made_base(folder)
    return Pieces(binaries=binaries, node=node_source, base=base_source, storage=folder / "storage")


def registry_answers() -> bool:
    """Whether images can be pulled from where kind's node image is."""
    try:
        with urllib.request.urlopen(_REGISTRY, timeout=_REGISTRY_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401  # it wants a token, which whoever pulls gets
    except OSError:
        return False


def _made_node(folder: Path, binaries: Path) -> Source:
    # What decides about the image is what these modules do, not from where they import each other.
    texts = [Path(str(module.__file__)).read_text() for module in (node_image, archives)]
    sources = [text.replace(f"from {__package__}.", "from e2e.") for text in texts]

    def complete(root: Path) -> None:
        node_image.complete(root, binaries, kind_files(folder))

    return _made(folder, "node", _key(binaries.name, pins.DEBIAN, *sources), pins.NODE_PACKAGES, complete)


def _made_base(folder: Path) -> Source:
    return _made(folder, "python", _key(pins.DEBIAN, *pins.BASE_PACKAGES), pins.BASE_PACKAGES, lambda _: None)


def _made(folder: Path, name: str, key: str, packages: tuple[str, ...], complete: Callable[[Path], None]) -> Source:
    """The tar of that key, in place of those of other keys."""
    tar = folder / f"{name}-{key}.tar"
    if not tar.exists():
        with debian(packages, folder) as root:
            print(f"{tar.name}: putting it together", file=sys.stderr)
            complete(root)
            fresh = tar.with_suffix(".part")
            archives.write_tar(fresh, root)
            fresh.rename(tar)
        for other in folder.glob(f"{name}-*.tar"):
            if other != tar:
                other.unlink()
    return Source(name=f"localhost/nvcf-operator-{name}:{key}", tar=str(tar))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
