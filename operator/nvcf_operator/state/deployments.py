"""What this process has seen of deployments, and what it has sent for them, by installation, function and version."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nvcf_operator.core.model.resource import Resource


class Target(NamedTuple):
    """One version of a function at one NVCF installation: the same ids elsewhere are another function version."""

    base_url: str
    function_id: str
    version: str


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
        self._contradicted: dict[Target, tuple[float, float]] = {}
        """Since when lists have not agreed with a 404, without another word in between, and when last."""

    def saw(self, target: Target, now: float) -> None:
        """GET showed a deployment, or a write of ours was taken."""
        self._present[target] = now
        self._gone.pop(target, None)
        self._absent.pop(target, None)
        self._contradicted.pop(target, None)

    def contradicted(self, target: Target, now: float, *, agrees: bool) -> bool:
        """Whether a 404 is not to be believed, since a list asked for after it does not agree.

        A dependency's own 404 may come through the server. It is believed once both have said the same for as long as a
        pass of the server's loop takes: what some of the server's races leave is a status without a deployment.

        Args:
            target: the version.
            now: this process's monotonic second.
            agrees: whether that list says nothing else.

        """
        if agrees:
            self._contradicted.pop(target, None)
            return False
        since, _ = self._contradicted.get(target, (now, now))
        self._contradicted[target] = (since, now)
        return now - since < self._remember

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
        for target, (_, last) in list(self._contradicted.items()):
            if now - last > max(10 * self._remember, LONGEST_BETWEEN_READS):
                del self._contradicted[target]

    def _forget_presence(self, target: Target) -> None:
        self._present.pop(target, None)
        self._gone.pop(target, None)


LONGEST_BETWEEN_READS = 600.0
"""Seconds between two reads of one version, at the longest backoff: however short the settle is, it can end."""


REMEMBERED = 3600.0
"""Seconds for which ids of deployments are remembered that this process made or undeployed: longer than any pass of the
server's loop that may bring one back."""


DROPS = 60.0
"""Seconds after a POST within which the API server may drop its object: a request's longest time in the API server."""


@dataclass(slots=True, eq=False)
class SentPost:
    """One POST. Times are this process's monotonic seconds."""

    target: Target
    token: str
    resource: Resource
    """The object as it was when the POST was sent."""
    settle: float
    """Seconds for which the server may work on it."""
    ended_at: float | None = None
    """When our side of it ended; None while it is under way."""
    deployment_id: str | None = None
    """What it made, as its answer said."""
    answered: bool = False
    """Whether NVCF said that it has made the deployment."""

    def may_run_for(self, now: float) -> float:
        """Seconds for which it may still be running in the server."""
        if self.answered:
            return 0.0
        return self.settle if self.ended_at is None else max(0.0, self.settle - (now - self.ended_at))


class Sent:
    """POSTs and DELETEs of this process."""

    def __init__(self) -> None:
        self._posts: list[SentPost] = []
        self._recorded: list[SentPost] = []
        """Those whose answer is in the status, as long as the API server may drop the object."""
        self._dropped: set[str] = set()
        """Uids of objects that it has dropped."""
        self._made: dict[Target, dict[str, float]] = {}
        """By version, the deployments that POSTs have made, and when."""
        self._made_for: dict[str, str] = {}
        self._undeploying: dict[Target, str] = {}
        """By version, the deployment that a DELETE was answered for last: never more than there are versions."""
        self._undeployed: dict[Target, dict[str, float]] = {}

    def post(self, target: Target, resource: Resource, token: str, settle: float) -> SentPost:
        """Note a POST, right before it is sent."""
        self._posts.append(post := SentPost(target, token, resource, settle))
        return post

    def answered(self, post: SentPost, deployment_id: str | None, now: float) -> None:
        """Note that NVCF has made the deployment."""
        post.ended_at, post.answered, post.deployment_id = now, True, deployment_id
        if deployment_id is not None:
            self._made.setdefault(post.target, {})[deployment_id] = now
            self._made_for[deployment_id] = post.resource.uid

    def failed(self, post: SentPost, now: float, *, maybe_done: bool) -> None:
        """Note that the POST was refused, or that what became of it is not known."""
        post.ended_at = now
        if not maybe_done:
            self._posts.remove(post)

    def recorded(self, token: str) -> None:
        """Note that the status holds what became of a POST."""
        done = [post for post in self._posts if post.token == token and post.ended_at is not None]
        self._posts = [post for post in self._posts if post not in done]
        self._recorded += [post for post in done if post.answered]

    def ended(self, uid: str, dropped: bool) -> None:
        """Note how an object has ended: dropped by the API server together with its finalizer, or otherwise.

        It does so if a DELETE has read the object before the finalizer was written. Nobody has asked for that. Who has
        forced it away otherwise wants what is on record left alone.
        """
        if dropped:
            self._dropped.add(uid)
        else:
            self._recorded = [post for post in self._recorded if post.resource.uid != uid]

    def may_be_dropped(self, uid: str, now: float) -> bool:
        """Whether what becomes of a POST on record depends on how its object has ended, and nothing has shown that."""
        return uid not in self._dropped and any(p.resource.uid == uid and _is_recent(p, now) for p in self._recorded)

    def take(self, uid: str, now: float) -> list[SentPost]:
        """The POSTs of an object that is gone: what they make is nobody's. They are not given again.

        Of an object that the API server has dropped, those of the last minute that are on record are among them.
        """
        found = [p for p in self._posts if p.resource.uid == uid and (p.answered or p.may_run_for(now) > 0)]
        if uid in self._dropped:
            self._dropped.discard(uid)
            found += [p for p in self._recorded if p.resource.uid == uid and _is_recent(p, now)]
        for post in found:
            if post.answered:
                (self._posts if post in self._posts else self._recorded).remove(post)
        return found

    def may_run_for(self, target: Target, now: float) -> float:
        """Seconds for which a POST of this version may still be running, whichever object it was for."""
        return max((post.may_run_for(now) for post in self._posts if post.target == target), default=0.0)

    def undeploying(self, target: Target, deployment_id: str | None) -> None:
        """Note that a DELETE was answered."""
        if deployment_id is not None:
            self._undeploying[target] = deployment_id

    def missed(self, target: Target, now: float) -> None:
        """Note that NVCF shows no deployment of the version: what was being undeployed is gone."""
        gone = self._undeploying.pop(target, None)
        if gone is not None:
            self._undeployed.setdefault(target, {})[gone] = now

    def made_ids(self, targets: Iterable[Target], uid: str) -> frozenset[str]:
        """Deployments of these versions that POSTs have made for that very object."""
        return frozenset(item for item in _of(self._made, targets) if self._made_for[item] == uid)

    def undeployed_ids(self, targets: Iterable[Target]) -> frozenset[str]:
        """Deployments of these versions that were undeployed and then not shown."""
        return frozenset(_of(self._undeployed, targets))

    def answered_delete(self, target: Target, deployments: Collection[str]) -> bool:
        """Whether NVCF has answered a DELETE of one of these deployments of a version."""
        undeployed = {self._undeploying.get(target), *self._undeployed.get(target, ())}
        return not undeployed.isdisjoint(deployments)

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        self._posts = [post for post in self._posts if post.answered or post.may_run_for(now) > 0]
        self._recorded = [post for post in self._recorded if _is_recent(post, now)]
        self._dropped &= {post.resource.uid for post in self._recorded}  # of others, nothing was sent by this process
        for known in (self._made, self._undeployed):
            for target, items in list(known.items()):
                known[target] = {item: at for item, at in items.items() if now - at <= REMEMBERED}
                if not known[target]:
                    del known[target]
        self._made_for = {item: self._made_for[item] for items in self._made.values() for item in items}


def _is_recent(post: SentPost, now: float) -> bool:
    return post.ended_at is not None and now - post.ended_at <= DROPS


def _of(known: Mapping[Target, Mapping[str, float]], targets: Iterable[Target]) -> Iterator[str]:
    """The deployments that are remembered of these versions."""
    return (item for target in targets for item in known.get(target, ()))
