"""What this process has sent to NVCF, whatever becomes of the object that it was sent for, or of its status.

A POST may run on in the server long after its answer was lost (facts on NVCF, section 5, race 2), so no other one may
follow it meanwhile, and what it makes has to be found although the object is gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nvcf_operator.core.resource import Resource
from nvcf_operator.state.targets import Target

REMEMBERED = 3600.0
"""Seconds for which ids of deployments are remembered that this process made or undeployed: longer than any pass of the
server's loop that may bring one back."""


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
        self._made: dict[tuple[Target, str], float] = {}
        self._made_for: dict[str, str] = {}
        self._undeploying: dict[Target, str] = {}
        """By version, the deployment that a DELETE was answered for last: never more than there are versions."""
        self._undeployed: dict[tuple[Target, str], float] = {}

    def post(self, target: Target, resource: Resource, token: str, settle: float) -> SentPost:
        """Note a POST, right before it is sent."""
        self._posts.append(post := SentPost(target, token, resource, settle))
        return post

    def answered(self, post: SentPost, deployment_id: str | None, now: float) -> None:
        """Note that NVCF has made the deployment."""
        post.ended_at, post.answered, post.deployment_id = now, True, deployment_id
        if deployment_id is not None:
            self._made[post.target, deployment_id], self._made_for[deployment_id] = now, post.resource.uid

    def failed(self, post: SentPost, now: float, *, maybe_done: bool) -> None:
        """Note that the POST was refused, or that what became of it is not known."""
        post.ended_at = now
        if not maybe_done:
            self._posts.remove(post)

    def recorded(self, token: str) -> None:
        """Note that the status holds what became of a POST."""
        self._posts = [post for post in self._posts if post.token != token or post.ended_at is None]

    def take(self, uid: str, now: float) -> list[SentPost]:
        """The POSTs of an object that is gone: what they make is nobody's. They are not given again."""
        found = [p for p in self._posts if p.resource.uid == uid and (p.answered or p.may_run_for(now) > 0)]
        for post in found:
            if post.answered:
                self._posts.remove(post)
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
            self._undeployed[target, gone] = now

    def made_ids(self, targets: Iterable[Target], uid: str) -> frozenset[str]:
        """Deployments of these versions that POSTs have made for that very object."""
        wanted = set(targets)
        return frozenset(item for target, item in self._made if target in wanted and self._made_for[item] == uid)

    def undeployed_ids(self, targets: Iterable[Target]) -> frozenset[str]:
        """Deployments of these versions that were undeployed and then not shown."""
        wanted = set(targets)
        return frozenset(item for target, item in self._undeployed if target in wanted)

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        self._posts = [post for post in self._posts if post.answered or post.may_run_for(now) > 0]
        for known in (self._made, self._undeployed):
            for item, at in list(known.items()):
                if now - at > REMEMBERED:
                    del known[item]
        self._made_for = {item: self._made_for[item] for _, item in self._made}
