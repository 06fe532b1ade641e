"""kopf as the informer: it watches, re-lists and authenticates; what it sees goes into the cache and the queue.

Only `kopf.on.event` is used. Any handler with a life cycle of its own (`on.create`, `on.delete`, timers) would bring
kopf's annotations, finalizers and per-object tasks, and with them a second place that holds state.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import kopf

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.backoff import Backoff
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import kopf_session
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


class Informer:
    """Keeps the cache like the cluster and queues what changed."""

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        queue: DelayQueue[Key],
        *,
        namespaces: tuple[str, ...],
        gone: Callable[[Resource], None],
        user_agent: str,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._queue = queue
        self._namespaces = namespaces
        self._gone = gone
        self._user_agent = user_agent
        self._came_to = 0
        """The highest resourceVersion that a list was made at."""

    async def prime(self) -> None:
        """Fill the cache by a list of our own before anything is decided, so that every claim is known."""
        for tries in itertools.count():
            try:
                await self.relist(first=True)
            except Exception as error:
                pause = FIRST_LIST.after(tries)
                log.warning("cannot list %s yet, retrying in %.1f s: %s", names.PLURAL, pause, error)
                await asyncio.sleep(pause)
            else:
                log.info("%d resources are known", len(self._cache))
                return

    async def relist(self, *, first: bool = False) -> None:
        """List everything and mend what the watch has missed.

        Raises:
            WentBack: an object has an older version than was seen before the list was made.

        """
        older: dict[Key, tuple[int, int]] = {}

        def keep(obj: dict[str, Any]) -> Key:
            meta = obj["metadata"]
            key, version = Key(meta.get("namespace", ""), meta["name"]), int(meta.get("resourceVersion") or 0)
            older.pop(key, None)  # of a list that had to begin again
            known = self._cache.version(key)
            if known is not None and known[0] == meta.get("uid") and version < known[1]:
                older[key] = (known[1], version)
            return self._take(obj, listed=True, first=first)

        listed = await self._kube.list_resources(self._namespaces, keep=keep)
        for key in listed:
            if key in older and older[key][0] <= listed.resource_version:
                raise WentBack(*older[key])
        self._came_to = max(self._came_to, listed.resource_version)
        for key in self._cache.missing_from(listed, listed_at=listed.resource_version):
            if await self._kube.get_resource(key) is None and (known := self._cache.get(key)) is not None:
                log.info("%s is gone; the watch had missed it", key)
                self._leave(known)

    async def relist_for_ever(self) -> None:
        """Mend soon after the start, and then every ten minutes."""
        pause = FIRST_RELIST
        while True:
            await asyncio.sleep(pause)
            pause = RELIST
            try:
                await self.relist()
            except Ending:
                raise
            except Exception as error:
                log.warning("cannot list %s; retrying in %.0f s: %s", names.PLURAL, RELIST, error)

    async def follow_history(self) -> None:
        """Check each minute that the cluster's data has not gone back in time.

        Raises:
            WentBack: it does not, twice in a row.

        """
        while True:
            await asyncio.sleep(PROBE)
            if await self._gone_back_by() is None:
                continue
            await asyncio.sleep(CONFIRM)
            if (found := await self._gone_back_by()) is not None:
                raise WentBack(*found)

    async def _gone_back_by(self) -> tuple[int, int] | None:
        """The version that was seen and the lower one that a list is made at now; None where that one is not lower.

        resourceVersions of one resource type are ordered (KEP-5504), and a list without one shows what is newest.
        """
        known = max(self._came_to, self._cache.newest)
        try:
            found = await self._kube.current_version(self._namespaces)
        except Exception as error:  # whatever comes in its place, it says nothing of the history
            log.debug("cannot determine the cluster's current resourceVersion: %s", error)
            return None
        if found < known:
            return known, found
        self._came_to = max(self._came_to, found)
        return None

    async def watch(self, *, stop: Stop, ending: Callable[[], Awaitable[None]]) -> None:
        """Run kopf until `stop` says so, or it fails.

        kopf takes the signals for itself when it starts, and fails over a second one; `stop` takes them back.
        `ending` is awaited first when it stops: kopf waits seconds for tasks that were started after it.
        """

        async def cleanup(**_: Any) -> None:
            stop.event.set()  # kopf's own task that waits for it would be waited for, too
            await ending()

        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)(self._seen)
        kopf.on.cleanup(registry=registry)(cleanup)
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(scanning=not self._namespaces),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            standalone=True,
            # Left out, kopf makes one of the user's name, and a container's user has none.
            identity=cast(Any, self._user_agent),
            stop_flag=stop.event,
        )
        stop.listen()
        await kopf.run_tasks(tasks, ignored=others)

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        return await kopf_session(user_agent=self._user_agent)

    async def _seen(self, event: kopf.RawEvent, **_: Any) -> None:
        obj: dict[str, Any] = dict(event["object"])
        if event["type"] == "DELETED":
            known = self._cache.get(Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))
            if known is not None and known.uid == obj["metadata"].get("uid"):
                self._leave(known)
            return
        listed = event["type"] is None
        self._take(obj, listed=listed, first=listed)

    def _take(self, obj: dict[str, Any], *, listed: bool, first: bool) -> Key:
        """Feed cache and queue with one resource; give its key."""
        key = Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if self._cache.is_another(key, obj["metadata"].get("uid", "")) and (known := self._cache.get(key)) is not None:
            self._leave(known)  # it was made again, and the end of the first one was missed
        news = self._cache.see(obj, listed=listed)
        if news == News.NOTHING:
            return key
        if news == News.OTHER and self._queue.works_on(key):
            self._cache.doubt(key)  # most often the echo of a write whose answer is on its way to the worker
        elif first:
            urgent = bool(obj["metadata"].get("deletionTimestamp"))
            self._queue.add(key, Priority.HIGH if urgent else Priority.LOW)
        elif news == News.USER:
            self._queue.add(key, Priority.HIGH)
        else:
            self._queue.add(key, Priority.NORMAL if news == News.NEW else Priority.LOW)
        return key

    def _leave(self, resource: Resource) -> None:
        self._cache.drop(resource.key, resource.uid)
        self._queue.discard(resource.key)
        self._gone(resource)


class _NothingKept(kopf.DiffBaseStorage):
    """Keeps kopf from comparing each object with its past, which nobody asks for here: half of its work per event."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Never called, for there are no handlers of changes."""


def _settings(*, scanning: bool) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = not scanning
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.persistence.diffbase_storage = _NothingKept()
    settings.queueing.idle_timeout = 1.0  # its task for each object ends a second after the object's last event
    settings.queueing.exit_timeout = 0.1  # its handlers only feed the cache: there is nothing to wait for
    return settings
