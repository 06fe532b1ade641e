"""The newest known form of every resource, in little memory, and which of the versions are of our own writing.

Fed by kopf's watch, by a list of our own now and then (a deletion that is missed across a re-list is never repaired by
the watch), and by the answers to the workers' own calls, without which each of their writes would come back as news. A
digest never steps back to an older resourceVersion; those of one resource type are ordered integers (KEP-5504).
"""

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
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


class OwnWrites:
    """Matches answers and echoes by resourceVersion. What it keeps of a key ends with the next echo, or the work.

    The watch brings every version of an object, one after the other. A write of ours has an answer, too, which has the
    version that it made, and of echo and answer either may come first. So an unknown version that is seen while the key
    is being worked on is kept in doubt until the work ends: by then each answer has come. And a version that was
    neither answered nor known, but older than what an answer brought, is another's change that our write overtook.
    """

    def __init__(self) -> None:
        self._awaited: dict[Key, set[int]] = {}
        self._doubtful: dict[Key, set[int]] = {}

    def answered(self, key: Key, version: int, *, known: int | None) -> None:
        """Note that an answer has shown a worker a version; `known` is the newest one that was known before."""
        doubtful = self._doubtful.get(key, set())
        if version in doubtful:
            doubtful.discard(version)
        elif version != known:
            self._awaited.setdefault(key, set()).add(version)

    def ours(self, key: Key, version: int) -> bool:
        """Whether what the watch brings is the echo of an answer. Earlier ones are not awaited any more."""
        awaited = self._awaited.get(key)
        if awaited is None:
            return False
        found = version in awaited
        awaited = {later for later in awaited if later > version}
        if awaited:
            self._awaited[key] = awaited
        else:
            del self._awaited[key]
        return found

    def doubt(self, key: Key, version: int) -> None:
        """Keep in mind a version that was seen while its key is being worked on."""
        self._doubtful.setdefault(key, set()).add(version)

    def settle(self, key: Key) -> bool:
        """At the end of the work: whether a version remains that no answer has shown."""
        return bool(self._doubtful.pop(key, None))

    def forget(self, key: Key) -> None:
        """Drop what is kept of an object that is gone."""
        self._awaited.pop(key, None)
        self._doubtful.pop(key, None)

    @property
    def idle(self) -> bool:
        """Whether no echo and no answer is awaited."""
        return not self._awaited and not self._doubtful


class News(StrEnum):
    """What an object shows beyond what was known."""

    NOTHING = "nothing"
    NEW = "new"
    USER = "user"
    """A user's doing: spec, deletion, or one of the annotations that ask for something; or what may be one."""
    OTHER = "other"
    """Something else, such as another controller's change of the status."""


class Cache:
    """All resources by key, and by the function versions that they have to do with.

    `rival_moved` hears of each resource that shares a version with one that has changed or gone: what it may do depends
    on the other's claim.
    """

    newest: int
    """The highest resourceVersion of any object that was ever seen."""

    def __init__(self, rival_moved: Callable[[Key], None] = lambda key: None) -> None:
        self._rival_moved = rival_moved
        self._digests: dict[Key, Digest] = {}
        self._by_version: dict[tuple[str, str], set[Key]] = {}
        self._own_writes = OwnWrites()
        self.newest = 0

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._digests))

    def put(self, obj: Mapping[str, Any]) -> News:
        """Take in the answer to a worker's own call, and say what is new. The echo from the watch will be no news."""
        key, version = key_of(obj), version_of(obj)
        known = self._digests.get(key)
        self._own_writes.answered(key, version, known=None if known is None else known.resource_version)
        return self._take_in(key, obj)

    def see(self, obj: Mapping[str, Any], *, listed: bool) -> News:
        """Take in what the watch or a list brings, unless something newer is known, and say what is new about it."""
        key, version = key_of(obj), version_of(obj)
        if not listed:
            ours, known = self._own_writes.ours(key, version), self._digests.get(key)
            if not ours and known is not None and version < known.resource_version:
                return News.USER  # the answer to a write of ours has brought another's change along with it
        return self._take_in(key, obj)

    def doubt(self, key: Key) -> None:
        """Leave open whether the newest version is of our own writing, until the work on it ends."""
        self._own_writes.doubt(key, self._digests[key].resource_version)

    def settle(self, key: Key) -> bool:
        """Say at the end of the work whether somebody else has written meanwhile."""
        return self._own_writes.settle(key)

    def drop(self, key: Key, uid: str | None = None) -> bool:
        """Forget an object that is gone; with a uid only if it is that very one. Says whether it was known."""
        known = self._digests.get(key)
        if known is None or (uid is not None and known.uid != uid):
            return False
        self._replace(key, known, None)
        self._own_writes.forget(key)
        return True

    def is_another(self, key: Key, uid: str) -> bool:
        """Whether an object of that name is known, and it is not that very one."""
        known = self._digests.get(key)
        return known is not None and known.uid != uid

    def get(self, key: Key) -> Resource | None:
        """Read a resource."""
        digest = self._digests.get(key)
        return None if digest is None else digest.read()

    def version(self, key: Key) -> tuple[str, int] | None:
        """The uid and the version of the newest object of that name that is known."""
        digest = self._digests.get(key)
        return None if digest is None else (digest.uid, digest.resource_version)

    def poll_key(self, key: Key) -> PollKey | None:
        """Read the few fields that a poll needs, without reading the resource."""
        digest = self._digests.get(key)
        return None if digest is None else digest.poll_key

    def with_version(self, function_id: str, version: str, *, but: Key | None) -> tuple[Resource, ...]:
        """Read the resources that have to do with a function version, all but one."""
        keys = self._by_version.get((function_id, version), ())
        return tuple(found for key in sorted(keys) if key != but and (found := self.get(key)) is not None)

    def missing_from(self, listed: Iterable[Key], *, listed_at: int) -> list[Key]:
        """The keys that a complete list lacks, though they were known before that list was made."""
        there = set(listed)
        return [
            key for key, digest in self._digests.items() if key not in there and digest.resource_version <= listed_at
        ]

    def _take_in(self, key: Key, obj: Mapping[str, Any]) -> News:
        known = self._digests.get(key)
        self.newest = max(self.newest, version_of(obj))
        if known is not None and version_of(obj) <= known.resource_version:
            return News.NOTHING
        digest = digest_of(obj)
        self._replace(key, known, digest)
        if known is None or known.uid != digest.uid:
            return News.NEW
        if (known.generation, known.asked) != (digest.generation, digest.asked):
            return News.USER
        return News.OTHER if known.reported != digest.reported else News.NOTHING

    def _replace(self, key: Key, known: Digest | None, digest: Digest | None) -> None:
        before, after = (item.versions if item is not None else () for item in (known, digest))
        for rival in {rival for pair in (*before, *after) for rival in self._by_version.get(pair, ())} - {key}:
            self._rival_moved(rival)
        for pair in before:
            keys = self._by_version.get(pair, set())
            keys.discard(key)
            if not keys:
                self._by_version.pop(pair, None)
        if digest is None:
            self._digests.pop(key, None)
            return
        self._digests[key] = digest
        for pair in after:
            self._by_version.setdefault(pair, set()).add(key)
