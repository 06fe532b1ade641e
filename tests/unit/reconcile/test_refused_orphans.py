"""A POST whose object is gone is followed through outages, and not for ever with a key that may not undo it."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.reconcile import following
from nvcf_operator.reconcile.following import GIVES_UP_AFTER, REPORTED_AFTER, Following, Unproven

CALL: Any = {"operation": "delete_function", "method": "DELETE", "path": "/functions/größe"}
FORBIDDEN = errors.Forbidden(**CALL, status=403, detail="not allowed")
OUTAGE = errors.ServerFault(**CALL, status=503, detail="broken")
NO_KEY = Unproven(Failure(Reason.UNAUTHORIZED, "the key was refused", Scope.CREDENTIAL))
NO_LIST = Unproven(Failure(Reason.NVCF_UNAVAILABLE, "the list was not answered", Scope.SERVER))


@dataclass
class Followed:
    """What became of a POST."""

    reports: list[str]
    given_up: bool
    seconds: float
    accounts: int
    """How many POSTs the account is kept open for at the end."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that goes by in pauses only."""
    now = [0.0]
    real = asyncio.sleep

    async def pause(seconds: float) -> None:
        now[0] += seconds
        await real(0)

    monkeypatch.setattr(following, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": pause}))
    return SimpleNamespace(monotonic=lambda: now[0])


def follow(clock: Any, answers: Iterable[Exception | bool]) -> Followed:
    """Follow a POST to its end; what is read of it fails, or says whether it is over."""
    reports, given_up, account = list[str](), list[Any](), SimpleNamespace(followed=0)
    read = iter(answers)

    async def is_over() -> bool:
        answer = next(read)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def until_over() -> None:
        post = SimpleNamespace(resource=SimpleNamespace(key="team/llama"))
        tasks = Following[Any](
            clock, pause=0.5, refused=lambda _, words: reports.append(words), given_up=given_up.append
        )
        tasks.follow(post, account, "registration of the vanished team/llama", is_over)
        await asyncio.gather(*tasks._tasks)

    asyncio.run(until_over())
    return Followed(reports, bool(given_up), clock.monotonic(), account.followed)


def again(answer: Exception, times: int) -> Iterator[Exception | bool]:
    yield from [answer] * times
    yield True


@pytest.mark.parametrize("refusal", [FORBIDDEN, NO_KEY])
def test_a_key_that_may_not_undo_it_is_reported_once_and_given_up_after_an_hour(
    clock: SimpleNamespace, refusal: Exception
) -> None:
    found = follow(clock, again(refusal, 1000))
    assert (found.reports, found.given_up, found.accounts) == ([str(refusal)], True, 0)
    assert GIVES_UP_AFTER <= found.seconds <= GIVES_UP_AFTER + 60


@pytest.mark.parametrize("outage", [OUTAGE, NO_LIST])
def test_an_outage_is_waited_for_and_is_no_refusal(clock: SimpleNamespace, outage: Exception) -> None:
    found = follow(clock, again(outage, 1000))
    assert (found.reports, found.given_up) == ([], False)
    assert found.seconds > 2 * GIVES_UP_AFTER


def test_a_refusal_that_passes_is_no_news(clock: SimpleNamespace) -> None:
    found = follow(clock, again(FORBIDDEN, 4))
    assert (found.reports, found.given_up) == ([], False)
    assert found.seconds < REPORTED_AFTER


def test_a_success_in_between_counts_from_the_beginning(clock: SimpleNamespace) -> None:
    found = follow(clock, [*[FORBIDDEN] * 50, False, *[FORBIDDEN] * 50, True])
    assert (len(found.reports), found.given_up) == (2, False)
    assert found.seconds > GIVES_UP_AFTER
