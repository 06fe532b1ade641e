"""The cluster that is tested: kubectl, quick reads over `kubectl proxy`, and the nodes where they are kind's."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from hack.controlplane.kubectl import kubectl
from hack.e2e.kind.podman import podman
from hack.processes import kill, spawn
from tests.support.waiting import eventually


class RealCluster:
    """A cluster by its kubeconfig."""

    def __init__(self, kubeconfig: Path, home: Path, proxy: str) -> None:
        found = shutil.which("kubectl")
        assert found, "kubectl is not on the PATH"
        self.kubeconfig = kubeconfig
        self.proxy = proxy
        self.nodes = [name for name in os.environ.get("E2E_NODES", "").split(",") if name]
        """Names of kind's nodes, the control plane's first; empty for a cluster that was there before."""
        self._kubectl, self._home = Path(found), home
        self._client = httpx.Client(base_url=proxy, timeout=30, trust_env=False)

    @classmethod
    @contextmanager
    def reached(cls, kubeconfig: Path, home: Path) -> "Iterator[RealCluster]":
        """Run `kubectl proxy` for the body."""
        log = home / "proxy.log"
        with log.open("wb") as output:
            command = ["kubectl", f"--kubeconfig={kubeconfig}", "proxy", "--port=0"]
            process = spawn(command, stdout=output)
        try:
            said = eventually(
                log.read_text,
                lambda text: "Starting to serve on" in text and text.endswith("\n"),
                within=30,
                what="kubectl proxy serves",
            )
            made = cls(kubeconfig, home, f"http://{said.split()[-1]}")
            with made._client:
                yield made
        finally:
            kill(process)

    def kubectl(self, *arguments: str | Path, input: str | None = None, timeout: float = 180.0) -> str:
        """Run kubectl, and give what it printed. Raises :class:`hack.controlplane.KubectlError`."""
        return kubectl(
            self._kubectl, arguments, kubeconfig=self.kubeconfig, home=self._home, input=input, timeout=timeout
        )

    def read(self, path: str) -> Any:
        """GET a path of the API server: a JSON value, or a text where it is none. None where there is nothing.

        Raises ``httpx.HTTPStatusError`` for any other answer.
        """
        answer = self._client.get(path)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def change(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> bool:
        """Leave it to kubectl."""
        return False

    def items(self, path: str) -> list[dict[str, Any]]:
        """GET a list."""
        found = self.read(path)
        assert found is not None, path
        items: list[dict[str, Any]] = found["items"]
        return items

    def create_namespace(self, name: str) -> None:
        """Create a namespace that enforces the restricted profile, unless it is there."""
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.kubectl("apply", "-f", "-", input=json.dumps(body))


def on_node(node: str, *command: str) -> str:
    """Run a command on one of kind's nodes, and give what it printed. Raises ``subprocess.CalledProcessError``."""
    return podman("exec", node, *command)
