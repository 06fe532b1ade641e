"""The newest known form of every resource, in little memory.

Fed by kopf's watch, by a list of our own now and then (a deletion that is missed across a re-list is never repaired by
the watch), and by the answers to the workers' own calls, without which each of their writes would come back as news. A
digest never steps back to an older resourceVersion; those of one resource type are ordered integers (KEP-5504).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.poll_rules import PollKey
from nvcf_operator.informer.digest import Digest, digest_of, key_of, version_of
from nvcf_operator.informer.own_writes import OwnWrites


class News(StrEnum):
    """What an object shows beyond what was known."""

    NOTHING = "nothing"
    NEW = "new"
    USER = "user"
    """A user's doing: spec, deletion, or one of the annotations that ask for something; or what may be one."""
    OTHER = "other"
    """Something else, such as another hand in the status."""


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
                return News.USER  # the answer to a write of ours has brought another hand's change along with it
        return self._take_in(key, obj)

    def doubt(self, key: Key) -> None:
        """Leave open whether the newest version is of our own writing, until the work on it ends."""
        self._own_writes.doubt(key, self._digests[key].resource_version)

    def settle(self, key: Key) -> bool:
        """Say at the end of the work whether another hand has written meanwhile."""
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
