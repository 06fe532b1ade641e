"""Which function versions something writes at this moment, or may still write: one mutating call at a time for each.

NVCF rewrites the whole row of a version at each change: of tags and rate limit as well as by POST and DELETE of its
deployment. Two at once undo each other, and a change of tags that has read INACTIVE ends a deployment that was
requested meanwhile (facts on the functions API, section 2.9). So the resources of both kinds share this.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nvcf_operator.state.deployments import Target


class VersionBusy(Exception):  # noqa: N818  the name says what happened
    """Something else writes the version, or may. Nothing was written to NVCF."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(f"version {target.version} is being changed")
        self.seconds = seconds
        """After which it may be tried again."""


WAIT = 1.0
"""Seconds between two tries while another call is under way."""


class VersionWrites:
    """The locks. All times are this process's monotonic seconds.

    Args:
        clock: the monotonic time.

    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._under_way: set[Target] = set()
        self._in_doubt: dict[Target, float] = {}
        """Until when a change without an answer may still be made."""

    @contextmanager
    def writing(self, target: Target) -> Iterator[None]:
        """Hold a version for the length of one mutating call.

        Raises:
            VersionBusy: something else writes it, or may.

        """
        if (left := self.locked_for(target)) > 0:
            raise VersionBusy(target, left)
        self._under_way.add(target)
        try:
            yield
        finally:
            self._under_way.discard(target)

    def locked_for(self, target: Target) -> float:
        """Seconds for which nothing else may write a version."""
        if target in self._under_way:
            return WAIT
        return max(0.0, self._in_doubt.get(target, 0.0) - self._clock())

    def doubt(self, target: Target, seconds: float) -> None:
        """Keep a version locked: a change got no answer, and NVCF may still make it."""
        self._in_doubt[target] = max(self._clock() + seconds, self._in_doubt.get(target, 0.0))

    def seen(self, target: Target) -> None:
        """Unlock a version whose change is seen."""
        self._in_doubt.pop(target, None)

    def prune(self) -> None:
        """Drop what locks nothing any more."""
        now = self._clock()
        self._in_doubt = {target: until for target, until in self._in_doubt.items() if until > now}
