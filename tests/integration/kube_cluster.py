"""What the tests of `kube/` share: the administrator's kubectl in a test's namespace, and resources to put there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import Key
from tests.integration.resource_manifests import SMALL, manifest
from tests.support.cluster import resource_path


@dataclass(frozen=True)
class Admin:
    """An administrator's kubectl in one namespace."""

    plane: ControlPlane
    namespace: str

    def key(self, name: str) -> Key:
        """The key of a resource here."""
        return Key(self.namespace, name)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        """Run kubectl."""
        return self.plane.kubectl("--namespace", self.namespace, *arguments, input=input)

    def create(self, *names: str, finalizers: Sequence[str] = ()) -> None:
        """Create resources."""
        items = [manifest(name, SMALL) for name in names]
        for item in items:
            item["metadata"]["finalizers"] = list(finalizers)
            assert self.plane.change("POST", resource_path(self.namespace), item), item["metadata"]["name"]

    def get(self, name: str) -> dict[str, Any]:
        """Read a resource."""
        found: dict[str, Any] = self.plane.read(resource_path(self.namespace, name))
        return found

    def begin_deleting(self, name: str) -> None:
        """Ask for a resource's deletion; its finalizers hold it."""
        background = {"propagationPolicy": "Background"}
        assert self.plane.change("DELETE", resource_path(self.namespace, name), background), name

    def recreate(self, name: str) -> None:
        """Put another resource of the same name in a resource's place."""
        self.kubectl("delete", "fd", name)
        self.create(name)
