"""Follows POSTs whose objects are gone, until nothing can come of them any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from nvcf_client import errors as nvcf_errors
from nvcf_operator.backoff import short
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.kube.errors import KubeError
from nvcf_operator.reconcile.ports import Nvcf

log = logging.getLogger(__name__)


class AnyPost(Protocol):
    """A POST that this process has sent."""

    @property
    def resource(self) -> AnyResource:
        """The object as it was when the POST was sent."""


PostT = TypeVar("PostT", bound=AnyPost)


class Unproven(Exception):  # noqa: N818  the name says what happened
    """The account does not answer, so that what is not shown proves nothing."""


class Following(Generic[PostT]):
    """The tasks that follow POSTs, one for each.

    Args:
        pause: seconds between two looks at what a POST has made.

    """

    def __init__(self, *, pause: float) -> None:
        self._pause = pause
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
        self.start(self._until_over(account, what, is_over), post)

    async def _until_over(self, account: Nvcf, what: str, is_over: Callable[[], Awaitable[bool]]) -> None:
        failures = 0
        try:
            while True:
                try:
                    if await is_over():
                        return
                    failures = 0
                except (nvcf_errors.NvcfError, LimiterClosed, KubeError, Unproven) as error:
                    failures += 1
                    log.warning("%s: %s", what, error)
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
