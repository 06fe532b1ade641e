"""Secrets, read by name and remembered in memory: a reconcile needs one, a poll of its account reads it again."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from nvcf_operator.kube import errors
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.stored_secret import StoredSecret

SHORT: Final = 2.0
"""Seconds for which all who ask share the answer that there is nothing to read: a new Secret is seen soon."""

DOUBT: Final = 3.0
"""Seconds that a refusal must last to be believed: an API server forbids everything for a moment while it starts, and
a credential must not be taken for withdrawn because of that."""

MOST_KNOWN: Final = 4096
"""Secrets that are remembered; beyond that those that were asked for longest ago are read again when needed."""


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such Secret."""


@dataclass(frozen=True, slots=True)
class Denied:
    """RBAC does not let us read a Secret of that name, and has not for some seconds."""

    message: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The API server gave no usable answer, or a refusal that is not believed yet."""

    message: str


SecretRead = StoredSecret | Absent | Denied | Unavailable


@dataclass(slots=True, repr=False)
class _Entry:
    """What is known of one Secret."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: StoredSecret | Absent | Denied | None = None
    asked_at: float = 0.0
    """When `answer` was asked for, which is what its age counts from."""
    failure: Unavailable | None = None
    failed_at: float = 0.0
    denied_since: float | None = None
    """When a refusal first came; None when the last usable answer was another."""

    def serve(self, *, since: float, now: float, max_age: float) -> SecretRead | None:
        """What can be served to a caller that asks since then and wants it no older than that; None: nothing."""
        if self.failure is not None and self.failed_at > since:
            return self.failure  # who waited through one timeout does not wait through another
        limit = max_age if isinstance(self.answer, StoredSecret) else min(max_age, SHORT)
        return self.answer if self.asked_at >= since or now - self.asked_at <= limit else None

    def believe(self, answer: SecretRead, now: float) -> SecretRead:
        """What the API server's answer, just come, is taken for."""
        if not isinstance(answer, Denied):
            self.denied_since = None
            return answer
        if self.denied_since is None:
            self.denied_since = now
        return answer if now - self.denied_since >= DOUBT else Unavailable(answer.message)


class Secrets:
    """Reads Secrets; one call serves all who ask for the same one at the same time."""

    def __init__(self, kube: KubeClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        """Give a Secret as it was at most `max_age` seconds ago; with 0 as it is now."""
        since = self._clock()
        entry = self._entry(namespace, name)
        async with entry.lock:
            asked_at = self._clock()
            known = entry.serve(since=since, now=asked_at, max_age=max_age)
            if known is not None:
                return known
            answer = entry.believe(await self._ask(namespace, name), self._clock())
            if isinstance(answer, Unavailable):
                # It says nothing of the Secret, so what was read before stays known.
                entry.failure, entry.failed_at = answer, self._clock()
            else:
                entry.answer, entry.asked_at = answer, asked_at
            return answer

    def _entry(self, namespace: str, name: str) -> _Entry:
        entry = self._entries.setdefault((namespace, name), _Entry())
        self._entries.move_to_end((namespace, name))
        while len(self._entries) > MOST_KNOWN:
            self._entries.popitem(last=False)
        return entry

    async def _ask(self, namespace: str, name: str) -> SecretRead:
        try:
            found = await self._kube.get_secret(namespace, name)
        except errors.Denied as error:
            return Denied(error.message)
        except errors.KubeError as error:
            return Unavailable(error.message)
        return Absent() if found is None else found
