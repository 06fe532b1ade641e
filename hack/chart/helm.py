"""Runs one helm with folders of its own, so that no setting of the user's takes part."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hack import documents
from hack.chart.binaries import helm_binary
from hack.chart.rendering import CHART


class HelmError(RuntimeError):
    """helm said no; the text is what it said."""


class Helm:
    """One major version of helm, for one cluster or for none."""

    def __init__(self, major: int, home: Path, kubeconfig: Path | None = None) -> None:
        self.major = major
        self._binary = helm_binary(major)
        self._home = home
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(kubeconfig or home / "no-cluster"),
        }

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None, within: float = 120.0) -> str:
        """Run it; give what it printed. `values` are written to a file and named."""
        command = [str(self._binary), *arguments]
        if values is not None:
            file = self._home / f"values-{len(list(self._home.glob('values-*')))}.yaml"
            file.write_text(yaml.safe_dump(dict(values)))
            command += ["--values", str(file)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=within)
        if done.returncode != 0:
            raise HelmError(f"helm {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def template(
        self, values: Mapping[str, Any] | None = None, *options: str, release: str = "nvcf-operator"
    ) -> list[dict[str, Any]]:
        """Render the chart; give the objects."""
        namespace = ("--namespace", "nvcf-operator-system")
        text = self("template", release, str(CHART), *namespace, *options, values=values or {})
        return [each for each in documents.load_all(text) if each]
