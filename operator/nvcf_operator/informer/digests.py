"""What is kept of each object: its content in little memory, and beside it what is compared or looked up most often."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from nvcf_operator import jsons
from nvcf_operator.api import names
from nvcf_operator.api.names import DEFAULT_SECRET_KEY, FUNCTION_DEPLOYMENT, KINDS, Key
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.api.status import CREDENTIALS_VALID
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.manifests import is_true
from nvcf_operator.core.rules.poll_rules import AnyPollKey

Members = Mapping[str, Any]
"""Members of an object, as the API server gives them."""

_KINDS = {kind.name: kind for kind in KINDS}


class Term(NamedTuple):
    """What an object is found by, beside its key."""

    relation: str
    """How the object is related to the rest, as `holds`."""
    scope: str
    name: str = ""


class AnyLinks(Protocol):
    """What ties an object of whichever kind to others."""

    def indexed(self, key: Key) -> tuple[Term, ...]:
        """What the object is found by."""

    def concerned(self, key: Key, *, comes_or_goes: bool) -> tuple[Term | Key, ...]:
        """Who is to be reconciled when the object changes: by what they are found by, or by their key.

        Args:
            key: the object's own.
            comes_or_goes: whether it is new or gone, and has not only changed.

        """


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
    links: AnyLinks
    poll_key: AnyPollKey
    summary: object
    """What others of the cluster read of it often, where there is such a thing."""
    body: bytes


@dataclass(frozen=True, slots=True)
class DigestRules:
    """What the digests of one kind hold."""

    read: Callable[[Members], AnyResource]
    """Reads an object."""
    annotations: tuple[str, ...]
    """Those that a user asks for something with."""
    links: Callable[[Members, Members, Members], AnyLinks]
    """Takes metadata, spec, and the status if it is the object's own."""
    poll_key: Callable[[Members, Members, Members], AnyPollKey]
    """Takes the same."""
    summary: Callable[[Members], object] = lambda obj: None
    """Takes the object."""

    def digest(self, obj: Members) -> Digest:
        """Make the digest of an object as the API server gives it."""
        meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
        there = meta.get("annotations") or {}
        annotations, set_at = {name: there[name] for name in self.annotations if name in there}, _force_delete_set(meta)
        kept = {
            "metadata": {
                name: meta[name]
                for name in ("namespace", "name", "uid", "resourceVersion", "generation", "creationTimestamp",
                             "deletionTimestamp", "finalizers")
                if name in meta
            }
            | {"annotations": annotations, "managedFields": set_at},
            "spec": spec,
            "status": status,
        }  # fmt: skip
        own = status if status.get("uid") in (None, meta.get("uid")) else {}  # a copy's status is that of its original
        return Digest(
            uid=meta.get("uid", ""),
            resource_version=version_of(obj),
            generation=int(meta.get("generation") or 0),
            asked=hash((meta.get("deletionTimestamp"), jsons.dumps([annotations, set_at], sort_keys=True))),
            reported=hash(jsons.dumps([meta.get("finalizers"), status], sort_keys=True)),
            links=self.links(meta, spec, own),
            poll_key=self.poll_key(meta, spec, own),
            summary=self.summary(obj),
            body=zlib.compress(jsons.dumps(kept), level=1),
        )

    def resource(self, digest: Digest) -> AnyResource:
        """Read the resource of a digest."""
        return self.read(jsons.loads(zlib.decompress(digest.body)))


def key_of(obj: Members) -> Key:
    """Whose object it is; a FunctionDeployment's unless it names its kind."""
    meta = obj["metadata"]
    return Key(meta.get("namespace", ""), meta["name"], _KINDS.get(obj.get("kind", ""), FUNCTION_DEPLOYMENT))


def version_of(obj: Members) -> int:
    """Its resourceVersion; those of one resource type are ordered integers (KEP-5504)."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def credentials_refused(status: Members) -> bool:
    """Whether the record says that the key was not accepted."""
    valid = [item["status"] for item in status.get("conditions") or () if item.get("type") == CREDENTIALS_VALID]
    return valid == ["False"]


def is_silent(meta: Members, spec: Members) -> bool:
    """Whether a manifest, or an annotation, forbids all writes to NVCF."""
    annotations = meta.get("annotations") or {}
    observes = spec.get("managementPolicy") == ManagementPolicy.OBSERVE
    return observes or spec.get("suspend") is True or is_true(annotations.get(names.PAUSED_ANNOTATION))


def secret_of(spec: Members) -> tuple[str, str] | None:
    """Name and key of the Secret that a manifest names."""
    ref = (spec.get("credentials") or {}).get("secretRef") or {}
    return (ref["name"], ref.get("key", DEFAULT_SECRET_KEY)) if ref.get("name") else None


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
