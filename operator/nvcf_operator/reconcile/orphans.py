"""Objects that are gone while NVCF may hold something of theirs: what a POST of ours still makes is undeployed again.

A forced deletion, or a tool that takes our finalizer off, ends an object whenever it likes. What it held and nobody
undeployed is reported, for a user wanted it gone without us. A POST that was under way is another matter: nobody has
seen what it makes, so this process follows it. So is an object that the API server itself drops although the patch with
our finalizer was answered: what its last POST has made is undeployed, too. Only the watch tells such an end from one
that a user has forced, so where a worker hears of the end first, the watch is waited for.

Of an object that retains its deployment everything stays, also what still comes.
"""

import asyncio
import logging
from functools import partial

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.models import Deployment
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.versions import may_need_undeploying, versions_held
from nvcf_operator.core.report import messages
from nvcf_operator.core.report.events import (
    EventNote,
    not_followed,
    not_undeployed,
    undeployed_for_nobody,
    vanished,
)
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.context import Environment
from nvcf_operator.reconcile.following import Following, Unproven
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.state.deployments import SentPost
from nvcf_operator.state.version_writes import Call

WATCHED_WITHIN = 10
"""Seconds within which the watch shows the end of an object that a worker has found to be gone."""

log = logging.getLogger(__name__)


class Orphans:
    """Follows what vanished objects have left under way.

    Args:
        environment: what all stages share.
        metrics: where deployments that are left behind are counted.
        pause: seconds between two reads of a version.
        settle: seconds for which a 404 has to last where NVCF said that it has made the deployment.

    """

    def __init__(self, environment: Environment, metrics: Metrics, *, pause: float, settle: float) -> None:
        self._environment = environment
        self._claims = environment.claims
        self._clock = environment.clock
        self._sent = environment.sent
        self._metrics = metrics
        self._settle = settle
        self._following: Following[SentPost] = Following(
            environment.clock, pause=pause, refused=self._refused, given_up=self._given_up
        )

    def vanished(self, resource: Resource, account: Nvcf | None) -> None:
        """An object is gone, or going, without our having taken our finalizer off."""
        if (token := resource.answered_on_record) is not None:  # the answer to that very write may have been lost
            self._sent.recorded(token)
        if resource.keeps:
            self._sent.take(resource.uid, self._clock.monotonic())
            return
        followed = self._follow_posts(resource, account)
        if may_need_undeploying(resource):
            self._following.start(self._deal_with_rest(resource, account, followed), None)

    async def close(self) -> None:
        """End it. What is still followed is reported, for the next process knows nothing of it."""
        await self._following.close(self._lost)

    def _refused(self, post: SentPost, words: str) -> None:
        self._report(post.resource, not_undeployed(post.resource, post.target.version, words))

    def _given_up(self, post: SentPost) -> None:
        self._metrics.left_behind()

    def _lost(self, post: SentPost) -> None:
        self._report(post.resource, not_followed(post.resource, post.target.version))
        self._metrics.left_behind()

    def _follow_posts(self, resource: Resource, account: Nvcf | None) -> frozenset[str]:
        """Follow the POSTs whose makings are nobody's; give the versions that they are of."""
        posts = self._sent.take(resource.uid, self._clock.monotonic()) if account is not None else []
        for post in posts:
            assert account is not None, "without one there are no posts"
            self._follow(post, account)
        return frozenset(post.target.version for post in posts)

    async def _deal_with_rest(self, resource: Resource, account: Nvcf | None, followed: frozenset[str]) -> None:
        """Follow what was made for an object that the API server has dropped, and report what is left of any other."""
        base_url = account.credential.base_url if account is not None else None
        try:
            await self._watched(resource)
            followed |= self._follow_posts(resource, account)
            left = await self._left(resource, base_url, followed)
        except asyncio.CancelledError:  # the process ends, and the next one knows nothing of the object
            left = await self._left(resource, None, followed)  # waits for nothing
        if left:
            self._report(resource, vanished(resource, left))
            self._metrics.left_behind(len(left))

    async def _left(self, resource: Resource, base_url: str | None, followed: frozenset[str]) -> list[str]:
        """The versions that the object held, and nobody holds now."""
        held = (version for version in versions_held(resource) if version not in followed)
        return [version for version in held if await self._claims.claimant(resource, version, base_url) is None]

    async def _watched(self, resource: Resource) -> None:
        """Wait until the watch has shown that the API server dropped the object, or can be taken not to do so."""
        for _ in range(WATCHED_WITHIN):
            if not self._sent.may_be_dropped(resource.uid, self._clock.monotonic()):
                return
            await asyncio.sleep(1.0)

    def _follow(self, post: SentPost, account: Nvcf) -> None:
        """Watch for what the POST makes, until it cannot come any more, and undeploy it unless somebody claims it."""
        resource, version = post.resource, post.target.version
        watch = _Watch(resource.spec.undeploy.drain_timeout_seconds if resource.spec is not None else 3600)
        log.warning(
            "%s is gone while its POST of version %s may still be in progress: the operator follows it",
            resource.key,
            version,
        )
        what = f"version {version} of the vanished {resource.key}"
        self._following.follow(post, account, what, partial(self._is_claimed_or_over, post, account, watch))

    async def _is_claimed_or_over(self, post: SentPost, account: Nvcf, watch: "_Watch") -> bool:
        return await self._is_claimed(post, account) or await self._is_over(post, account, watch)

    async def _is_claimed(self, post: SentPost, account: Nvcf) -> bool:
        resource, version = post.resource, post.target.version
        other = await self._claims.claimant(resource, version, account.credential.base_url)
        if other is not None:
            log.info("version %s of the vanished %s is claimed by %s now", version, resource.key, other)
        return other is not None

    async def _is_over(self, post: SentPost, account: Nvcf, watch: "_Watch") -> bool:
        """Read it once, and undeploy what is there; whether nothing of it is left, and nothing can come any more."""
        found, now = await self._read(post, account), self._clock.monotonic()
        if found is None:
            settle = 0.0 if post.deployment_id in self._sent.undeployed_ids([post.target]) else self._settle
            absent_for = watch.absent(now)
            return post.may_run_for(now) <= 0 and (absent_for >= settle or not post.answered)
        if post.deployment_id not in (None, found.deployment_id):
            return True  # somebody has deployed the version since
        late = watch.present(now, drains=found.function_status.upper() == "INACTIVE")
        if found.function_status.upper() != "INACTIVE" or late:
            return not await self._undeploy(post, account, found, force=late)
        return False

    async def _read(self, post: SentPost, account: Nvcf) -> Deployment | None:
        """The deployment; None for a 404 that speaks of it, of an account that answers.

        Raises:
            Unproven: the account does not answer, or lists the version as deployed, so the 404 proves nothing.
            NvcfError: the call failed.

        """
        _, function, version = post.target
        request = endpoints.get_deployment(function_id=function, function_version_id=version)
        try:
            found = (await account.call(request, _caller(post))).deployment
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                raise
        else:
            self._environment.presence.saw(post.target, self._clock.monotonic())
            return found
        listing = await account.fresh_listing(0.0, _caller(post))
        if isinstance(listing, Failure):
            raise Unproven(listing)
        now, agrees = self._clock.monotonic(), not listing.shows_deployed(function, version)
        if self._environment.presence.contradicted(post.target, now, agrees=agrees):
            raise Unproven(Failure(Reason.NVCF_UNAVAILABLE, messages.CONTRADICTED, Scope.SERVER))
        self._sent.missed(post.target, now)
        return None

    async def _undeploy(self, post: SentPost, account: Nvcf, found: Deployment, *, force: bool) -> bool:
        """Undeploy it; false if somebody turns out to have claimed or deployed the version right before."""
        _, function, version = post.target
        spec = post.resource.spec
        graceful = (spec is None or spec.undeploy.graceful) and not force and found.function_status.upper() != "ERROR"
        request = endpoints.delete_deployment(function_id=function, function_version_id=version, graceful=graceful)
        read = endpoints.get_deployment(function_id=function, function_version_id=version)
        async with account.admitted(_caller(post)) as admission:
            with self._environment.version_writes.writing(post.target, Call.DEPLOYMENT):
                if await self._is_claimed(post, account):
                    return False
                try:  # the admission may have taken minutes
                    again = (await account.send(read, admission)).deployment
                except nvcf_errors.NotFound as error:
                    if error.unknown_path:
                        raise
                    return True  # the next read proves it
                if again.deployment_id != found.deployment_id:
                    return False
                await account.send(request, admission)
        self._sent.undeploying(post.target, found.deployment_id)
        if not post.answered:
            self._sent.answered(post, found.deployment_id, self._clock.monotonic())
        self._report(post.resource, undeployed_for_nobody(version, found.deployment_id))
        return True

    def _report(self, resource: Resource, note: EventNote) -> None:
        self._environment.cluster.emit(resource, note)
        log.warning("%s: %s: %s", resource.key, note.reason, note.message)


def _caller(post: SentPost) -> Caller:
    return Caller(Priority.LOW, post.resource.key.namespace)


class _Watch:
    """Since when a version is seen to be gone, or to drain."""

    def __init__(self, drain_limit: float) -> None:
        self._drain_limit = drain_limit
        self._absent_since: float | None = None
        self._drains_since: float | None = None

    def absent(self, now: float) -> float:
        """A proven 404; gives for how many seconds it has been so."""
        self._absent_since = now if self._absent_since is None else self._absent_since
        return now - self._absent_since

    def present(self, now: float, *, drains: bool) -> bool:
        """The deployment is there; whether it has been draining for too long."""
        self._absent_since = None
        if not drains:
            self._drains_since = None
            return False
        self._drains_since = now if self._drains_since is None else self._drains_since
        return now - self._drains_since > self._drain_limit
