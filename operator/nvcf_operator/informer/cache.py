"""The newest known form of every resource, in little memory, and which of the versions are of our own writing.

Fed by kopf's watch, by a list of our own now and then (a deletion that is missed across a re-list is never repaired by
the watch), and by the answers to the workers' own calls, without which each of their writes would come back as news. A
digest never steps back to an older resourceVersion; those of one resource type are ordered integers (KEP-5504).
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, cast

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.poll_rules import AnyPollKey, PollKey
from nvcf_operator.informer.deployment_digests import DEPLOYMENTS, FOLLOWS, HOLDS
from nvcf_operator.informer.digests import AnyLinks, Digest, DigestRules, Term, key_of, version_of
from nvcf_operator.informer.function_digests import FUNCTION, NAME
from nvcf_operator.informer.own_writes import OwnWrites

ONLY_DEPLOYMENTS: Mapping[Kind, DigestRules] = {FUNCTION_DEPLOYMENT: DEPLOYMENTS}
"""The kinds of a cache that knows no CloudFunctions."""


class News(StrEnum):
    """What an object shows beyond what was known."""

    NOTHING = "nothing"
    NEW = "new"
    USER = "user"
    """A user's doing: spec, deletion, or one of the annotations that ask for something; or what may be one."""
    OTHER = "other"
    """Something else, such as another controller's change of the status."""


class Cache:
    """All resources by key, and by what ties them to others.

    Args:
        concerned: called with each resource that has to do with one that has changed or gone: what it may do depends
            on the other's claim, or on what the other shows.
        rules: the kinds, and what is kept of each.

    """

    def __init__(
        self,
        concerned: Callable[[Key], None] = lambda key: None,
        *,
        rules: Mapping[Kind, DigestRules] = ONLY_DEPLOYMENTS,
    ) -> None:
        self._concerned = concerned
        self._rules = rules
        self._digests: dict[Key, Digest] = {}
        self._index: dict[Term, set[Key]] = {}
        self._own_writes = OwnWrites()
        self._newest: dict[Kind, int] = {}
        self._ends: list[set[str]] = []

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._digests))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that it holds."""
        return tuple(self._rules)

    def newest(self, kind: Kind) -> int:
        """The highest resourceVersion of any object of a kind that was ever seen."""
        return self._newest.get(kind, 0)

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

    def is_echo(self, obj: Mapping[str, Any]) -> bool:
        """Take in what the watch brings if that is nothing but the echo of an answer: say whether it was."""
        key, version = key_of(obj), version_of(obj)
        known = self._digests.get(key)
        if known is None or known.uid != obj["metadata"].get("uid") or version > known.resource_version:
            return False
        return self._own_writes.came(key, version)

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
        for ended in self._ends:
            ended.add(known.uid)
        return True

    @contextmanager
    def noting_ends(self) -> Iterator[Container[str]]:
        """Give the uids of the objects that are forgotten from here on: a list asked for meanwhile may show them."""
        ended: set[str] = set()
        self._ends.append(ended)
        try:
            yield ended
        finally:
            self._ends = [other for other in self._ends if other is not ended]

    def is_another(self, key: Key, uid: str) -> bool:
        """Whether an object of that name is known, and it is not that very one."""
        known = self._digests.get(key)
        return known is not None and known.uid != uid

    def get(self, key: Key) -> AnyResource | None:
        """Read a resource."""
        digest = self._digests.get(key)
        return None if digest is None else self._rules[key.kind].resource(digest)

    def version(self, key: Key) -> tuple[str, int] | None:
        """The uid and the version of the newest object of that name that is known."""
        digest = self._digests.get(key)
        return None if digest is None else (digest.uid, digest.resource_version)

    def poll_key(self, key: Key) -> AnyPollKey | None:
        """Read the few fields that a poll needs, without reading the resource."""
        digest = self._digests.get(key)
        found = None if digest is None else digest.poll_key
        if isinstance(found, PollKey) and found.shown_reference is not None:
            return found.resolved(self.function(Key(key.namespace, found.shown_reference[0], CLOUD_FUNCTION)))
        return found

    def poll_keys(self, kind: Kind) -> Iterator[AnyPollKey]:
        """Read those of all resources of a kind."""
        return (digest.poll_key for key, digest in self._digests.items() if key.kind == kind)

    def with_version(self, function_id: str, version: str, *, but: Key | None) -> tuple[Resource, ...]:
        """Read the FunctionDeployments that have to do with a function version, all but one."""
        keys = self._index.get(Term(HOLDS, function_id, version), ())
        found = (self.get(key) for key in sorted(keys) if key != but)
        return tuple(cast("Resource", resource) for resource in found if resource is not None)

    def function(self, key: Key) -> Any:
        """What those that refer to a CloudFunction read of it, as the rules of its kind say; None if there is none."""
        digest = self._digests.get(key)
        return None if digest is None else digest.summary

    def followers(self, function_id: str) -> tuple[Key, ...]:
        """The FunctionDeployments that refer to a CloudFunction which has that function on record."""
        return tuple(
            sorted({key for function in self.with_function(function_id) for key in self.followers_of(function)})
        )

    def followers_of(self, function: Key) -> tuple[Key, ...]:
        """The FunctionDeployments that refer to a CloudFunction."""
        return self._found(Term(FOLLOWS, function.namespace, function.name))

    def with_function(self, function_id: str) -> tuple[Key, ...]:
        """The CloudFunctions that have a function on record."""
        return self._found(Term(FUNCTION, function_id))

    def named(self, name: str) -> tuple[Key, ...]:
        """The CloudFunctions whose manifests give their function a name."""
        return self._found(Term(NAME, name))

    def missing_from(self, listed: Iterable[Key], *, listed_at: int, kind: Kind = FUNCTION_DEPLOYMENT) -> list[Key]:
        """The keys of a kind that a complete list lacks, though they were known before that list was made."""
        there = set(listed)
        return [
            key
            for key, digest in self._digests.items()
            if key.kind == kind and key not in there and digest.resource_version <= listed_at
        ]

    def _found(self, term: Term) -> tuple[Key, ...]:
        return tuple(sorted(self._index.get(term, ())))

    def _take_in(self, key: Key, obj: Mapping[str, Any]) -> News:
        known = self._digests.get(key)
        self._newest[key.kind] = max(self.newest(key.kind), version_of(obj))
        if known is not None and version_of(obj) <= known.resource_version:
            return News.NOTHING
        digest = self._rules[key.kind].digest(obj)
        self._replace(key, known, digest)
        if known is None or known.uid != digest.uid:
            return News.NEW
        if (known.generation, known.asked) != (digest.generation, digest.asked):
            return News.USER
        return News.OTHER if known.reported != digest.reported else News.NOTHING

    def _replace(self, key: Key, known: Digest | None, digest: Digest | None) -> None:
        comes_or_goes = known is None or digest is None or known.uid != digest.uid
        before, after = (item.links if item is not None else None for item in (known, digest))
        # What others read of the object is there by the time that they are queued.
        if digest is None:
            self._digests.pop(key, None)
        else:
            self._digests[key] = digest
        if before != after:
            self._reindex(key, before, after)
        changed = (after,) if before == after else (before, after)
        ties = [links for links in changed if links is not None]
        terms = [term for links in ties for term in links.concerned(key, comes_or_goes=comes_or_goes)]
        found = {other for term in terms for other in self._of(term)} - {key}
        for other in found:
            self._concerned(other)

    def _of(self, term: Term | Key) -> Iterable[Key]:
        if isinstance(term, Key):
            return (term,) if term in self._digests else ()
        return self._index.get(term, ())

    def _reindex(self, key: Key, before: AnyLinks | None, after: AnyLinks | None) -> None:
        for term in before.indexed(key) if before is not None else ():
            keys = self._index.get(term, set())
            keys.discard(key)
            if not keys:
                self._index.pop(term, None)
        for term in after.indexed(key) if after is not None else ():
            self._index.setdefault(term, set()).add(key)
