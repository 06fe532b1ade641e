"""The informer: what the watch shows, and lists of our own, go into the cache and the queue."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

import kopf

from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.backoff import Backoff
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.informer.digests import key_of, version_of
from nvcf_operator.informer.watching import watch
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Denied, KubeError, NotServed
from nvcf_operator.process.signals import Stop
from nvcf_operator.process.watchdog import Ending
from nvcf_operator.queue.delay_queue import DelayQueue

log = logging.getLogger(__name__)

RELIST = 600.0
"""Seconds between two lists of our own: a deletion missed across a re-list is never repaired by the watch."""

FIRST_RELIST = 20.0
"""Seconds until the first of them. kopf lists for itself before it watches, after our own first list: what was deleted
in between is in neither, and would count as there until the next list.
"""

FIRST_LIST = Backoff(0.5, 30.0)
"""Between two tries to list everything before anything is decided."""

PROBE = 60.0
"""Seconds between two checks whether the cluster's history goes on."""

CONFIRM = 30.0
"""Seconds until a list that seems to come from the past is asked for once more: one that lags behind gets over it."""


class WentBack(Ending):
    """The cluster shows an older state than it did: etcd was restored from a backup.

    A watch from a version that is not there yet brings nothing, and what is cached counts as newer than what is true.
    Only a process that knows nothing of the other history is sure to see what is there.
    """

    def __init__(self, known: int, found: int) -> None:
        super().__init__(
            f"the cluster's data went back in time: resourceVersion {known} was seen before, and the API server is at "
            f"{found}. etcd was restored from a backup, so this process's cache is invalid and its watch delivers "
            "nothing. The operator exits, so that a restart continues from the restored data"
        )


class NowServed(Ending):
    """A CRD was installed that was not there, and kopf does not watch for CRDs in single namespaces."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(
            f"the API server serves {kind.plural} by now, and did not when the operator started. Restricted to "
            "namespaces it does not watch for CRDs, so it exits, and a restart watches them"
        )


class Informer:
    """Keeps the cache like the cluster and queues what changed.

    A cluster may lack the CRD of another kind than FunctionDeployment, as after an upgrade by helm, which does not
    upgrade CRDs, or the operator may lack the right to list it. Then that kind is left out until it can be listed.

    Args:
        kube: the API server.
        cache: what to keep; it says which kinds.
        queue: where keys go.
        namespaces: where to watch; everywhere if empty.
        gone: called with each object that is gone.
        ended: called before, for each end that the watch shows, also of an object that is not known any more: with the
            uid, and whether the API server has dropped the object together with its finalizer.
        user_agent: what kopf calls itself.
        served: called with each kind and whether it can be listed, when that turns out.

    """

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        queue: DelayQueue[Key],
        *,
        namespaces: tuple[str, ...],
        gone: Callable[[AnyResource], None],
        ended: Callable[[str, bool], None] = lambda uid, dropped: None,
        user_agent: str,
        served: Callable[[Kind, bool], None] = lambda kind, served: None,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._namespaces = namespaces
        self._gone = gone
        self._ended = ended
        self._user_agent = user_agent
        self._show_served = served
        self._came_to: dict[Kind, int] = {}
        """By kind, the highest resourceVersion that a list was made at."""
        self._listed_at: dict[Kind, float] = {}
        """By kind, when the last complete list was asked for, by the event loop's clock."""
        self._listing = asyncio.Lock()
        self._ends_shown: set[str] = set()
        """The uids of objects whose end the watch has shown, and which kopf has not handed on yet."""
        self._unlisted: dict[Kind, KubeError] = {}
        """Why kinds are left out: their CRD, or the right to list them, is missing."""

    async def prime(self) -> None:
        """Fill the cache by lists of our own before anything is decided, so that every claim is known."""
        for kind in self._cache.kinds:
            for tries in itertools.count():
                try:
                    await self._relist(kind, first=True)
                except Exception as error:
                    pause = FIRST_LIST.after(tries)
                    log.warning("cannot list %s yet, retrying in %.1f s: %s", kind.plural, pause, error)
                    await asyncio.sleep(pause)
                else:
                    break
        log.info("%d resources are known", len(self._cache))

    async def relist(self, *, first: bool = False) -> None:
        """List everything and mend what the watch has missed.

        Raises:
            WentBack: an object has an older version than was seen before the list was made.

        """
        for kind in self._cache.kinds:
            await self._relist(kind, first=first)

    async def _relist(self, kind: Kind, *, first: bool = False) -> None:
        with self._cache.noting_ends() as ended:
            await self._take_list(kind, ended, first=first)

    async def _take_list(self, kind: Kind, ended: Container[str], *, first: bool) -> None:
        """List a kind and take it in, but for objects that end meanwhile: nothing would bring their end again."""
        older: dict[Key, tuple[int, int]] = {}

        def keep(obj: dict[str, Any]) -> Key:
            key, version = key_of(obj), version_of(obj)
            if obj["metadata"].get("uid") in ended:
                return key
            older.pop(key, None)  # of a list that had to begin again
            known = self._cache.version(key)
            if known is not None and known[0] == obj["metadata"].get("uid") and version < known[1]:
                older[key] = (known[1], version)
            return self._take(obj, listed=True, first=first)

        asked_at = asyncio.get_running_loop().time()
        try:
            listed = await self._kube.list_resources(self._namespaces, kind=kind, keep=keep)
        except (NotServed, Denied) as error:
            if kind == FUNCTION_DEPLOYMENT:
                raise
            self._leave_out(kind, error)
            return
        for key in listed:
            if key in older and older[key][0] <= listed.resource_version:
                raise WentBack(*older[key])
        self._came_to[kind] = max(self._came_to.get(kind, 0), listed.resource_version)
        for key in self._cache.missing_from(listed, listed_at=listed.resource_version, kind=kind):
            if await self._kube.get_resource(key) is None and (known := self._cache.get(key)) is not None:
                log.info("%s is gone; the watch had missed it", key)
                self._leave(known)
        self._listed_at[kind] = asked_at
        self._take_up(kind)

    async def is_listed(self, kind: Kind, *, within: float) -> bool:
        """Whether all of a kind was listed within so many seconds; it is listed now if it was not."""
        async with self._listing:  # one list serves all who wait for it
            if asyncio.get_running_loop().time() - self._listed_at.get(kind, float("-inf")) <= within:
                return True
            try:
                await self._relist(kind)
            except Exception as error:  # that the cluster went back is found by the next list of its own
                log.warning("cannot list %s: %s", kind.plural, error)
                return False
            return kind not in self._unlisted

    async def relist_for_ever(self) -> None:
        """Mend soon after the start, and then every ten minutes."""
        pause = FIRST_RELIST
        while True:
            await asyncio.sleep(pause)
            pause = RELIST
            for kind in self._cache.kinds:
                await self._mend(kind)

    async def _mend(self, kind: Kind) -> None:
        try:
            await self._relist(kind)
        except Ending:
            raise
        except Exception as error:
            log.warning("cannot list %s; retrying in %.0f s: %s", kind.plural, RELIST, error)

    def _leave_out(self, kind: Kind, error: KubeError) -> None:
        if kind not in self._unlisted:
            log.warning("%s. No %s is reconciled until they can be listed; all else is", error, kind)
        self._unlisted.setdefault(kind, error)
        self._show_served(kind, False)

    def _take_up(self, kind: Kind) -> None:
        """Note that a kind was listed.

        Raises:
            NowServed: it was not served before, and kopf does not begin to watch it.

        """
        self._show_served(kind, True)
        if kind not in self._unlisted:
            return
        if self._namespaces and isinstance(self._unlisted[kind], NotServed):
            raise NowServed(kind)
        del self._unlisted[kind]
        log.info("%s can be listed by now", kind.plural)

    async def follow_history(self) -> None:
        """Check each minute that the cluster's data has not gone back in time, and whether missing CRDs are there.

        Raises:
            WentBack: it does not, twice in a row.
            NowServed: a kind is served by now, and kopf does not begin to watch it.

        """
        while True:
            await asyncio.sleep(PROBE)
            for kind in tuple(self._unlisted):
                await self._mend(kind)
            if await self._gone_back_by() is None:
                continue
            await asyncio.sleep(CONFIRM)
            if (found := await self._gone_back_by()) is not None:
                raise WentBack(*found)

    async def _gone_back_by(self) -> tuple[int, int] | None:
        """The version of a kind that was seen, and the lower one that a list is made at now; None where none is lower.

        resourceVersions of one resource type are ordered (KEP-5504), and a list without one shows what is newest.
        """
        for kind in self._cache.kinds:
            if kind not in self._unlisted and (found := await self._kind_gone_back_by(kind)) is not None:
                return found
        return None

    async def _kind_gone_back_by(self, kind: Kind) -> tuple[int, int] | None:
        known = max(self._came_to.get(kind, 0), self._cache.newest(kind))
        try:
            found = await self._kube.current_version(self._namespaces, kind=kind)
        except Exception as error:  # whatever comes in its place, it says nothing of the history
            log.debug("cannot determine the cluster's current resourceVersion: %s", error)
            return None
        if found < known:
            return known, found
        self._came_to[kind] = max(self._came_to.get(kind, 0), found)
        return None

    async def watch(self, *, stop: Stop, ending: Callable[[], Awaitable[None]]) -> None:
        """Run kopf until `stop` says so, or it fails. `ending` is awaited first when it stops."""
        await watch(
            self._seen,
            self._cache.kinds,
            namespaces=self._namespaces,
            user_agent=self._user_agent,
            take_in=self._shown,
            stop=stop,
            ending=ending,
        )

    def _shown(self, kind: str, obj: Mapping[str, Any]) -> bool:
        """Take in the next event of the watch; say whether kopf can do without it.

        kopf gets the end of each object, too, for it remembers those that it has listed.
        """
        if kind == "DELETED":
            self._end(obj)
            self._ends_shown.add(obj["metadata"].get("uid", ""))
            return False
        if not self._cache.is_echo(obj):
            self._take(obj, listed=False, first=False)
        return True

    async def _seen(self, event: kopf.RawEvent, **_: Any) -> None:
        """Take in what kopf has listed, and what was left to it; it hands this on late, when an end may be known."""
        obj: dict[str, Any] = dict(event["object"])
        uid = obj["metadata"].get("uid", "")
        shown = uid in self._ends_shown
        if event["type"] == "DELETED":
            self._ends_shown.discard(uid)
            if not shown:
                self._end(obj)
        elif not shown:
            # kopf lists after our own first list: what differs from that has happened since.
            self._take(obj, listed=event["type"] is None, first=False)

    def _end(self, obj: Mapping[str, Any]) -> None:
        key, uid = key_of(obj), obj["metadata"].get("uid", "")
        known, dropped = self._cache.get(key), _is_dropped(obj["metadata"], key.kind)
        self._ended(uid, dropped)  # also where a worker has found it to be gone before
        if known is not None and known.uid == uid:
            self._leave(known)

    def _take(self, obj: Mapping[str, Any], *, listed: bool, first: bool) -> Key:
        """Feed cache and queue with one resource; give its key."""
        key, version = key_of(obj), self._cache.version(key_of(obj))
        if self._cache.is_another(key, obj["metadata"].get("uid", "")) and (known := self._cache.get(key)) is not None:
            if version is not None and version_of(obj) < version[1]:
                return key  # late word of a namesake that has ended: a read was faster than the watch
            self._leave(known)  # it was made again, and the end of the first one was missed
        news = self._cache.see(obj, listed=listed)
        if news == News.NOTHING:
            return key
        if news == News.OTHER and self._queue.works_on(key):
            self._cache.doubt(key)  # most often the echo of a write whose answer is on its way to the worker
        elif news == News.USER or (news == News.NEW and obj["metadata"].get("deletionTimestamp")):
            self._queue.add(key, Priority.HIGH)
        else:
            self._queue.add(key, Priority.NORMAL if news == News.NEW and not first else Priority.LOW)
        return key

    def _leave(self, resource: AnyResource) -> None:
        self._cache.drop(resource.key, resource.uid)
        self._queue.discard(resource.key)
        self._gone(resource)


def _is_dropped(metadata: Mapping[str, Any], kind: Kind) -> bool:
    """Whether an object ended with our finalizer, and without a deletion that waits for it."""
    return kind.finalizer in metadata.get("finalizers", ()) and "deletionTimestamp" not in metadata
