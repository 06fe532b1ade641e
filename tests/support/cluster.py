"""FunctionDeployments as a user handles them: applied, edited and deleted as kubectl does, and read.

All of it goes over a kept connection, by the same requests as kubectl's: a kubectl costs a hundred times as much. What
is refused is asked for once more by kubectl itself, for its words.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nvcf_operator.api.names import API_VERSION, CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, KIND, KINDS, PLURAL, Kind
from tests.support.waiting import eventually

RESOURCE = FUNCTION_DEPLOYMENT.crd_name

COLLECTIONS: Mapping[str, str] = {
    KIND: f"/apis/{API_VERSION}/namespaces/{{namespace}}/{PLURAL}",
    CLOUD_FUNCTION.name: f"/apis/{API_VERSION}/namespaces/{{namespace}}/{CLOUD_FUNCTION.plural}",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
}
"""Where the kinds are that most tests make."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

PAUSE = 0.15
"""Seconds between two reads of a resource: many tests read from one API server, and a read costs it milliseconds."""


SPECIFICATION = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}


def manifest(
    name: str, function: str, version: str, *, gpu: Mapping[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """A small manifest; `gpu` changes its one GPU specification, `spec` the rest."""
    ids = {"functionId": function, "functionVersionId": version}
    return _deployment(name, {**ids, "deploymentSpecifications": [{**SPECIFICATION, **(gpu or {})}], **spec})


def follower(
    name: str, reference: Mapping[str, Any] | None = None, *, gpu: Mapping[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """A small manifest that refers to a CloudFunction: by default to the one of its own name, without a pin."""
    ref = {"functionRef": {"name": name, **(reference or {})}}
    return _deployment(name, {**ref, "deploymentSpecifications": [{**SPECIFICATION, **(gpu or {})}], **spec})


def _deployment(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def resource_path(namespace: str, name: str = "", kind: Kind = FUNCTION_DEPLOYMENT) -> str:
    """The path of a resource, or of all of its kind in a namespace."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{kind.plural}/{name}".rstrip("/")


class Cluster(Protocol):
    """Where kubectl can be run, and the API server be read."""

    def kubectl(self, *arguments: str | Path, input: str | None = None) -> str:
        """Run kubectl, and give what it printed. Raises :class:`hack.controlplane.KubectlError`."""

    def read(self, path: str) -> Any:
        """Give the JSON value at a path of the API server; None where there is nothing."""

    def change(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> bool:
        """Make a request that changes something; say whether it was accepted. False where only kubectl can."""


@dataclass(frozen=True)
class Namespace:
    """One namespace of a cluster; resources are those of its kind."""

    plane: Cluster
    name: str
    kind: Kind = FUNCTION_DEPLOYMENT

    def _path(self, name: str) -> str:
        return resource_path(self.name, name, self.kind)

    def secret(self, key: str, *, name: str = "nvcf-credentials", **more: str) -> None:
        """Create or replace the Secret with the API key."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": {"NGC_API_KEY": key, **more},
        }
        self.apply(body)

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply manifests."""
        left = [each for each in objects if not self._created(each)]
        if left:
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": left})
            self.plane.kubectl("-n", self.name, "apply", "-f", "-", input=text)

    def _created(self, manifest: Mapping[str, Any]) -> bool:
        """Create what is not there yet as `kubectl apply` does; say whether it was created."""
        metadata = manifest["metadata"]
        collection = COLLECTIONS.get(manifest["kind"])
        if collection is None or metadata.get("namespace", self.name) != self.name:
            return False
        metadata = {"annotations": {}, **metadata, "namespace": self.name}
        applied = {LAST_APPLIED: _as_go_writes({**manifest, "metadata": metadata}) + "\n"}
        body = {**manifest, "metadata": {**metadata, "annotations": {**metadata["annotations"], **applied}}}
        path = collection.format(namespace=self.name)
        fields = "fieldManager=kubectl-client-side-apply&fieldValidation=Strict"
        return self.plane.change("POST", f"{path}?{fields}", body)

    def edit(self, name: str, **changes: Any) -> None:
        """Merge into a resource's spec."""
        self._patch(name, {"spec": changes})

    def scale(self, name: str, **numbers: Any) -> None:
        """Change fields of a resource's only GPU specification."""
        spec = self.get(name)["spec"]
        self.edit(name, deploymentSpecifications=[{**spec["deploymentSpecifications"][0], **numbers}])

    def annotate(self, name: str, **annotations: str) -> None:
        """Set annotations of our group; `paused="true"` sets nvcf-operator.io/paused."""
        marks = {f"nvcf-operator.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self._patch(name, {"metadata": {"annotations": marks}})

    def delete(self, name: str) -> None:
        """Ask for a resource's deletion, without waiting for its end."""
        background = {"propagationPolicy": "Background"}
        if not self.plane.change("DELETE", self._path(name), background):
            self.plane.kubectl("-n", self.name, "delete", self.kind.crd_name, name, "--wait=false")

    def get(self, name: str) -> dict[str, Any]:
        """Read a resource."""
        found = self.find(name)
        assert found is not None, f"{self.name}/{name} is not there"
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        """Read a resource; None when it is not there."""
        found: dict[str, Any] | None = self.plane.read(self._path(name))
        return found

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of each Event about a resource."""
        shown = self.plane.read(f"/api/v1/namespaces/{self.name}/events")
        return [
            (item["type"], item["reason"], item["message"])
            for item in shown["items"]
            if item["involvedObject"]["name"] == name
        ]

    def wait_for(
        self,
        name: str,
        condition: str = "Ready",
        status: str = "True",
        *,
        reason: str | None = None,
        within: float = 30,
    ) -> dict[str, Any]:
        """Wait for a condition of the newest generation, and give the resource."""

        def met(found: dict[str, Any] | None) -> bool:
            if found is None:
                return False
            seen = condition_of(found, condition)
            current = seen.get("observedGeneration") == found["metadata"]["generation"]
            return current and seen.get("status") == status and reason in (None, seen.get("reason"))

        wanted = f"{name}: {condition}={status}" + (f" for {reason}" if reason else "")
        found = eventually(lambda: self.find(name), met, within=within, what=wanted, rest=_pause)
        assert found is not None
        return found

    def wait_gone(self, name: str, *, within: float = 30) -> None:
        """Wait until a resource is gone."""
        gone = f"{name} is gone"
        eventually(lambda: self.find(name), lambda found: found is None, within=within, what=gone, rest=_pause)

    def wait_until(self, name: str, met: Callable[[dict[str, Any]], bool], *, what: str, within: float = 30) -> None:
        """Wait for anything about a resource."""
        eventually(lambda: self.get(name), met, within=within, what=f"{name}: {what}", rest=_pause)

    def _patch(self, name: str, body: Mapping[str, Any]) -> None:
        path = f"{self._path(name)}?fieldManager=kubectl-patch"
        if not self.plane.change("PATCH", path, body, "application/merge-patch+json"):
            self.plane.kubectl(
                "-n", self.name, "patch", self.kind.crd_name, name, "--type=merge", "-p", json.dumps(body)
            )


def _as_go_writes(value: Any) -> str:
    """JSON as kubectl writes it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})


def release(plane: Cluster, namespace: str | None = None) -> None:
    """Delete the resources of a namespace, and strip the finalizers of those or of all that are being deleted.

    For what an operator left that has ended: the next one may watch all namespaces, and would see to them. A namespace
    that cannot end costs the API server 16 ms of each second.
    """
    for kind in KINDS:
        _release(plane, namespace, kind)


def _release(plane: Cluster, namespace: str | None, kind: Kind) -> None:
    path = resource_path(namespace, kind=kind) if namespace else f"/apis/{API_VERSION}/{kind.plural}"
    if namespace:
        plane.change("DELETE", path)

    def read() -> Any:
        try:
            return plane.read(path)
        except RuntimeError as error:  # as while a test's change of the CRD is taken in
            return str(error)

    found = eventually(read, lambda it: not isinstance(it, str), within=30, what="the resources can be listed")
    for item in found["items"] if found is not None else []:
        metadata = item["metadata"]
        if metadata.get("finalizers") and (namespace or "deletionTimestamp" in metadata):
            resource = resource_path(metadata["namespace"], metadata["name"], kind)
            plane.change("PATCH", resource, {"metadata": {"finalizers": None}}, "application/merge-patch+json")


def _pause() -> None:
    time.sleep(PAUSE)


def condition_of(resource: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A condition of a resource; empty when it has none of that type."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == kind), {})
