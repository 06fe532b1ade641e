"""The election on one clock, with a Lease that behaves as the API server's: never two that may write."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.kube.errors import NotLeading, Unavailable
from nvcf_operator.kube.leases import NOBODYS, Lease, Leases
from nvcf_operator.runtime.leadership import DURATION, RENEW_WITHIN, RETRY, Leadership
from tests.support.examples import examples


class Shared(Leases):
    """One Lease in memory: a write of an older version than the newest is refused, a server that is away fails all."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.away = False
        self.writes: list[str] = []

    def __str__(self) -> str:
        return "Lease of the test"

    async def read(self) -> Lease | None:
        self._answers()
        return self.lease

    async def write(self, lease: Lease) -> Lease | None:
        self._answers()
        newest = self.lease.resource_version if self.lease is not None else ""
        if lease.resource_version != newest:
            return None
        self.lease = replace(lease, resource_version=str(int(newest or 0) + 1))
        self.writes.append(lease.holder)
        return self.lease

    async def changed(self, lease: Lease, *, within: float) -> None:
        await asyncio.sleep(within)

    def _answers(self) -> None:
        if self.away:
            raise Unavailable("away")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def made(shared: Shared, clock: Callable[[], float], name: str) -> Leadership:
    return Leadership(shared, name, clock=clock)


async def test_a_single_replica_leads_without_a_lease() -> None:
    alone = Leadership(None, "a")
    assert alone.leads
    assert alone.begun.is_set()
    alone.fence()
    await alone.release()
    alone.fence()


async def test_the_first_takes_it_and_the_second_does_not() -> None:
    shared, clock = Shared(), Clock()
    first, second = made(shared, clock, "a"), made(shared, clock, "b")
    assert await first._try()
    assert not await second._try()
    assert (first.leads, second.leads) == (True, False)
    assert shared.lease is not None
    assert (shared.lease.holder, shared.lease.transitions) == ("a", 0)
    with pytest.raises(NotLeading):
        second.fence()


async def test_a_lease_is_another_ones_until_it_was_seen_unchanged_for_its_whole_duration() -> None:
    shared, clock = Shared(), Clock()
    first, second = made(shared, clock, "a"), made(shared, clock, "b")
    await first._try()
    clock.now += 100  # however old it is: this replica has only just seen it
    assert not await second._try()
    clock.now += DURATION - 1
    assert not await second._try()
    clock.now += 1
    assert await second._try()
    assert shared.lease is not None
    assert shared.lease.transitions == 1


async def test_metadata_of_the_lease_is_no_renewal() -> None:
    shared, clock = Shared(), Clock()
    first, second = made(shared, clock, "a"), made(shared, clock, "b")
    await first._try()
    await second._try()
    assert shared.lease is not None
    shared.lease = replace(shared.lease, resource_version="77")
    clock.now += DURATION
    assert await second._try()


async def test_a_leader_stops_writing_before_another_may_take_over() -> None:
    shared, clock = Shared(), Clock()
    first = made(shared, clock, "a")
    await first._try()
    clock.now += RENEW_WITHIN - 0.1
    first.fence()
    clock.now += 0.2
    with pytest.raises(NotLeading):
        first.fence()
    assert RENEW_WITHIN + RETRY < DURATION


async def test_an_api_server_that_is_away_changes_nothing_at_once() -> None:
    shared, clock = Shared(), Clock()
    first = made(shared, clock, "a")
    await first._try()
    shared.away = True
    clock.now += RETRY
    assert not await first._try()
    assert first.leads
    shared.away = False
    assert await first._try()


async def test_a_lease_that_somebody_takes_by_force_ends_the_leadership_at_once() -> None:
    shared, clock = Shared(), Clock()
    first = made(shared, clock, "a")
    await first._try()
    assert shared.lease is not None
    shared.lease = replace(shared.lease, holder="b", resource_version="77")
    assert not await first._try()
    assert not await first._try()
    assert not first.leads


async def test_what_was_given_back_is_free_at_once_and_not_taken_again() -> None:
    shared, clock = Shared(), Clock()
    first, second = made(shared, clock, "a"), made(shared, clock, "b")
    await first._try()
    await second._try()
    await first.release()
    assert not first.leads
    assert not await first._try()
    assert await second._try()


async def test_an_api_server_that_is_away_at_the_end_is_not_waited_for() -> None:
    shared, clock = Shared(), Clock()
    first = made(shared, clock, "a")
    await first._try()
    shared.away = True
    await first.release()
    assert not first.leads


steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["try", "try", "try", "release", "restart", "away", "back"]),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0, 9.0, 16.0]),
    ),
    max_size=60,
)


@settings(max_examples=examples(200), deadline=None)
@given(steps)
def test_never_do_two_lead_whatever_happens(steps: list[tuple[int, str, float]]) -> None:
    asyncio.run(_never_two(steps))


async def _never_two(steps: list[tuple[int, str, float]]) -> None:
    """Replicas that try, end, start again and are frozen (they just do not try) in any order."""
    shared, clock, number = Shared(), Clock(), 3
    replicas = [made(shared, clock, str(index)) for index in range(3)]
    for index, deed, pause in steps:
        match deed:
            case "try":
                await replicas[index]._try()
            case "release":
                await replicas[index].release()
            case "restart":
                replicas[index] = made(shared, clock, str(number))
                number += 1
            case "away" | "back":
                shared.away = deed == "away"
        assert sum(replica.leads for replica in replicas) <= 1
        clock.now += pause
        assert sum(replica.leads for replica in replicas) <= 1


def test_a_lease_is_read_and_written_as_client_go_does() -> None:
    taken = NOBODYS.taken("a", DURATION)
    body = taken.body("ns", "nvcf-operator")
    assert (body["apiVersion"], body["kind"]) == ("coordination.k8s.io/v1", "Lease")
    assert body["metadata"] == {"name": "nvcf-operator", "namespace": "ns"}
    assert {key: body["spec"][key] for key in ("holderIdentity", "leaseDurationSeconds", "leaseTransitions")} == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
    }
    assert Lease.read(body) == taken
    assert Lease.read({"metadata": {"resourceVersion": "1"}}) == replace(
        NOBODYS, transitions=0, resource_version="1"
    ), "an empty Lease is nobody's"
