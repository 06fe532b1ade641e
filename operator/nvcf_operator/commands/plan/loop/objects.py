"""The objects of the cluster as they are after an apply, held in memory: what is written to them stays here."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.commands.plan.model import Basis, Manifest
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.informer.digests import key_of
from nvcf_operator.kube.errors import Missing

NEW_UIDS = uuid.UUID("9e4f9a3c-6a0e-4d0e-8b51-6a6f0f7f3c11")
"""The space of the uids of objects that are not in the cluster yet."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which a client-side apply keeps what it has applied."""

_METADATA = ("labels", "annotations")


class MemoryApi:
    """The port `ApiServer` over objects in memory, each with the status and the finalizers that were written last."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self._version = 0

    def put(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """Store an object as a new version of itself, and give it. What is stored is never changed."""
        self._version += 1
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        self.objects[key_of(stored)] = stored
        return stored

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        """The object; None if there is none."""
        return self.objects.get(key)

    async def patch_metadata(
        self, key: Key, *, uid: str, resource_version: str, finalizers: Sequence[str]
    ) -> dict[str, Any]:
        """Write the finalizers."""
        obj = self._object(key)
        return self.put({**obj, "metadata": {**obj["metadata"], "finalizers": list(finalizers)}})

    async def patch_status(
        self,
        key: Key,
        *,
        uid: str,
        resource_version: str,
        status: Mapping[str, Any],
        kind: str = "status",
        trial: bool = False,
    ) -> dict[str, Any]:
        """Write members of the status; None removes one."""
        obj = self._object(key)
        members = {**(obj.get("status") or {}), **status}
        written = {**obj, "status": {name: value for name, value in members.items() if value is not None}}
        return written if trial else self.put(written)

    def _object(self, key: Key) -> dict[str, Any]:
        if (found := self.objects.get(key)) is None:
            raise Missing("there is no such object", status=404)
        return found


def new_uid(key: Key) -> str:
    """The uid of an object that is not in the cluster yet."""
    return str(uuid.uuid5(NEW_UIDS, f"{key.kind.name}/{key.namespace}/{key.name}"))


def as_applied(manifest: Manifest, now: datetime) -> dict[str, Any]:
    """The object that an apply of a manifest gives."""
    document, found = manifest.document, manifest.recorded
    if found is None:
        return _new(document, now)
    if manifest.basis == Basis.DRY_RUN:
        return {**found, "kind": document["kind"]}
    return _merged(manifest, found)


def _new(document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    key = key_of(document)
    metadata = {name: document["metadata"][name] for name in _METADATA if document["metadata"].get(name)}
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": {
            **metadata,
            "namespace": key.namespace,
            "name": key.name,
            "uid": new_uid(key),
            "generation": 1,
            "creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "spec": document.get("spec") or {},
    }


def _merged(manifest: Manifest, found: Mapping[str, Any]) -> dict[str, Any]:
    """The object of the cluster with the spec of the manifest, and its labels and annotations beside those of others.

    What others have set in the spec stays if it is on record what was applied; else the manifest's spec counts alone.
    """
    document, metadata = manifest.document, dict(found["metadata"])
    for name in _METADATA:
        if added := document["metadata"].get(name):
            metadata[name] = {**(metadata.get(name) or {}), **added}
    spec, owned = document.get("spec") or {}, _applied_fields(found)
    if owned is not None:
        given = spec if manifest.applied is None else manifest.applied
        spec = _beside_others(given, spec, found.get("spec") or {}, owned)
    if not _same({**document, "spec": spec}, found):
        metadata["generation"] = int(metadata.get("generation") or 0) + 1
    return {**found, "kind": document["kind"], "metadata": metadata, "spec": spec}


def _applied_fields(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The fields of the spec that were applied, as a tree of their names; None where that is not on record."""
    owned: dict[str, Any] = {}
    metadata, known = found["metadata"], False
    try:
        last = json.loads((metadata.get("annotations") or {}).get(LAST_APPLIED, "null"))
    except ValueError:
        last = None
    if isinstance(last, Mapping) and isinstance(last.get("spec"), Mapping):
        owned, known = {**last["spec"]}, True
    for entry in metadata.get("managedFields") or ():
        fields = (entry.get("fieldsV1") or {}).get("f:spec")
        if entry.get("operation") == "Apply" and not entry.get("subresource") and fields is not None:
            owned, known = _united(owned, _names(fields)), True
    return owned if known else None


def _names(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name[2:]: _names(inner) for name, inner in fields.items() if name.startswith("f:")}


def _united(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _united(value, other[name])
        for name, value in one.items()
        if isinstance(value, Mapping) and isinstance(other.get(name), Mapping)
    }
    return {**one, **other, **both}


def _beside_others(
    given: Mapping[str, Any], stored: Mapping[str, Any], there: Mapping[str, Any], owned: Mapping[str, Any]
) -> dict[str, Any]:
    """What is stored of a manifest beside the fields that others have set. Lists are replaced as a whole.

    Args:
        given: what the manifest says.
        stored: the same with defaults.
        there: what the cluster has.
        owned: what was applied before, and goes when it is gone from the manifest.

    """
    merged = dict(stored)
    for name, value in there.items():
        if name not in given:
            if name not in owned:
                merged[name] = value
        elif isinstance(value, Mapping) and isinstance(given[name], Mapping):
            before = owned.get(name)
            if before is None or (before and isinstance(before, Mapping)):  # else it was applied as a whole
                merged[name] = _beside_others(given[name], stored[name], value, before or {})
    return merged


def _same(document: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether two specs mean the same, however they are written down."""
    one, other = document.get("spec") or {}, found.get("spec") or {}
    if one == other:
        return True
    read = CloudFunction.read if key_of(document).kind == CLOUD_FUNCTION else Resource.read
    both = [read({**found, "kind": document["kind"], "spec": spec}).spec for spec in (one, other)]
    return both[0] is not None and both[0] == both[1]
