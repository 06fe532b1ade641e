"""One poll of a credential serves resources of both kinds, and counts both for the brake on mass absence."""

from types import SimpleNamespace
from typing import cast

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.accounts.listings import DisprovedListings, Listing
from nvcf_operator.accounts.poller import Polling
from nvcf_operator.accounts.registered import Registered
from nvcf_operator.api.names import Key
from nvcf_operator.core.rules.poll_rules import Entry
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.queue.delay_queue import DelayQueue
from tests.unit.informer.two_kinds import (
    FUNCTION,
    VERSION,
    cache_of_both,
    deployment,
    function,
    function_key,
    registered,
)

LLAMA, ECHO, GONE = function_key("llama"), Key("team", "echo"), function_key("gone")


class Poll:
    """One poll of an account that three resources use, one of which is gone; perhaps while one is being reconciled."""

    def __init__(self, listing: Listing, *, in_work: Key | None = None) -> None:
        self.cache, self.queue = cache_of_both(), DelayQueue[Key](group=lambda key: key.namespace)
        self.cache.put(function(5, status=registered(VERSION)))
        self.recorded("ACTIVE", version=6)
        self.left: list[Key] = []
        self.missing: dict[Key, bool] = {}
        if in_work is not None:
            self.queue.add(in_work, Priority.LOW)
            assert self.queue.take() == (in_work, Priority.LOW)
        account = SimpleNamespace(
            keys={LLAMA, ECHO, GONE},
            busy=set(),
            listing=listing,
            mass_deletion=SimpleNamespace(counts=self.missing.update),
            disproved_listings=DisprovedListings(),
        )
        self._polling = Polling(self.cache, self.queue, cast(Resolver, None), leave=self.left.append)
        self.moved = self._polling.polled(cast(Account, account), {})
        self.queued = self._taken()

    def recorded(self, status: str, *, version: int) -> None:
        """Put a status on record of the deployment."""
        self.cache.put(deployment(version, "echo", status={"functionVersionId": VERSION, "functionStatus": status}))

    def queued_after(self, key: Key) -> set[Key]:
        """End a reconcile, and give what is queued then."""
        self._polling.settle(key)
        self.queue.done(key)
        return self._taken()

    def _taken(self) -> set[Key]:
        found: set[Key] = set()
        while (taken := self.queue.take()) is not None:
            found.add(taken[0])
        return found


def listing(status: str | None, *, marked: tuple[str, ...] = ()) -> Listing:
    """A list that shows the version with a status, if it does, and versions that bear the function's mark."""
    entries = {VERSION: Entry(FUNCTION, status, "nca-1", True)} if status is not None else {}
    return Listing(0.0, entries, frozenset(), registered=Registered(by_owner={"uidllama": marked}))


def test_what_is_as_recorded_is_left_alone_and_what_is_gone_leaves_the_account() -> None:
    poll = Poll(listing("ACTIVE"))
    assert (poll.queued, poll.left, poll.moved) == (set(), [GONE], False)
    assert poll.missing == {LLAMA: False, ECHO: False}


def test_a_status_is_news_of_the_deployment_only() -> None:
    assert Poll(listing("DEGRADED")).queued == {ECHO}


def test_a_marked_version_that_is_not_on_record_is_news_of_the_function_only() -> None:
    assert Poll(listing("ACTIVE", marked=(VERSION, "late"))).queued == {LLAMA}


def test_a_version_that_is_gone_is_news_of_both_and_counts_for_both() -> None:
    poll = Poll(listing(None))
    assert (poll.queued, poll.moved) == ({LLAMA, ECHO}, True)
    assert poll.missing == {LLAMA: True, ECHO: True}


def test_what_a_reconcile_has_put_on_record_while_it_was_polled_leads_to_no_other_reconcile() -> None:
    poll = Poll(listing("DEGRADED"), in_work=ECHO)
    assert (poll.queued, poll.moved) == (set(), True)
    poll.recorded("DEGRADED", version=7)
    assert poll.queued_after(ECHO) == set()


def test_news_that_a_reconcile_has_not_seen_lead_to_another_one_at_its_end() -> None:
    poll = Poll(listing("DEGRADED"), in_work=ECHO)
    assert poll.queued_after(ECHO) == {ECHO}


def test_the_end_of_a_reconcile_that_no_poll_has_met_leads_to_nothing() -> None:
    poll = Poll(listing("ACTIVE"), in_work=ECHO)
    assert poll.queued_after(ECHO) == set()
