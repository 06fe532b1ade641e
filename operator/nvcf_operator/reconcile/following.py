"""Follows POSTs whose objects are gone, until nothing can come of them any more.

An outage does not end that, since something may run and cost money. A key that is not allowed to undo what its POST
has made does: only a user can help then, who has to hear of it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from nvcf_client import errors as nvcf_errors
from nvcf_operator.backoff import short
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.kube.errors import KubeError
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.state.version_writes import VersionBusy

log = logging.getLogger(__name__)


REPORTED_AFTER = 60.0
"""Seconds of refusals without a success after which they are reported, once."""

GIVES_UP_AFTER = 3600.0
"""Seconds of refusals without a success after which a POST is not followed any longer."""


class AnyPost(Protocol):
    """A POST that this process has sent."""

    @property
    def resource(self) -> AnyResource:
        """The object as it was when the POST was sent."""


PostT = TypeVar("PostT", bound=AnyPost)


class Unproven(Exception):  # noqa: N818  the name says what happened
    """The account does not answer, so that what is not shown proves nothing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.refused = failure.scope == Scope.CREDENTIAL
        """Whether that is because of the key."""


class Following(Generic[PostT]):
    """The tasks that follow POSTs, one for each.

    Args:
        clock: the operator's.
        pause: seconds between two reads of what a POST has made.
        refused: reports that the key is not allowed to undo what a POST has made, and what NVCF says.
        given_up: reports that the POST is not followed any longer because of that.

    """

    def __init__(
        self,
        clock: Clock,
        *,
        pause: float,
        refused: Callable[[PostT, str], None],
        given_up: Callable[[PostT], None],
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._refused = refused
        self._given_up = given_up
        self._tasks: dict[asyncio.Task[None], PostT | None] = {}

    def start(self, work: Coroutine[Any, Any, None], post: PostT | None) -> None:
        """Run work on a POST, or on none, beside all else."""
        task = asyncio.create_task(work, name=f"orphan {post.resource.key if post else ''}")
        self._tasks[task] = post
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def follow(self, post: PostT, account: Nvcf, what: str, is_over: Callable[[], Awaitable[bool]]) -> None:
        """Follow a POST until it is over, with growing pauses while that cannot be told.

        Args:
            post: the POST.
            account: it was sent by; it stays open meanwhile.
            what: is followed, for the log.
            is_over: whether nothing is left of the POST, and nothing can come of it.

        """
        account.followed += 1
        self.start(self._until_over(post, account, what, is_over), post)

    async def _until_over(self, post: PostT, account: Nvcf, what: str, is_over: Callable[[], Awaitable[bool]]) -> None:
        failures, refusals = 0, _Refusals(self._clock)
        try:
            while True:
                try:
                    if await is_over():
                        return
                    failures, refusals = 0, _Refusals(self._clock)
                except (nvcf_errors.NvcfError, LimiterClosed, KubeError, Unproven, VersionBusy) as error:
                    failures += 1
                    log.warning("%s: %s", what, error)
                    if refusals.are_news(error):
                        self._refused(post, str(error))
                    if refusals.last_for() >= GIVES_UP_AFTER:
                        log.warning("%s: the operator gives up, because the key is not allowed to undo it", what)
                        self._given_up(post)
                        return
                await asyncio.sleep(max(self._pause, short(failures)) if failures else self._pause)
        finally:
            account.followed -= 1

    async def close(self, lost: Callable[[PostT], None]) -> None:
        """End all of it; `lost` is called with each POST that was still followed."""
        for task, post in tuple(self._tasks.items()):
            if post is not None:
                lost(post)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Refusals:
    """Refusals of a key, without a success in between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None
        self._reported = False

    def are_news(self, error: Exception) -> bool:
        """Take in a failure; whether the refusals are to be reported now."""
        if self._since is None and _is_refusal(error):
            self._since = self._clock.monotonic()
        if self._reported or self.last_for() < REPORTED_AFTER:
            return False
        self._reported = True
        return True

    def last_for(self) -> float:
        """Seconds since the first one; 0 without any."""
        return self._clock.monotonic() - self._since if self._since is not None else 0.0


def _is_refusal(error: Exception) -> bool:
    refused = isinstance(error, nvcf_errors.Forbidden | nvcf_errors.Unauthorized)
    return refused or (isinstance(error, Unproven) and error.refused)
