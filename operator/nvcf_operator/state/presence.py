"""When function versions were last seen deployed, and since when they are seen to be gone."""

from nvcf_operator.state.targets import Target


class PresenceHistory:
    """When versions were last seen deployed, and since when they are seen to be gone; for whichever resource asks.

    Args:
        remember: seconds for which a version that went is remembered: the redeploy settle.
        rate: reads a second that are possible at most, so that many that wait at once do not take turns for blindness.

    """

    def __init__(self, remember: float, rate: float = 50.0) -> None:
        self._remember = remember
        self._rate = rate
        self._present: dict[Target, float] = {}
        self._gone: dict[Target, float] = {}
        """When a version that was seen deployed was first seen to be gone."""
        self._absent: dict[Target, tuple[float, float]] = {}
        """Since when 404 was seen without a break, and when last."""

    def saw(self, target: Target, now: float) -> None:
        """GET showed a deployment, or a write of ours was taken."""
        self._present[target] = now
        self._gone.pop(target, None)
        self._absent.pop(target, None)

    def missed(self, target: Target, now: float) -> float:
        """A believed 404; says for how many seconds it has been so without a break.

        A time in which nobody read it is a break: a deployment may have come and gone in it.
        """
        since, last = self._absent.get(target, (now, now))
        blind = max(self._remember / 2, 2 * len(self._absent) / self._rate)
        since = now if now - last > blind else since
        self._absent[target] = (since, now)
        if target in self._present:
            self._gone.setdefault(target, now)
        return now - since

    def seen_lately(self, target: Target, now: float) -> bool:
        """Whether the version was seen deployed and has not been gone long enough since."""
        if target not in self._present:
            return False
        if now - self._gone.get(target, now) >= self._remember:
            self._forget_presence(target)
            return False
        return True

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        for target, gone in list(self._gone.items()):
            if now - gone > 10 * self._remember:
                self._forget_presence(target)
        for target, (_, last) in list(self._absent.items()):
            if now - last > 10 * self._remember:
                del self._absent[target]

    def _forget_presence(self, target: Target) -> None:
        self._present.pop(target, None)
        self._gone.pop(target, None)
