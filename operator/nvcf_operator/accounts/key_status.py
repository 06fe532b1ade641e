"""Whether a key works: for which account, whether it may deploy, and how one that NVCF refuses is tried again."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.requests import Request
from nvcf_client.responses import DeploymentResponse
from nvcf_operator.accounts.listings import Listing
from nvcf_operator.core.model.observed import AccountView, Failure, Proof
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller


def account_view(
    listing: Listing | None, api_key: str, uid: str, pinned: str | None, recorded_credential: str | None
) -> AccountView:
    """Compare what a fresh list shows, and the key itself, with the account and the key on record."""
    ids = listing.account_ids if listing is not None else frozenset()
    print_of_key = fingerprint(uid, api_key)
    one = next(iter(sorted(ids)), None)
    if pinned is None:
        return AccountView(Proof.NEVER_PINNED, one, print_of_key)
    if pinned in ids:
        return AccountView(Proof.PROVEN, pinned, print_of_key)
    if ids:
        return AccountView(Proof.MISMATCH, one, print_of_key)
    if recorded_credential == print_of_key:
        return AccountView(Proof.PROVEN, pinned, print_of_key)
    return AccountView(Proof.UNPROVEN, None, print_of_key)


def fingerprint(uid: str, api_key: str) -> str:
    """Name a key so that only the same resource and the same key give the same name, and nothing leads back."""
    return hmac.new(uid.encode(), api_key.encode(), hashlib.sha256).hexdigest()[:16]


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


class DeployScope:
    """One key's; found out once for all who ask within seconds.

    Args:
        call: makes a call with the key.
        clock: seconds; only differences matter.

    """

    def __init__(
        self,
        call: Callable[[Request[DeploymentResponse], Caller], Awaitable[DeploymentResponse]],
        clock: Callable[[], float],
    ) -> None:
        self._call = call
        self._clock = clock
        self._known: tuple[float, bool] | None = None

    def forget(self) -> None:
        """Check it again when it is asked for next."""
        self._known = None

    async def granted(self, caller: Caller) -> bool | None:
        """Whether the key has it; None when that cannot be found out now."""
        now = self._clock()
        if self._known is not None and now - self._known[0] < PROBE_FIRST:
            return self._known[1]
        try:
            await self._call(endpoints.get_deployment(function_id=NOWHERE, function_version_id=NOWHERE), caller)
        except nvcf_errors.Forbidden:
            self._known = (now, False)
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return None
            self._known = (now, True)
        except (LimiterClosed, nvcf_errors.NvcfError):
            return None
        else:
            return None
        return self._known[1]
