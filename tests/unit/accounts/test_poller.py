"""When an account is polled, on a loop with virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import Calls
from nvcf_operator.accounts.poller import Poller
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.core.rules.poll_rules import DeploymentFingerprint
from nvcf_operator.flowcontrol.limiters import Limiters
from nvcf_operator.metrics import Metrics
from nvcf_operator.process.watchdog import Watchdogs
from tests.support import virtual_time
from tests.support.virtual_time import Clock

REFUSED = Failure(Reason.UNAUTHORIZED, "NVCF does not accept the key", Scope.CREDENTIAL)


class Nobody:
    """Stands for a client that is never asked."""

    async def send(self, request: object) -> object:
        raise AssertionError(f"{request} was sent for nobody")


def account_of(clock: Clock) -> Account:
    limiters = Limiters(50, 16, clock=clock)
    metrics = Metrics()
    calls = lambda account: Calls(account, Nobody(), metrics, clock=clock)  # type: ignore[arg-type]  # noqa: E731
    return Account(Credential("http://127.0.0.1/v2/nvcf", "nvapi-old"), calls, limiters, metrics, clock=clock)


def poller_of(
    account: Account,
    clock: Clock,
    *,
    polled: Callable[[Account, Mapping[str, DeploymentFingerprint]], bool],
    reread: Callable[[Account], Awaitable[None]],
) -> Poller:
    return Poller(
        account,
        polled=polled,
        reread=reread,
        refused=lambda _: None,
        interval=60.0,
        busy_interval=5.0,
        beats=Watchdogs(),
        clock=clock,
    )


def test_a_refused_key_that_nobody_uses_any_more_leaves_the_loop_to_the_others() -> None:
    polls = 0

    async def main(clock: Clock) -> None:
        async def reread(_: Account) -> None:
            nonlocal polls
            polls += 1
            if polls > 100:
                raise asyncio.CancelledError

        def polled(_: Account, __: Mapping[str, DeploymentFingerprint]) -> bool:
            raise AssertionError("nothing was listed")

        account = account_of(clock)
        account.key_status.refuse(REFUSED)
        poller = poller_of(account, clock, polled=polled, reread=reread)
        task = asyncio.create_task(poller.run())
        await asyncio.sleep(600.0)
        task.cancel()

    virtual_time.run(main)
    assert 0 < polls <= 12, "one poll in each interval, and none between"


def test_a_crowd_that_comes_does_not_put_off_the_poll() -> None:
    """What was deployed first is reported while the others are still asked for."""
    polls: list[float] = []

    async def main(clock: Clock) -> None:
        async def reread(_: Account) -> None:
            polls.append(clock())

        account = account_of(clock)
        poller = poller_of(account, clock, polled=lambda _, __: True, reread=reread)
        task = asyncio.create_task(poller.run())
        for number in range(100):
            account.busy.add(Key("team", f"r{number}"))
            account.wake.set()
            await asyncio.sleep(0.5)
        task.cancel()

    virtual_time.run(main)
    assert 8 <= len(polls) <= 12, polls
