"""The cluster as the reconcile loop sees it: the API server's objects, the cache of them, and Events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from nvcf_operator.api.names import Key, Kind
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.kube.errors import KubeError
from nvcf_operator.reconcile.ports import (
    DROP_FINALIZER,
    INTENT,
    STATUS,
    TAKE_FINALIZER,
    TAKEN_OFF,
    ApiServer,
    Events,
    Outdated,
    Vanished,
    WriteRefused,
    is_reported,
    may_be_refusal,
)
from nvcf_operator.reconcile.references import References
from nvcf_operator.state.managed_state import AnyLocalState

CONFLICTS = 5
"""Times that a status is written again because somebody else has written another part of the object meanwhile."""


class KubernetesCluster:
    """The port `Cluster` over the API server and the cache.

    Args:
        api: the API server.
        cache: what is known of its objects.
        events: where Events go.
        gone: called with each object that turns out to be gone while another resource is reconciled.
        listed: says whether all of a kind was listed within so many seconds.
        references: what resolves references to CloudFunctions.

    """

    def __init__(
        self,
        api: ApiServer,
        cache: Cache,
        events: Events,
        *,
        gone: Callable[[AnyResource], None],
        listed: Callable[[Kind, float], Awaitable[bool]],
        references: References,
    ) -> None:
        self._api = api
        self._cache = cache
        self._events = events
        self._gone = gone
        self._listed = listed
        self._references = references

    def get(self, key: Key) -> AnyResource | None:
        """The newest known form of a resource, with what its reference leads to."""
        return self._references.resolved(self._cache.get(key))

    def version(self, key: Key) -> tuple[str, int] | None:
        """The uid and the version of that form."""
        return self._cache.version(key)

    def drop(self, key: Key, uid: str) -> None:
        """Forget an object that is gone, if it is that very one."""
        self._cache.drop(key, uid)

    def with_version(self, function_id: str, version: str, *, but: Key | None) -> tuple[Resource, ...]:
        """The resources that have to do with a function version, all but one."""
        known = self._cache.with_version(function_id, version, but=but)
        return self._references.with_version(function_id, version, known, self.get, but=but)

    def followers_of(self, function: Key) -> tuple[Key, ...]:
        """The FunctionDeployments that refer to a CloudFunction."""
        return self._cache.followers_of(function)

    def with_function(self, function_id: str) -> tuple[Key, ...]:
        """The CloudFunctions that have a function on record."""
        return self._cache.with_function(function_id)

    def named(self, name: str) -> tuple[Key, ...]:
        """The CloudFunctions whose manifests give their function a name."""
        return self._cache.named(name)

    async def is_listed(self, kind: Kind, *, within: float) -> bool:
        """Whether all resources of a kind are known as of so many seconds ago, or later."""
        return await self._listed(kind, within)

    def emit(self, resource: AnyResource, note: EventNote) -> None:
        """Have an Event written."""
        self._events.note(resource, note)

    def namespace_ends(self, namespace: str) -> bool:
        """Whether a namespace is known to be ending."""
        return self._events.ends(namespace)

    async def refresh(self, key: Key) -> None:
        """Take in another object as the API server has it."""
        obj, known = await self._api.get_resource(key), self.get(key)
        if known is not None and (obj is None or obj["metadata"].get("uid") != known.uid):
            self._cache.drop(key, known.uid)
            self._gone(known)
        if obj is not None:
            self._cache.put(obj)

    async def prove_current(self, resource: AnyResource, local: AnyLocalState) -> None:
        """Read the resource itself before NVCF is changed, so that a stale list never undoes a user's edit.

        Raises:
            Outdated: it has changed.
            Vanished: it is gone.

        """
        obj, _ = await self._read_again(resource)
        if self._is_another_version(obj, resource, local):
            raise Outdated("the resource has changed")

    async def write_finalizers(
        self, resource: AnyResource, local: AnyLocalState, finalizers: Sequence[str]
    ) -> dict[str, Any]:
        """Write the finalizers of that very version, and give the object after it.

        Raises:
            Outdated, Vanished, WriteRefused: as `_judge` finds.
            KubeError: the API server did not answer, or may accept it in a moment.

        """
        finalizer = resource.KIND.finalizer
        wanted = finalizer in finalizers
        try:
            obj = await self._api.patch_metadata(
                resource.key, uid=resource.uid, resource_version=resource.resource_version, finalizers=finalizers
            )
        except KubeError as error:
            await self._judge(error, TAKE_FINALIZER if wanted else DROP_FINALIZER, resource, local)
            raise
        self._cache.put(obj)
        local.proven = True
        if wanted and finalizer not in (obj["metadata"].get("finalizers") or ()):
            raise WriteRefused(TAKE_FINALIZER, KubeError(TAKEN_OFF))
        return obj

    async def write_intent(
        self, resource: AnyResource, local: AnyLocalState, patch: Mapping[str, Any], *, trial: bool = False
    ) -> dict[str, Any]:
        """Write the status that comes before a POST, or only try to, and give the object after it.

        Raises:
            Outdated, Vanished, WriteRefused: as `_judge` finds.
            KubeError: the API server did not answer, or may accept it in a moment.

        """
        try:
            obj = await self._api.patch_status(
                resource.key,
                uid=resource.uid,
                resource_version=resource.resource_version,
                status=patch,
                kind="intent",
                trial=trial,
            )
        except KubeError as error:
            await self._judge(error, INTENT, resource, local)
            raise
        if not trial:
            self._cache.put(obj)
            local.proven = True
        return obj

    async def write_status(self, resource: AnyResource, local: AnyLocalState, patch: Mapping[str, Any]) -> bool:
        """Change the very status that the patch was made for; say whether a user did something meanwhile.

        Another part of the object may have changed since, as by an edit of the manifest: the status is still true of
        the generation that it names.

        Args:
            resource: the object with that status.
            local: what is remembered of it.
            patch: what differs, by `merge_patch`.

        Raises:
            Outdated: the object has another status by now, which must not be lost, or the status is of a manifest that
                only a list has shown, which lagged behind.
            Vanished: it is gone.
            WriteRefused: the API server does not take it.
            KubeError: it did not answer, or may accept it in a moment.

        """
        version, edited = resource.resource_version, False
        for _ in range(CONFLICTS):
            try:
                obj = await self._api.patch_status(
                    resource.key, uid=resource.uid, resource_version=version, status=patch
                )
            except KubeError as error:
                if not may_be_refusal(error):
                    raise
                problem = error
            else:
                return self._cache.put(obj) == News.USER or edited
            fresh, news = await self._read_again(resource)
            edited = news == News.USER or edited
            lagged = not local.proven and fresh["metadata"].get("generation") != resource.generation
            if lagged or (fresh.get("status") or {}) != resource.recorded:
                local.found_current()
                raise Outdated(str(problem))
            local.proven = True
            if fresh["metadata"]["resourceVersion"] == version:
                raise _refusal(problem, STATUS, local)
            version = fresh["metadata"]["resourceVersion"]
        raise Outdated(f"it was written by others {CONFLICTS} times while its status was")

    async def _judge(self, error: KubeError, what: str, resource: AnyResource, local: AnyLocalState) -> None:
        """See by the object itself whether a write of ours came too late, or is refused.

        Returns only where it is neither, or where the refusal may pass at once.

        Raises:
            Outdated: the object has changed.
            Vanished: it is gone.
            WriteRefused: it is the one that was read, and the API server does not take what was to be written.

        """
        if not may_be_refusal(error):
            return
        obj, _ = await self._read_again(resource)
        if self._is_another_version(obj, resource, local):
            raise Outdated(str(error)) from None
        if isinstance(refusal := _refusal(error, what, local), WriteRefused):
            raise refusal from None

    async def _read_again(self, resource: AnyResource) -> tuple[dict[str, Any], News]:
        """Take in the object as the API server has it, and say what is new of it.

        Raises:
            Vanished: it is gone, or another one has its name.

        """
        obj = await self._api.get_resource(resource.key)
        if obj is None or obj["metadata"].get("uid") != resource.uid:
            raise Vanished("the resource is gone")
        return obj, self._cache.put(obj)

    @staticmethod
    def _is_another_version(obj: Mapping[str, Any], resource: AnyResource, local: AnyLocalState) -> bool:
        changed: bool = obj["metadata"]["resourceVersion"] != resource.resource_version
        if changed:
            local.found_current()
        local.proven = True
        return changed


def _refusal(error: KubeError, what: str, local: AnyLocalState) -> KubeError | WriteRefused:
    """What a refusal is raised as: at first it may be no more than an API server that starts."""
    return WriteRefused(what, error) if is_reported(error, local.attempts) else error
