"""One Kustomization of Flux, as far as it applies, prunes, waits and deletes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.flux.binary import flux_binary


@dataclass(frozen=True)
class Outcome:
    """What one reconciliation did; objects are named as Flux does: `Kind/namespace/name`."""

    applied: Mapping[str, str]
    """Action by object: created, configured, unchanged."""
    pruned: Mapping[str, str]
    waited: str
    """The error of the wait, which the Kustomization shows; empty when it is ready."""
    status: Mapping[str, str]
    """kstatus of each object at the end."""
    messages: Mapping[str, str]
    """What kstatus says about it."""


@dataclass(frozen=True)
class Kustomization:
    """Its inventory is in a file; `wait: true` and `prune: true` are set."""

    kubeconfig: Path
    inventory: Path
    name: str = "functions"
    interval: float = 0.5
    """Seconds between two reads while it waits; kustomize-controller takes 5, and 2 for what is being deleted."""

    def reconcile(self, manifests: Iterable[Mapping[str, Any]], *, timeout: float = 60) -> Outcome:
        """Apply all manifests, prune what is no longer among them, and wait until the applied ones are ready."""
        return self._run("", [*manifests], timeout)

    def delete(self, *, timeout: float = 60) -> Outcome:
        """Delete everything and wait for its end, as with `deletionPolicy: WaitForTermination`."""
        return self._run("--delete", [], timeout)

    def _run(self, flag: str, manifests: list[Mapping[str, Any]], timeout: float) -> Outcome:
        command: list[str | Path] = [
            flux_binary(),
            f"--kubeconfig={self.kubeconfig}",
            f"--inventory={self.inventory}",
            f"--name={self.name}",
            f"--timeout={timeout}s",
            f"--interval={self.interval}s",
            *([flag] if flag else []),
        ]
        text = "\n---\n".join(json.dumps(each) for each in manifests)
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout + 60, check=False)
        if done.returncode:
            raise RuntimeError(f"flux-apply: {done.stderr}")
        found = json.loads(done.stdout)
        return Outcome(
            applied=found["applied"] or {},
            pruned=found["pruned"] or {},
            waited=found["waited"],
            status={name: each["status"] for name, each in found["status"].items()},
            messages={name: each["message"] for name, each in found["status"].items()},
        )
