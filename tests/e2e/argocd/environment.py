"""Control plane, simulator, git and Argo CD, for the stories of one module."""

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.controlplane import ControlPlane, KubectlError
from hack.e2e.argocd.reporting import say
from nvcf_operator.api.names import KINDS
from tests.e2e.argocd.application import Application
from tests.e2e.argocd.argocd import ArgoCD
from tests.e2e.argocd.repository import Repository
from tests.support.cluster import Namespace
from tests.support.installation import EXAMPLES
from tests.support.simulator import KEY, Simulator

ROOT = Path(__file__).parents[3]
_PLACEHOLDER = "https://git.example.com/platform/nvcf.git"
_KEPT = ROOT / "build"
_DESCRIBED = ("applications.argoproj.io", *(kind.crd_name for kind in KINDS), "pods", "events")


@dataclass(frozen=True)
class Environment:
    """The parts, running."""

    root: Path
    plane: ControlPlane
    simulator: Simulator
    argocd: ArgoCD
    repository: Repository

    @classmethod
    @contextmanager
    def made(cls, root: Path) -> "Iterator[Environment]":
        """Start them for the body; their logs are kept when a start fails."""
        with ExitStack() as stack:
            try:
                say("starting etcd, kube-apiserver, kube-controller-manager and the simulator")
                plane = stack.enter_context(ControlPlane.start(root / "controlplane"))
                simulator = stack.enter_context(Simulator.start(fresh=True))
                repository = Repository(root / "git")
                for folder in ("deploy", "charts"):
                    repository.copy(ROOT / folder, folder)
                for file in repository.files("deploy/argocd"):  # as docs/gitops.md has it done by sed
                    file.write_text(file.read_text().replace(_PLACEHOLDER, repository.url))
                repository.commit("Take the operator's repository over")
                say("installing Argo CD, and starting redis, repo server, application controller and API server")
                argocd = stack.enter_context(ArgoCD.start(root / "argocd", plane))
            except BaseException:
                _keep_logs(root)
                raise
            yield cls(root, plane, simulator, argocd, repository)

    def application(self, name: str) -> Application:
        """An Application, which need not exist."""
        return Application(name, self.plane, self.argocd)

    def namespace(self, name: str) -> Namespace:
        """Create a namespace with the Secret that holds the API key, as from a secret store."""
        self.plane.kubectl("create", "namespace", name)
        made = Namespace(self.plane, name)
        made.secret(KEY)
        return made

    def tenant(self, name: str) -> "Tenant":
        """A folder of functions in git as `deploy/examples/functions` is, its namespace, and its Application."""
        folder = f"teams/{name}"
        self.repository.copy(EXAMPLES / "functions", folder)
        kustomization = self.repository.read(f"{folder}/kustomization.yaml")
        for file_name in {*kustomization["resources"]} - {"namespace.yaml"}:
            self.repository.remove(f"{folder}/{file_name}")
        self.repository.write(f"{folder}/kustomization.yaml", kustomization | {"resources": ["namespace.yaml"]})
        for file in self.repository.files(folder):
            file.write_text(file.read_text().replace("nvcf-functions", name))
        manifest = self.repository.read("deploy/argocd/apps/functions.yaml")
        manifest["metadata"]["name"] = name
        manifest["spec"]["source"]["path"] = folder
        manifest["spec"]["destination"]["namespace"] = name
        return Tenant(self, self.namespace(name), folder, self.application(name), manifest)

    def keep(self) -> None:
        """Keep the logs of all parts, and what the cluster holds, and say where."""
        for kind in _DESCRIBED:
            try:
                text = self.plane.kubectl("get", kind, "--all-namespaces", "-o", "yaml")
            except KubectlError as error:
                text = str(error)
            (self.root / f"{kind}.yaml").write_text(text)
        (self.root / "nvcf.json").write_text(json.dumps({"state": self.simulator.state(), "log": self.simulator.log()}))
        _keep_logs(self.root)


@dataclass(frozen=True)
class Tenant:
    """A tenant that deploys by commits."""

    environment: Environment
    namespace: Namespace
    folder: str
    application: Application
    manifest: Mapping[str, Any]

    def commit(self, message: str, files: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]] | None]) -> str:
        """Commit files with these resources by name, None removes one; have Argo CD refresh; give the revision."""
        repository = self.environment.repository
        kustomization = repository.read(f"{self.folder}/kustomization.yaml")
        for name, resource in files.items():
            path = f"{self.folder}/{name}.yaml"
            if resource is None:
                repository.remove(path)
                kustomization["resources"].remove(f"{name}.yaml")
            else:
                repository.write(path, *([resource] if isinstance(resource, Mapping) else resource))
                kustomization["resources"] = sorted({*kustomization["resources"], f"{name}.yaml"})
        repository.write(f"{self.folder}/kustomization.yaml", kustomization)
        revision = repository.commit(message)
        if self.application.find() is None:
            self.application.apply(self.manifest)
        else:
            self.application.refresh()
        return revision


def _keep_logs(root: Path) -> None:
    folder = _KEPT / f"e2e-argocd-{time.strftime('%Y%m%d-%H%M%S')}"
    for path in [*root.rglob("*.log"), *root.glob("*.yaml"), *root.glob("*.json")]:
        copy = folder / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    say(f"FAILED; logs of all parts, resources and events are in {folder}")
