"""Reads how many requests wait in the queues of deployed versions, in rounds, behind all other work.

Nothing depends on these numbers: what cannot be read has none, and a key that may not read queues is left alone for a
while. NVCF shows no queue of a version that drains, so a drain is reported with the number that was read before it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts.account import Account
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.core.rules.poll_rules import PollKey
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.metrics import Metrics

SHARE = 0.1
"""Of an account's rate, what rounds take at most."""

TIMEOUT = 10.0
"""Seconds for one call."""

REFUSED = 3600.0
"""Seconds for which a key that may not read queues is left alone."""

log = logging.getLogger(__name__)


class QueueDepths:
    """The queues of all resources whose version is ACTIVE.

    Args:
        accounts: the accounts in use.
        cache: the resources.
        metrics: where the numbers are shown.
        interval: seconds between the beginnings of two rounds, and how old a number may be, beside a round.
        rate: calls to NVCF a second, of each account.
        clock: seconds; only differences matter.
        sleep: waits for so many seconds.

    """

    def __init__(
        self,
        accounts: Iterable[Account],
        cache: Cache,
        metrics: Metrics,
        *,
        interval: float,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._accounts = accounts
        self._cache = cache
        self._metrics = metrics
        self._interval = interval
        self._pause = 1.0 / (rate * SHARE)
        self._clock = clock
        self._sleep = sleep
        self._depths: dict[Key, tuple[str, int]] = {}
        """The version, and the requests in its queue."""
        self._refused_until: dict[Credential, float] = {}

    def of(self, key: Key, version: str) -> int | None:
        """The requests in the queue of a resource's version, as of the last round; None if that is not known."""
        known = self._depths.get(key)
        return known[1] if known is not None and known[0] == version else None

    async def run(self) -> None:
        """Make rounds for ever."""
        while True:
            began = self._clock()
            try:
                await self.round()
            except Exception:  # a fault of ours must not end the rounds
                log.exception("reading the lengths of queues failed; it is retried")
            await self._sleep(max(self._pause, self._interval - (self._clock() - began)))

    async def round(self) -> None:
        """Read the queues of all accounts, side by side, and drop the numbers of what is not ACTIVE any more."""
        accounts = tuple(self._accounts)
        credentials = {account.credential for account in accounts}
        self._refused_until = {item: until for item, until in self._refused_until.items() if item in credentials}
        for key in self._depths.keys() - {key for account in accounts for key in account.keys}:
            self._note(key, None)
        await asyncio.gather(*(self._round_of(account) for account in accounts))

    async def _round_of(self, account: Account) -> None:
        """Read the queues of one account, one after the other."""
        rests = self._clock() < self._refused_until.get(account.credential, float("-inf"))
        answered = False
        for key in sorted(account.keys, key=str):
            poll_key = self._cache.poll_key(key)
            if not isinstance(poll_key, PollKey):
                continue
            version = _with_queue(poll_key)
            caller = Caller(Priority.LOW, key.namespace)
            if rests or version is None or account.held(caller) is not None:
                self._note(key, None)
                continue
            try:
                depth = await self._read(account, poll_key.function_id, version, caller)
                answered = True
            except nvcf_errors.Forbidden:
                depth = None
                if not answered:  # this key, and not only for this function
                    rests, self._refused_until[account.credential] = True, self._clock() + REFUSED
            except (LimiterClosed, nvcf_errors.NvcfError):
                depth = None
            self._note(key, None if depth is None else (version, depth))
            await self._sleep(self._pause)

    async def _read(self, account: Account, function_id: str, version: str, caller: Caller) -> int | None:
        request = endpoints.get_queue(function_id=function_id, function_version_id=version)
        answer = await account.call(replace(request, timeout=TIMEOUT), caller)
        found = [item.queue_depth for item in answer.queues if item.function_version_id == version]
        return found[0] if found and found[0] is not None and found[0] >= 0 else None

    def _note(self, key: Key, found: tuple[str, int] | None) -> None:
        """Take in what was read of a resource."""
        if found is None:
            self._depths.pop(key, None)
        else:
            self._depths[key] = found
        gone = self._cache.poll_key(key) is None
        self._metrics.resource_queues(key, None if found is None or gone else found[1])


def _with_queue(poll_key: PollKey) -> str | None:
    """The version on record, if NVCF shows its queue."""
    active = FunctionStatus.of(poll_key.function_status or "") == FunctionStatus.ACTIVE
    return poll_key.held_version if active and not (poll_key.deleting or poll_key.leaving) else None
