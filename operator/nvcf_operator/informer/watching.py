"""kopf as the watch: it watches, re-lists and authenticates; what it sees is handed on.

Only `kopf.on.event` is used. Any handler with a life cycle of its own (`on.create`, `on.delete`, timers) would bring
kopf's annotations, finalizers and per-object tasks, and with them a second place that holds state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

import kopf

from nvcf_operator.api import names
from nvcf_operator.api.names import Kind
from nvcf_operator.kube.connection import kopf_session
from nvcf_operator.kube.watched import TakeIn
from nvcf_operator.process.signals import Stop


async def watch(
    seen: Callable[..., Awaitable[None]],
    kinds: Iterable[Kind],
    *,
    namespaces: tuple[str, ...],
    user_agent: str,
    take_in: TakeIn,
    stop: Stop,
    ending: Callable[[], Awaitable[None]],
) -> None:
    """Run kopf until `stop` says so, or it fails.

    kopf takes the signals for itself when it starts, and fails over a second one; `stop` takes them back. `ending` is
    awaited first when it stops: kopf waits seconds for tasks that were started after it. `take_in` gets each event
    first; `seen` gets what is listed, and the events that were left to kopf.
    """

    async def login(**_: Any) -> kopf.AiohttpSession:
        return await kopf_session(user_agent=user_agent, take_in=take_in)

    async def cleanup(**_: Any) -> None:
        stop.event.set()  # kopf's own task that waits for it would be waited for, too
        await ending()

    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(login)
    for kind in kinds:
        kopf.on.event(names.GROUP, names.VERSION, kind.plural, registry=registry)(seen)
    kopf.on.cleanup(registry=registry)(cleanup)
    others = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(scanning=not namespaces),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        # Left out, kopf makes one of the user's name, and a container's user has none.
        identity=cast(Any, user_agent),
        stop_flag=stop.event,
    )
    stop.listen()
    await kopf.run_tasks(tasks, ignored=others)


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
