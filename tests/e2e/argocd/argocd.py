"""Argo CD's servers as processes, each under its own ServiceAccount as its installation has it, and its API."""

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from hack.argocd import CONFIG_MAP
from hack.chart.binaries import helm_binary
from hack.controlplane import ControlPlane
from hack.controlplane.ports import free_ports
from hack.e2e.argocd.binary import SERVERS, argocd_binary, install_manifest
from hack.processes import Process
from tests.support.waiting import eventually

NAMESPACE = "argocd"
_RUN_BESIDE = ("Deployment", "StatefulSet", "NetworkPolicy")
"""What is left out of its installation: there are no nodes, so its servers run beside the cluster."""

_SCRIPTS = {
    # The same library as the command kustomize, which Argo CD calls for `build PATH` only.
    "kustomize": 'case "$1" in build) shift; exec "$KUBECTL" kustomize "$@";; *) "$KUBECTL" version --client;; esac',
    # Says who signed a commit. Nobody did.
    "git-verify-wrapper.sh": "exit 0",
}


class ArgoCD:
    """A running Argo CD. Ends with its starter."""

    def __init__(self, root: Path, plane: ControlPlane) -> None:
        self.root = root
        self._plane = plane
        self._processes: list[Process] = []
        ports = dict(
            zip(("redis", "repo", "repo_metrics", "metrics", "api", "api_metrics"), free_ports(6), strict=True)
        )
        self._ports = ports
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{ports['api']}", timeout=30, trust_env=False)

    @classmethod
    @contextmanager
    def start(cls, root: Path, plane: ControlPlane) -> "Iterator[ArgoCD]":
        """Install it and run it for the body; its logs go to `root`."""
        argocd = cls(root, plane)
        with ExitStack() as stack:
            stack.callback(argocd.stop)
            argocd._install()
            argocd._run()
            argocd._log_in()
            yield argocd

    def stop(self) -> None:
        """End all servers."""
        for process in self._processes:
            process.kill()
        self._processes.clear()
        self._api.close()

    def check(self) -> None:
        """Raise, with the end of its log, if a server has ended unexpectedly."""
        for process in self._processes:
            process.check()

    # what users do with it

    def ask(self, method: str, path: str, body: Any = None, **parameters: str) -> Any:
        """Call its API as the one who is logged in."""
        __tracebackhide__ = True  # a body may hold a password
        answer = self._api.request(method, path, json=body, params=parameters)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def log_in(self, name: str, password: str) -> None:
        """Be this user from now on."""
        __tracebackhide__ = True
        self._api.headers.pop("Authorization", None)
        token = self.ask("POST", "/api/v1/session", {"username": name, "password": password})["token"]
        self._api.headers["Authorization"] = f"Bearer {token}"

    def admin_password(self) -> str:
        """The password that its server made at its first start."""
        template = "go-template={{.data.password|base64decode}}"
        return self._plane.kubectl("-n", NAMESPACE, "get", "secret", "argocd-initial-admin-secret", "-o", template)

    def figures(self) -> dict[str, float]:
        """The samples of the application controller's metrics, by name with labels."""
        text = httpx.get(f"http://127.0.0.1:{self._ports['metrics']}/metrics", timeout=30, trust_env=False).text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    # how it is started

    def _install(self) -> None:
        kubectl = self._plane.kubectl
        everything = [each for each in yaml.safe_load_all(install_manifest().read_text()) if each]
        items = [each for each in everything if each["kind"] not in _RUN_BESIDE]
        kubectl("create", "namespace", NAMESPACE)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        kubectl("-n", NAMESPACE, "apply", "--server-side", "-f", "-", input=text)
        crds = [f"crd/{each['metadata']['name']}" for each in items if each["kind"] == "CustomResourceDefinition"]
        kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
        # As docs/gitops.md has it.
        kubectl("apply", "--server-side", "--field-manager=nvcf-operator", "-f", CONFIG_MAP)

    def _run(self) -> None:
        binary, tools = argocd_binary(), self.root / "bin"
        for folder in (tools, self.root / "tmp", self.root / "redis"):
            folder.mkdir(parents=True)
        for server in SERVERS:
            (tools / server).symlink_to(binary)
        (tools / "helm").symlink_to(helm_binary(4))
        for name, text in _SCRIPTS.items():
            script = tools / name
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        ports = self._ports
        redis = shutil.which("redis-server")
        assert redis is not None, "there is no redis-server"
        self._start(
            [redis, "--bind", "127.0.0.1", "--port", ports["redis"], "--save", "", "--dir", self.root / "redis"], {}
        )
        shared = [f"--redis=127.0.0.1:{ports['redis']}", "--logformat=text"]
        self._start(
            [
                tools / "argocd-repo-server", *shared, "--address=127.0.0.1", f"--port={ports['repo']}",
                "--metrics-address=127.0.0.1", f"--metrics-port={ports['repo_metrics']}",
                "--disable-tls", "--client-ca-path=",
                # A commit is seen by the next refresh, not three minutes later.
                "--revision-cache-expiration=1ms",
            ],
            self._environment("argocd-repo-server"),
        )  # fmt: skip
        shared += [f"--repo-server=127.0.0.1:{ports['repo']}", "--repo-server-plaintext"]
        controller = tools / "argocd-application-controller"
        # It has no option for the address that its metrics listen on.
        metrics = f"--metrics-port={ports['metrics']}"
        self._start([controller, *shared, metrics], self._environment("argocd-application-controller"))
        self._start(
            [
                tools / "argocd-server", *shared, "--insecure", "--address=127.0.0.1", f"--port={ports['api']}",
                "--metrics-address=127.0.0.1", f"--metrics-port={ports['api_metrics']}",
            ],
            self._environment("argocd-server"),
        )  # fmt: skip
        self._wait_for("application controller", ports["metrics"])
        self._wait_for("API server", ports["api"])

    def _start(self, command: list[Any], environment: Mapping[str, str]) -> None:
        given = [f"{name}={value}" for name, value in environment.items()]
        name = Path(command[0]).name
        self._processes.append(Process(name, ["env", *given, *map(str, command)], self.root / f"{name}.log"))

    def _environment(self, account: str) -> dict[str, str]:
        return {
            "HOME": str(self.root),
            "TMPDIR": str(self.root / "tmp"),
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "KUBECTL": str(self._plane.assets / "kubectl"),
            "KUBECONFIG": str(self._plane.kubeconfig_for(NAMESPACE, account)),
            # Applications name the cluster as the one that Argo CD runs in.
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_ASK_PASS_SOCK": str(self.root / "ask-pass.sock"),
        }

    def _wait_for(self, what: str, port: int) -> None:
        url = f"http://127.0.0.1:{port}/healthz"
        eventually(lambda: self._status(url), lambda code: code == 200, within=90, what=f"the {what} is healthy")

    def _status(self, url: str) -> int | str:
        self.check()
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code
        except httpx.HTTPError as error:
            return str(error)

    def _log_in(self) -> None:
        self.log_in("admin", self.admin_password())
