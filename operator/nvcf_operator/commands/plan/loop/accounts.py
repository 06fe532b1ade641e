"""The accounts of a plan, whose answers never become stale."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from nvcf_operator.accounts.account import POLL, Account
from nvcf_operator.accounts.listings import Listing
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan.loop.channel import Reader, ReadOnlyChannel
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import Limiters
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.metrics import Metrics


class PlannedAccount(Account):
    """The port `Nvcf`: an account whose answers never become stale, since only the plan's own clock advances."""

    channel: ReadOnlyChannel

    async def fresh_listing(
        self, max_age: float, caller: Caller = POLL, interest: Interest | None = None
    ) -> Listing | Failure:
        """Give the list that was read before as one that was asked for just now."""
        known = self.listing
        if known is not None and (interest is None or known.registered.covers(interest)):
            self.listing = replace(known, asked_at=self._clock())
            return self.listing
        return await super().fresh_listing(max_age, caller, interest)


class PlannedAccounts:
    """The port `Accounts`: one for each credential.

    Args:
        connect: makes the client of a credential.
        limiters: of all accounts; nothing is ever held by one.
        metrics: that nobody reads.
        interests: what CloudFunctions ask of a list.
        clock: seconds of the plan.
        absent: as of `ReadOnlyChannel`.

    """

    def __init__(
        self,
        connect: Callable[[Credential], Reader],
        metrics: Metrics,
        interests: Callable[[], Iterator[Interest]],
        clock: Callable[[], float],
        absent: set[str],
    ) -> None:
        self._connect = connect
        self._limiters = Limiters(50.0, 16)
        self._metrics = metrics
        self._interests = interests
        self._clock = clock
        self._absent = absent
        self._accounts: dict[Credential, PlannedAccount] = {}
        self._of_key: dict[Key, PlannedAccount] = {}

    def __iter__(self) -> Iterator[PlannedAccount]:
        return iter(tuple(self._accounts.values()))

    def of(self, key: Key, credential: Credential) -> PlannedAccount:
        """The account of a credential, used by that resource from here on."""
        if credential not in self._accounts:
            self._accounts[credential] = self._opened(credential)
        account = self._accounts[credential]
        self.leave(key)
        self._of_key[key] = account
        account.keys.add(key)
        return account

    def known(self, key: Key) -> PlannedAccount | None:
        """The account that a resource used last."""
        return self._of_key.get(key)

    def sharing(self, key: Key) -> int:
        """Nobody waits at a limiter."""
        return 0

    def leave(self, key: Key) -> None:
        """End a resource's use of its account."""
        if (account := self._of_key.pop(key, None)) is not None:
            account.keys.discard(key)
            account.busy.discard(key)
            account.disproved_listings.leave(key)

    async def close(self) -> None:
        """Give up all connections."""
        for account in self:
            await account.close()

    def _opened(self, credential: Credential) -> PlannedAccount:
        client, opened = self._connect(credential), list[ReadOnlyChannel]()

        def channel(account: Account) -> ReadOnlyChannel:
            opened.append(ReadOnlyChannel(account, client, self._absent))
            return opened[0]

        account = PlannedAccount(
            credential, channel, self._limiters, self._metrics, interests=self._interests, clock=self._clock
        )
        account.channel = opened[0]
        return account
