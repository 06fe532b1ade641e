"""Whether this process may write: it holds the Lease, and safely so.

client-go's algorithm. Only the own monotonic clock is believed: another's Lease counts as expired when this process has
seen it unchanged for its whole duration, and the own one as held for `RENEW_WITHIN` seconds from the moment before the
request that last renewed it. That is less than the duration, so nobody can take it while its holder still writes. A
process that was frozen finds on waking that the time is over, since every write asks first.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from nvcf_operator.kube.errors import KubeError, NotLeading
from nvcf_operator.kube.leases import NOBODYS, Lease, Leases

log = logging.getLogger(__name__)

NAME = "nvcf-operator"
"""The Lease's name."""

DURATION = 15
"""Seconds for which a Lease keeps others out."""

RENEW_WITHIN = 10.0
"""Seconds after the last renewal for which its holder writes."""

ANSWER_WITHIN = 5.0
"""Seconds for one try."""

RETRY = 2.0
"""Seconds between two tries to take or renew."""


def boottime() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Leadership:
    """The election, from this process's side.

    Args:
        leases: the Lease; None where there is only one replica, which leads at once and for ever.
        identity: this process, as no other one is called.
        clock: seconds, monotonic.

    """

    def __init__(self, leases: Leases | None, identity: str, *, clock: Callable[[], float] = boottime) -> None:
        self._leases = leases
        self._identity = identity
        self._clock = clock
        self.begun = asyncio.Event()
        """Set when this process leads for the first time."""
        self._turn = asyncio.Lock()
        self._held: Lease | None = None
        self._seen: tuple[Lease, float] | None = None
        self._safe_until = float("-inf")
        self._resigned = False
        if leases is None:
            self._safe_until = float("inf")
            self.begun.set()

    @property
    def leads(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._safe_until

    def fence(self) -> None:
        """Let a write pass. To be called right before it is sent.

        Raises:
            NotLeading: another replica may lead.

        """
        if not self.leads:
            raise NotLeading("this replica does not lead, so nothing was written")

    async def run(self) -> None:
        """Take the Lease and renew it. Returns when it is lost; never, once it was released."""
        if self._leases is not None:
            log.info("waiting for the %s, as %s", self._leases, self._identity)
            while not await self._try():
                seen, since = self._seen if self._seen is not None else (NOBODYS, self._clock())
                expires = since + seen.seconds - self._clock()
                await self._leases.changed(seen, within=expires if 0 < expires < RETRY else RETRY)
            log.info("leading by the %s", self._leases)
            self.begun.set()
            while self.leads:
                await asyncio.sleep(RETRY)
                await self._try()
            if not self._resigned:
                log.critical("the %s is lost; another replica has it, or may take it", self._leases)
                return
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Write nothing any more, and let another replica take over at once."""
        self._resigned = True
        async with self._turn:
            held, self._held = self._held, None
            if self._leases is None or held is None or not self.leads:
                return
            self._safe_until = float("-inf")
            try:
                async with asyncio.timeout(RETRY):
                    given = await self._leases.write(held.released())
            except (KubeError, TimeoutError) as error:
                log.warning("the %s was not released; it expires in %d s: %s", self._leases, DURATION, error)
            else:
                log.info(
                    "released the %s" if given is not None else "the %s already belonged to another replica",
                    self._leases,
                )

    async def _try(self) -> bool:
        """Take or renew the Lease if it is free, expired or ours. Whether this process holds it now."""
        assert self._leases is not None, "run() has dealt with a single replica"
        async with self._turn:
            if self._resigned:
                return False
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    return await self._taken(self._leases)
            except TimeoutError:
                log.warning("the %s: no answer from the API server within %.0f s", self._leases, ANSWER_WITHIN)
            except KubeError as error:
                log.warning(
                    "the %s cannot be read or written, and the operator does nothing without it; it needs create, and "
                    "get, update and watch on it, as in deploy/base: %s",
                    self._leases,
                    error,
                )
            return False

    async def _taken(self, leases: Leases) -> bool:
        found = self._held or await leases.read() or NOBODYS
        now = self._clock()
        unchanged = self._seen is not None and self._seen[0].says_the_same_as(found)
        since = self._seen[1] if self._seen is not None and unchanged else now
        self._seen = (found, since)
        if found.holder not in ("", self._identity) and now < since + found.seconds:
            self._safe_until = float("-inf")
            return False
        self._held = await leases.write(found.taken(self._identity, DURATION))
        if self._held is None:  # another was faster, or only its metadata has changed: the next try reads it
            return False
        self._seen = (self._held, now)
        self._safe_until = now + RENEW_WITHIN
        return True
