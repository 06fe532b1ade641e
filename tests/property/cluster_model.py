"""The Kubernetes API in memory, as far as one resource type needs it: versions, generations, finalizers, deletion."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nvcf_operator.api import names

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Stale(Exception):  # noqa: N818  the name says what happened
    """A write was based on an object that has changed, or is gone."""


@dataclass(slots=True)
class Cluster:
    """Objects by name."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 0
    made: int = 0

    def create(self, name: str, spec: dict[str, Any], now: float) -> None:
        """Create a resource."""
        self.made += 1
        self.objects[name] = {
            "metadata": {
                "namespace": "team",
                "name": name,
                "uid": f"uid-{self.made}",
                "generation": 1,
                "creationTimestamp": (START + timedelta(seconds=now)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "annotations": {},
                "finalizers": [],
            },
            "spec": copy.deepcopy(spec),
            "status": {"observedGeneration": -1},
        }
        self._touch(name)

    def edit(self, name: str, **changes: Any) -> None:
        """Merge into a spec."""
        item = self.objects[name]
        if item["spec"] | changes != item["spec"]:
            item["spec"] = copy.deepcopy(item["spec"] | changes)
            item["metadata"]["generation"] += 1
            self._touch(name)

    def annotate(self, name: str, annotation: str, value: str | None) -> None:
        """Set or remove an annotation."""
        annotations = self.objects[name]["metadata"]["annotations"]
        annotations.pop(annotation, None)
        if value is not None:
            annotations[annotation] = value
        self._touch(name)

    def delete(self, name: str) -> None:
        """Ask for the deletion of a resource."""
        meta = self.objects[name]["metadata"]
        meta.setdefault("deletionTimestamp", "2026-01-31T13:00:00Z")
        self._touch(name)
        self._sweep(name)

    def read(self, name: str) -> dict[str, Any] | None:
        """A copy of a resource."""
        return copy.deepcopy(self.objects.get(name))

    def patch_metadata(
        self, name: str, resource_version: str, *, finalizers: list[str] | None, intent: str | None
    ) -> dict[str, Any]:
        """Write finalizers and intent, unless the object has changed. Gives it as it is afterwards."""
        item = self.objects.get(name)
        if item is None or item["metadata"]["resourceVersion"] != resource_version:
            raise Stale(name)
        meta = item["metadata"]
        if finalizers is not None:
            if "deletionTimestamp" in meta and set(finalizers) - set(meta["finalizers"]):
                raise Stale(name)
            meta["finalizers"] = finalizers
        if intent is not None:
            meta["annotations"][names.INTENT_ANNOTATION] = intent
        self._touch(name)
        after = self.read(name)
        assert after is not None
        self._sweep(name)
        return after

    def patch_status(self, name: str, uid: str, was: Mapping[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        """Write the status of that very object, unless it has another one than it had."""
        item = self.objects.get(name)
        if item is None or item["metadata"]["uid"] != uid or item["status"] != was:
            raise Stale(name)
        item["status"] = copy.deepcopy(status)
        self._touch(name)
        after = self.read(name)
        assert after is not None
        return after

    def _touch(self, name: str) -> None:
        self.version += 1
        self.objects[name]["metadata"]["resourceVersion"] = str(self.version)

    def _sweep(self, name: str) -> None:
        meta = self.objects[name]["metadata"]
        if "deletionTimestamp" in meta and not meta["finalizers"]:
            del self.objects[name]
