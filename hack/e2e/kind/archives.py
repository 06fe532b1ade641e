"""Images as files, in the format of `docker save`, which every engine and containerd loads."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Image:
    """One name of an image."""

    name: str
    entrypoint: Sequence[str]


def write_archive(archive: Path, layer: Path, images: Sequence[Image]) -> None:
    """Write images that all have the same one layer, the content of a folder."""
    tar = archive.with_suffix(".layer")
    write_tar(tar, layer)
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = []
    with tarfile.open(archive, "w") as output:
        output.add(tar, f"{digest}.tar")
        for image in images:
            config = {
                "architecture": _MACHINES[platform.machine()],
                "os": "linux",
                "config": {
                    "Entrypoint": list(image.entrypoint),
                    "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
            body = json.dumps(config).encode()
            name = f"{hashlib.sha256(body).hexdigest()}.json"
            _add(output, name, body)
            manifest.append({"Config": name, "RepoTags": [image.name], "Layers": [f"{digest}.tar"]})
        _add(output, "manifest.json", json.dumps(manifest).encode())
    tar.unlink()


def write_tar(tar: Path, folder: Path) -> None:
    """Write the content of a folder, with owners and links."""
    subprocess.run(["tar", "--numeric-owner", "-C", folder, "-cf", tar, "."], check=True)


def _add(output: tarfile.TarFile, name: str, body: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(body)
    output.addfile(entry, io.BytesIO(body))
