"""Whether NVCF accepts a key: while it does not, one probe at a time tries it and all others wait."""

import asyncio
import logging
from collections.abc import Callable

from nvcf_operator.core.credentials import Credential
from nvcf_operator.core.situation import Failure

log = logging.getLogger(__name__)

NEW_KEY = 900.0
"""Seconds after which a new key must work everywhere in hosted NVCF."""

PROBE_FIRST, PROBE_LAST, PROBE_LAST_NEW = 15.0, 300.0, 30.0
"""Seconds between two tries of a key that is not accepted: doubling from the first to the last."""


class KeyStatus:
    """One key's.

    Args:
        credential: the key.
        wake: set when its poller has something to do ahead of the next poll.
        clock: seconds; only differences matter.

    """

    def __init__(self, credential: Credential, wake: asyncio.Event, clock: Callable[[], float]) -> None:
        self._credential = credential
        self._wake = wake
        self._clock = clock
        self._made_at = clock()
        self._probe_wait = PROBE_FIRST
        self._probe_at = 0.0
        self.failure: Failure | None = None
        """Why it is not accepted; None while it is."""
        self.in_doubt = False
        """NVCF has refused the key since its Secrets were last read: another one may be there by now."""

    def refuse(self, failure: Failure) -> None:
        """Remember that the key is not accepted.

        The first refusal stands for those of the same reason, whatever call they met: all say the same.
        """
        now = self._clock()
        if self.failure is None:
            self._probe_wait = PROBE_FIRST
            log.warning("the key from %s is not accepted: %s", self._credential.source, failure.message)
            self.doubt()
        elif now >= self._probe_at:
            last = PROBE_LAST_NEW if now - self._made_at < NEW_KEY else PROBE_LAST
            self._probe_wait = min(last, self._probe_wait * 2)
        else:
            return
        if self.failure is None or self.failure.reason != failure.reason:
            self.failure = failure
        self._probe_at = now + self._probe_wait
        self._wake.set()

    def doubt(self) -> None:
        """Have the Secrets of this account's resources read again at once, ahead of the next poll."""
        self.in_doubt = True
        self._wake.set()

    def accept(self) -> None:
        """Remember that it is accepted again."""
        log.info("the key from %s is accepted again", self._credential.source)
        self.failure = None

    def waiting_for_probe(self) -> Failure | None:
        """Why no resource may use this key now; None when it may. The poller alone probes."""
        if self.failure is None:
            return None
        left = max(0.0, self._probe_at - self._clock())
        return Failure(self.failure.reason, self.failure.message, self.failure.scope, retry_after=left + 2.0)

    @property
    def probe_in(self) -> float | None:
        """Seconds until a key that is not accepted is tried again."""
        return None if self.failure is None else max(0.0, self._probe_at - self._clock())
