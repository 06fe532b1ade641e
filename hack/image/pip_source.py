"""Where pip finds packages here, as the build's secrets: index and proxy as a pip.conf, and the authority to trust."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_TAKEN = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
"""What holds in a container as well. Folders of this machine do not."""


def pip_settings() -> dict[str, str]:
    """What pip's files and variables say here, by its long names; a variable goes before a file."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(pip, capture_output=True, text=True)
    return parsed(done.stdout if done.returncode == 0 else "")


def parsed(listing: str) -> dict[str, str]:
    """The settings in what `pip config list` prints: lines such as `global.index-url='https://...'`."""
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        place, _, value = line.partition("=")
        section, _, name = place.rpartition(".")
        rank = ("global", "install", ":env:").index(section) if section in ("global", "install", ":env:") else -1
        if rank >= found.get(name, (0, ""))[0]:
            found[name] = (rank, value.strip("'\""))
    return {name: value for name, (_, value) in found.items()}


def write_secrets(folder: Path, settings: Mapping[str, str]) -> list[str]:
    """Write the secrets into a private folder; give the options of `build` that pass them."""
    options = []
    taken = {name: settings[name] for name in _TAKEN if name in settings}
    if taken:
        config = configparser.RawConfigParser()
        config["global"] = taken
        path = folder / "pip.conf"
        with open(path, "w", opener=_private) as file:
            config.write(file)
        options.append(f"--secret=id=pip.conf,src={path}")
    authority = settings.get("cert") or os.environ.get("SSL_CERT_FILE")
    if authority and Path(authority).is_file():
        options.append(f"--secret=id=ca,src={authority}")
    return options


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
