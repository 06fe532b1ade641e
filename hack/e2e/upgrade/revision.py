"""An earlier revision of the project, set up in a folder of its own as a user would set it up."""

import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from hack.release.version import ROOT, version


class RevisionError(RuntimeError):
    """There is no earlier revision, or it cannot be set up; the message says what to do."""


@dataclass(frozen=True)
class Revision:
    """A checkout with its own environment."""

    name: str
    root: Path

    @property
    def command(self) -> Path:
        """Its `nvcf-operator`."""
        return self.root / ".venv" / "bin" / "nvcf-operator"

    @property
    def chart(self) -> Path:
        """Its chart."""
        return self.root / "charts" / "nvcf-operator"

    @property
    def version(self) -> str:
        """The version that it says it is."""
        return version(self.root)


def previous_tag() -> str:
    """The last release before this commit. Raises :class:`RevisionError` if there is none."""
    done = _git("describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
    if done.returncode != 0:
        raise RevisionError(
            "no release before this commit: there is no tag v* among its ancestors. Fetch the tags (git fetch --tags), "
            "or name a commit to upgrade from: make e2e-upgrade FROM=COMMIT"
        )
    return done.stdout.decode().strip()


def check_out(name: str, folder: Path) -> Revision:
    """Unpack a revision into an empty folder and set it up. Raises :class:`RevisionError`."""
    done = _git("archive", "--format=tar", name)
    if done.returncode != 0:
        raise RevisionError(f"git has no {name}: {done.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    made = Revision(name, folder)
    print(f"upgrade: setting up {name} ({made.version}) in {folder} (a minute)", file=sys.stderr, flush=True)
    if subprocess.run(["make", "--silent", "-C", str(folder), f"PYTHON={sys.executable}", "setup"]).returncode != 0:
        raise RevisionError(f"{name} could not be set up, see above")
    return made


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
