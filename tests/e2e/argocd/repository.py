"""A git repository that Argo CD reads from this machine's disk."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

_IDENTITY = ("-c", "user.name=team", "-c", "user.email=team@example.com", "-c", "commit.gpgsign=false")


class Repository:
    """One branch, `main`, with a work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        """Its address."""
        return self.folder.as_uri()

    def copy(self, source: Path, path: str) -> None:
        """Put a copy of a folder into the work tree."""
        shutil.copytree(source, self.folder / path)

    def write(self, path: str, *documents: Mapping[str, Any]) -> None:
        """Put YAML documents into a file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False))

    def read(self, path: str) -> dict[str, Any]:
        """The only document of a file."""
        value: dict[str, Any] = yaml.safe_load((self.folder / path).read_text())
        return value

    def remove(self, path: str) -> None:
        """Take a file out of the work tree."""
        (self.folder / path).unlink()

    def files(self, *folders: str) -> Iterable[Path]:
        """Every file in these folders."""
        return (path for folder in folders for path in (self.folder / folder).rglob("*") if path.is_file())

    def commit(self, message: str) -> str:
        """Commit the work tree as it is; give the revision."""
        self._git("add", "--all")
        self._git(*_IDENTITY, "commit", "--quiet", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout
