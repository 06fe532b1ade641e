"""One object as the cache keeps it: compressed, with what is compared most often at hand."""

import json
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import DEFAULT_SECRET_KEY, Key
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.api.status import CREDENTIALS_VALID
from nvcf_operator.core.model.manifests import is_true
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.poll_rules import PollKey, deployment_fingerprint

_OURS = (
    names.RECONCILE_REQUESTED_ANNOTATION,
    names.REDEPLOY_REQUESTED_ANNOTATION,
    names.PAUSED_ANNOTATION,
    names.FORCE_DELETE_ANNOTATION,
)


@dataclass(frozen=True, slots=True)
class Digest:
    """One object, as compressed JSON, and what is compared most often."""

    uid: str
    resource_version: int
    generation: int
    asked: int
    """Hash of what a user can ask for in metadata."""
    reported: int
    """Hash of finalizers and status, which only we should write."""
    versions: tuple[tuple[str, str], ...]
    """Function and version pairs that the object has to do with."""
    poll_key: PollKey
    body: bytes

    def read(self) -> Resource:
        """Read the resource."""
        return Resource.read(json.loads(zlib.decompress(self.body)))


def key_of(obj: Mapping[str, Any]) -> Key:
    """Whose object it is."""
    return Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def version_of(obj: Mapping[str, Any]) -> int:
    """Its resourceVersion; those of one resource type are ordered integers (KEP-5504)."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def digest_of(obj: Mapping[str, Any]) -> Digest:
    """Make the digest of an object as the API server gives it."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    annotations = {name: meta["annotations"][name] for name in _OURS if name in (meta.get("annotations") or {})}
    kept = {
        "metadata": {
            name: meta[name]
            for name in ("namespace", "name", "uid", "resourceVersion", "generation", "creationTimestamp",
                         "deletionTimestamp", "finalizers")
            if name in meta
        }
        | {"annotations": annotations, "managedFields": _force_delete_set(meta)},
        "spec": spec,
        "status": status,
    }  # fmt: skip
    function = str(spec.get("functionId", "")).lower()
    own = status if status.get("uid") in (None, meta.get("uid")) else {}  # a copy's status is that of its original
    versions = {str(spec.get("functionVersionId", "")).lower(), own.get("functionVersionId") or ""}
    versions |= {item.get("functionVersionId", "") for item in own.get("retiring") or ()}
    versions |= {item.get("functionVersionId", "") for name in ("incoming", "intent") if (item := own.get(name))}
    set_at = _force_delete_set(meta)
    return Digest(
        uid=meta.get("uid", ""),
        resource_version=version_of(obj),
        generation=int(meta.get("generation") or 0),
        asked=hash((meta.get("deletionTimestamp"), json.dumps([annotations, set_at], sort_keys=True))),
        reported=hash(json.dumps([meta.get("finalizers"), status], sort_keys=True)),
        versions=tuple((function, version) for version in sorted(versions) if version),
        poll_key=_poll_key(meta, spec, own),
        body=zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), level=1),
    )


def _force_delete_set(meta: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of `metadata.managedFields`, which can be larger than all the rest, what says when force-delete was set."""
    field = f"f:{names.FORCE_DELETE_ANNOTATION}"
    if names.FORCE_DELETE_ANNOTATION not in (meta.get("annotations") or {}):
        return []
    return [
        {"time": entry.get("time"), "fieldsV1": {"f:metadata": {"f:annotations": {field: {}}}}}
        for entry in meta.get("managedFields") or ()
        if field in (((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:annotations") or {})
    ]


def _poll_key(meta: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> PollKey:
    ref = (spec.get("credentials") or {}).get("secretRef") or {}
    valid = [item["status"] for item in status.get("conditions") or () if item.get("type") == CREDENTIALS_VALID]
    held = status.get("functionVersionId") if status.get("functionStatus") else None
    silent = (
        spec.get("managementPolicy") == ManagementPolicy.OBSERVE
        or spec.get("suspend") is True
        or is_true((meta.get("annotations") or {}).get(names.PAUSED_ANNOTATION))
    )
    return PollKey(
        function_id=str(spec.get("functionId", "")).lower(),
        held_version=held,
        shown_version=str(spec.get("functionVersionId", "")).lower() if silent and held is None else None,
        incoming_version=(status.get("incoming") or {}).get("functionVersionId"),
        leaving=any(item.get("functionVersionId") == held for item in status.get("retiring") or ()),
        deployment_fingerprint=deployment_fingerprint(
            status.get("deploymentId"),
            (
                (item.get("gpuSpecificationId"), item.get("minInstances"), item.get("maxInstances"))
                for item in status.get("gpuSpecifications") or ()
            ),
        ),
        function_status=sys.intern(status["functionStatus"]) if status.get("functionStatus") else None,
        credentials_refused=valid == ["False"],
        deleting=bool(meta.get("deletionTimestamp")),
        secret=(ref["name"], ref.get("key", DEFAULT_SECRET_KEY)) if ref.get("name") else None,
    )
