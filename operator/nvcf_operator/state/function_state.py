"""What this process remembers of each CloudFunction, and which registrations it has sent."""

from dataclasses import dataclass, field
from datetime import datetime

from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.core.functions.branches.record import FunctionRecord, first_seen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import VersionSeen
from nvcf_operator.state.managed_state import ManagedLocalState


@dataclass(slots=True)
class FunctionLocalState(ManagedLocalState[CloudFunction, CloudFunctionStatus, FunctionRecord]):
    """One CloudFunction's. Times are this process's monotonic seconds."""

    deletes: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Version by version, its function, and when our last DELETE of it was answered."""
    gone_since: dict[str, float] = field(default_factory=dict)
    """Version by version, since when one on record that is proven to be gone has been so."""
    held_at: dict[str, float] = field(default_factory=dict)
    """Version by version, when a FunctionDeployment was last seen to hold it."""
    first_listed: dict[str, float] = field(default_factory=dict)
    """Version by version, when it was first seen."""

    @staticmethod
    def record_of(status: CloudFunctionStatus) -> FunctionRecord:
        """The record in a status."""
        return FunctionRecord.of(status)

    @staticmethod
    def first_record(resource: CloudFunction, now: datetime) -> FunctionRecord:
        """The record of a resource that this process meets for the first time."""
        return first_seen(resource.status, resource.spec, now)


REMEMBERED = 3600.0
"""Seconds for which the answer to a POST is remembered at most: by then a status holds it."""


@dataclass(slots=True, eq=False)
class SentRegistration:
    """One POST of a version. Times are this process's monotonic seconds."""

    base_url: str
    resource: CloudFunction
    """The object as it was when the POST was sent."""
    token: str
    settle: float
    """Seconds for which the server may work on it after our side of it ended."""
    ended_at: float | None = None
    """When our side of it ended; None while it is under way."""
    answer: VersionSeen | None = None
    """What it registered, as its answer said."""

    def may_run_for(self, now: float) -> float:
        """Seconds for which it may still be running in the server."""
        if self.answer is not None:
            return 0.0
        return self.settle if self.ended_at is None else max(0.0, self.settle - (now - self.ended_at))


class SentRegistrations:
    """POSTs of versions that this process has sent and that no status records yet."""

    def __init__(self) -> None:
        self._posts: list[SentRegistration] = []

    def post(self, post: SentRegistration) -> SentRegistration:
        """Note a POST, right before it is sent."""
        self._posts.append(post)
        return post

    def refused(self, post: SentRegistration) -> None:
        """Forget a POST that certainly registers nothing."""
        self._posts = [item for item in self._posts if item is not post]

    def recorded(self, token: str) -> None:
        """Note that the status holds what became of a POST."""
        self._posts = [post for post in self._posts if post.token != token or post.ended_at is None]

    def take(self, uid: str, now: float) -> list[SentRegistration]:
        """The POSTs of an object that is gone: what they register is nobody's. They are not given again."""
        found = [item for item in self._posts if item.resource.uid == uid]
        self._posts = [item for item in self._posts if item.resource.uid != uid]
        return [item for item in found if item.answer is not None or item.may_run_for(now) > 0]

    def prune(self, now: float) -> None:
        """Drop what can register nothing any more, and answers that are on record by now though nobody has said so."""
        self._posts = [
            post
            for post in self._posts
            if post.may_run_for(now) > 0 or (post.answer is not None and now - (post.ended_at or now) < REMEMBERED)
        ]
