"""Which function versions something writes at this moment, or may still write: one mutating call at a time for each.

NVCF rewrites the whole row of a version at each change: of tags and rate limit as well as by POST and DELETE of its
deployment. Two at once undo each other, and a change of tags that has read INACTIVE ends a deployment that was
requested meanwhile (facts on the functions API, section 2.9). So the resources of both kinds share this.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from nvcf_operator.core.rules.version_locks import WAIT
from nvcf_operator.state.deployments import Target


class Call(StrEnum):
    """What a mutating call writes."""

    CHANGE = "change"
    """Tags or rate limit of the version."""
    DEPLOYMENT = "deployment"
    """The version's deployment, by POST, PUT, PATCH or DELETE."""
    DELETION = "deletion"
    """The version itself, by DELETE."""


LOCKED_BY: Mapping[Call, frozenset[Call]] = {
    Call.CHANGE: frozenset({Call.CHANGE, Call.DEPLOYMENT}),
    Call.DEPLOYMENT: frozenset({Call.CHANGE, Call.DELETION}),
    Call.DELETION: frozenset({Call.CHANGE, Call.DEPLOYMENT}),
}
"""Call by call, the calls whose lost answers lock it.

POST and DELETE of a deployment have their own rules for a lost answer of their own, and so has DELETE of a version. A
version that is being deleted is not changed any more.
"""

LONGEST_WAIT = 5.0
"""Seconds between two tries while another call goes on and on."""


class VersionBusy(Exception):  # noqa: N818  the name says what happened
    """Something else writes the version, or may. Nothing was written to NVCF."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(f"version {target.version} is being changed")
        self.seconds = seconds
        """After which it may be tried again."""


class VersionWrites:
    """The locks. All times are this process's monotonic seconds.

    Args:
        clock: the monotonic time.

    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._under_way: dict[Target, float] = {}
        """Since when a call is under way."""
        self._in_doubt: dict[tuple[Target, Call], float] = {}
        """Until when a call without an answer may still be carried out."""

    @contextmanager
    def writing(self, target: Target, call: Call = Call.CHANGE) -> Iterator[None]:
        """Hold a version for the length of one mutating call.

        Raises:
            VersionBusy: something else writes it, or may.

        """
        if (left := self.locked_for(target, call)) > 0:
            raise VersionBusy(target, left)
        self._under_way[target] = self._clock()
        try:
            yield
        finally:
            self._under_way.pop(target, None)

    def locked_for(self, target: Target, call: Call = Call.CHANGE) -> float:
        """Seconds for which such a call must not be made; more than `WAIT` only if that is worth a word."""
        now = self._clock()
        doubts = (self._in_doubt.get((target, other), now) - now for other in LOCKED_BY[call])
        left = max(0.0, *doubts)
        if (since := self._under_way.get(target)) is not None:
            left = max(left, min(max(WAIT, now - since), LONGEST_WAIT))
        return left

    def doubt(self, target: Target, seconds: float, call: Call = Call.CHANGE) -> None:
        """Keep a version locked: a call got no answer, and NVCF may still carry it out."""
        self._in_doubt[target, call] = max(self._clock() + seconds, self._in_doubt.get((target, call), 0.0))

    def seen(self, target: Target) -> None:
        """Unlock a version whose change of tags or rate limit is seen."""
        self._in_doubt.pop((target, Call.CHANGE), None)

    def prune(self) -> None:
        """Drop what locks nothing any more."""
        now = self._clock()
        self._in_doubt = {item: until for item, until in self._in_doubt.items() if until > now}
