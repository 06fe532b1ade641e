"""Folders with a small Debian, by debootstrap; Debian's signatures say that it is Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.e2e.kind.pins import DEBIAN


class DebianError(RuntimeError):
    """There is no Debian to be had; the message says what to do."""


@contextmanager
def debian(packages: Iterable[str], within: Path) -> Iterator[Path]:
    """A root with these packages, in a folder that ends with the body.

    Raises :class:`DebianError`.
    """
    if shutil.which("debootstrap") is None:
        raise DebianError("debootstrap is not installed: apt-get install debootstrap")
    with TemporaryDirectory(dir=within, prefix=".debian-") as scratch:
        root, log = Path(scratch) / "root", within / "debootstrap.log"
        mirror = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", DEBIAN, str(root), mirror]
        print(f"debian: installing {', '.join(packages)} into a folder (a minute)", file=sys.stderr)
        with log.open("wb") as output:  # mounts of its own, so that none is left when it is ended half way
            done = subprocess.run(["unshare", "--mount", *command], stdout=output, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            end = "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-8:])
            raise DebianError(f"debootstrap from {mirror} failed (DEBIAN_MIRROR names another); {log} ends:\n{end}")
        for folder in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
            shutil.rmtree(root / folder, ignore_errors=True)
        yield root
