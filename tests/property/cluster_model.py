"""The Kubernetes API in memory, as far as the operator's kinds need it: versions, generations, finalizers, deletion."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nvcf_operator.api import names
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Key
from nvcf_operator.kube.errors import Conflict, Denied, Invalid, Missing
from tests.property.secrets_model import SecretStore

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Cluster:
    """Objects by key. Its clock is right, whatever the operator's says."""

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    secrets: SecretStore = field(default_factory=SecretStore)
    now: float = 0.0
    version: int = 0
    made: int = 0
    refuses: str = ""
    """Which writes admission does not take: status (but an intent), all (statuses), finalizers, everything, trials (of
    a status), or none."""
    prunes: tuple[str, ...] = ()
    """Members of the status, and `member.field`, that the CRD does not have."""
    slow: float = 0.0
    """Seconds that admission takes for each write."""

    def create(self, key: Key, spec: dict[str, Any], like: Mapping[str, Any] | None = None) -> None:
        """Create a resource; `like` has metadata that comes with it, and the status that a backup tool puts back.

        A `creationTimestamp` in it makes it as old as it would be, had it been there before the story.
        """
        self.made += 1
        like = copy.deepcopy(dict(like or {}))
        annotations = like.get("annotations", {})
        self.objects[key] = {
            "kind": key.kind.name,
            "metadata": {
                "namespace": key.namespace,
                "name": key.name,
                "uid": f"uid-{self.made}" if key.kind == FUNCTION_DEPLOYMENT else str(UUID(int=self.made)),
                "generation": 1,
                "creationTimestamp": like.get("creationTimestamp", self.moment()),
                "annotations": annotations,
                "finalizers": like.get("finalizers", []),
                "managedFields": [self._managed(name) for name in annotations],
            },
            "spec": copy.deepcopy(spec),
            "status": like.get("status", {"observedGeneration": -1}),
        }
        self._touch(key)

    def edit(self, key: Key, **changes: Any) -> bool:
        """Merge into a spec; says whether that changed it."""
        return self.set_spec(key, self.objects[key]["spec"] | changes)

    def set_spec(self, key: Key, spec: dict[str, Any]) -> bool:
        """Replace a spec; says whether that changed it."""
        item = self.objects[key]
        if spec == item["spec"]:
            return False
        item["spec"] = copy.deepcopy(spec)
        item["metadata"]["generation"] += 1
        self._touch(key)
        return True

    def annotate(self, key: Key, annotation: str, value: str | None) -> None:
        """Set or remove an annotation."""
        meta = self.objects[key]["metadata"]
        meta["annotations"].pop(annotation, None)
        field_of = f"f:{annotation}"
        meta["managedFields"] = [
            entry for entry in meta["managedFields"] if field_of not in entry["fieldsV1"]["f:metadata"]["f:annotations"]
        ]
        if value is not None:
            meta["annotations"][annotation] = value
            meta["managedFields"].append(self._managed(annotation))
        self._touch(key)

    def delete(self, key: Key) -> None:
        """Ask for the deletion of a resource."""
        self.objects[key]["metadata"].setdefault("deletionTimestamp", self.moment())
        self._touch(key)
        self._sweep(key)

    def set_finalizers(self, key: Key, finalizers: list[str]) -> None:
        """A user's or a tool's change of the finalizers."""
        self.objects[key]["metadata"]["finalizers"] = finalizers
        self._touch(key)
        self._sweep(key)

    def set_status(self, key: Key, status: dict[str, Any]) -> None:
        """A user's or a tool's change of the status."""
        self.objects[key]["status"] = copy.deepcopy(status)
        self._touch(key)

    def read(self, key: Key) -> dict[str, Any] | None:
        """A copy of a resource."""
        item = self.objects.get(key)
        return copied(item) if item is not None else None

    def patch_finalizers(self, key: Key, uid: str, resource_version: str, finalizers: list[str]) -> dict[str, Any]:
        """Write the finalizers, unless the object has changed. Gives it as it is afterwards."""
        meta = self._the_very_one(key, uid, resource_version)["metadata"]
        if self.refuses in ("finalizers", "everything"):
            raise Denied("admission: «naïve & <co>» does not take these finalizers", status=403)
        if "deletionTimestamp" in meta and set(finalizers) - set(meta["finalizers"]):
            raise Invalid("no new finalizers can be added if the object is being deleted", status=422)
        meta["finalizers"] = finalizers
        self._touch(key)
        after = copied(self.objects[key])
        self._sweep(key)
        return after

    def patch_status(
        self, key: Key, uid: str, resource_version: str, members: Mapping[str, Any], kind: str, *, trial: bool = False
    ) -> dict[str, Any]:
        """Write members of the status of that very object and version, or show only how it would be."""
        item = self._the_very_one(key, uid, resource_version)
        if self.refuses in ("all", "everything") or (self.refuses == "status" and kind == "status"):
            raise Invalid("admission: «naïve & <co>» does not take this status", status=422)
        status = item["status"] | copied(dict(members))
        status = {name: value for name, value in status.items() if value is not None}
        for path in self.prunes:
            member, _, name = path.partition(".")
            if name:
                status.get(member, {}).pop(name, None)
            else:
                status.pop(member, None)
        if trial and self.refuses == "trials":
            raise Invalid("admission webhook most.example.com does not support dry run", status=400)
        if trial:
            return copied(item | {"status": status})
        if status != item["status"]:  # what changes nothing makes no version
            item["status"] = status
            self._touch(key)
        return copied(item)

    def moment(self) -> str:
        """The time, as the API server writes it."""
        return (START + timedelta(seconds=int(self.now))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _the_very_one(self, key: Key, uid: str, resource_version: str) -> dict[str, Any]:
        item = self.objects.get(key)
        if item is None:
            raise Missing(f"{key} is gone", status=404)
        if item["metadata"]["uid"] != uid or item["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("the object has been modified", status=409)
        return item

    def _managed(self, annotation: str) -> dict[str, Any]:
        return {"time": self.moment(), "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{annotation}": {}}}}}

    def _touch(self, key: Key) -> None:
        self.version += 1
        self.objects[key]["metadata"]["resourceVersion"] = str(self.version)

    def _sweep(self, key: Key) -> None:
        meta = self.objects[key]["metadata"]
        if "deletionTimestamp" in meta and not meta["finalizers"]:
            del self.objects[key]


def copied(item: dict[str, Any]) -> dict[str, Any]:
    """A copy of plain data, with nothing shared."""
    found: dict[str, Any] = pickle.loads(pickle.dumps(item))
    return found


def has_our_finalizer(obj: Mapping[str, Any]) -> bool:
    """Whether the operator's finalizer holds the object."""
    return names.FINALIZER in obj["metadata"]["finalizers"]


def own_status(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The status, unless it was written for another object."""
    status: Mapping[str, Any] = obj["status"]
    return status if status.get("uid") in (None, obj["metadata"]["uid"]) else {}


def on_record(obj: Mapping[str, Any]) -> set[str]:
    """The versions that a resource's status holds."""
    status = own_status(obj)
    tracked = [status.get("incoming"), status.get("failed"), *status.get("retiring", [])]
    held = {item["functionVersionId"] for item in tracked if item}
    main = status.get("functionVersionId") if status.get("functionStatus") else None
    intent = status.get("intent") or {}
    open_intent = intent.get("functionVersionId") if not intent.get("answered") else None
    return held | {item for item in (main, open_intent) if item}


def deployments_named(obj: Mapping[str, Any]) -> set[str]:
    """NVCF's ids of the deployments that a resource's status names."""
    status = own_status(obj)
    items = [status, status.get("incoming"), status.get("intent"), *status.get("retiring", [])]
    return {item["deploymentId"] for item in items if item and item.get("deploymentId")}
