"""CloudFunctions that are gone while NVCF may register a version for them: it is deleted again unless it is claimed.

What the object held by its record and nobody deleted is reported: a user wanted it gone without us. An object that the
API server itself drops although the patch with our finalizer was answered is another matter: what its last POST has
registered is deleted, too.
"""

import logging
from functools import partial

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.report.events import deleted_for_nobody, not_deleted, vanished
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.following import Following, Unproven
from nvcf_operator.reconcile.functions.context import FunctionEnvironment, interest_of
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.function_state import SentRegistration
from nvcf_operator.state.version_writes import Call

log = logging.getLogger(__name__)


class FunctionOrphans:
    """Follows what vanished objects have left under way.

    Args:
        environment: what all stages share.
        metrics: where versions that are left behind are counted.
        pause: seconds between two searches.

    """

    def __init__(self, environment: FunctionEnvironment, metrics: Metrics, *, pause: float) -> None:
        self._environment = environment
        self._clock = environment.clock
        self._metrics = metrics
        self._following: Following[SentRegistration] = Following(
            environment.clock, pause=pause, refused=self._refused, given_up=self._given_up
        )

    def vanished(self, resource: CloudFunction, account: Nvcf | None) -> None:
        """An object is gone, or going, without our having taken our finalizer off."""
        if (token := resource.answered_on_record) is not None:  # the answer to that very write may have been lost
            self._environment.sent.recorded(token)
        posts = self._environment.sent.take(resource.uid, self._clock.monotonic())
        if resource.keeps:
            return  # what was registered stays, and so does what still comes
        for post in posts if account is not None else ():
            assert account is not None, "without one there are no posts"
            log.warning("%s is gone while its registration may still be in progress: it is followed", resource.key)
            what = f"registration of the vanished {resource.key}"
            self._following.follow(post, account, what, partial(self._is_over, post, account))
        followed = {post.answer.version_id for post in posts if account is not None and post.answer is not None}
        if left := [version for version in resource.recorded_ids if version not in followed]:
            self._report(resource, vanished(resource, left))
            self._metrics.left_behind(len(left))

    async def close(self) -> None:
        """End it. What is still followed is reported, for the next process knows nothing of it."""
        await self._following.close(self._lost)

    def _refused(self, post: SentRegistration, words: str) -> None:
        self._report(post.resource, not_deleted(post.resource, words))

    def _given_up(self, post: SentRegistration) -> None:
        self._metrics.left_behind()

    def _lost(self, post: SentRegistration) -> None:
        self._report(post.resource, vanished(post.resource))
        self._metrics.left_behind()

    async def _is_over(self, post: SentRegistration, account: Nvcf) -> bool:
        """Search for it once, and delete what is there; whether nothing of it is left, and nothing can come."""
        running, resource = post.may_run_for(self._clock.monotonic()), post.resource
        listing = await account.fresh_listing(0.0, _caller(post), interest_of(resource))
        if isinstance(listing, Failure):
            raise Unproven(listing)
        shown = listing.registered.shown_to(interest_of(resource))
        found = next((seen for seen in shown if _is_of(post, seen)), None)
        if found is None and post.answer is not None:  # lists may lag behind
            async with account.admitted(_caller(post)) as admission:
                found = await self._read(post, account, post.answer, admission)
        if found is None:
            return running <= 0
        if self._is_claimed(post, found) or await self._is_deployed(post, account, found):
            return True  # somebody has deployed it since
        if await self._delete(post, account, found):
            self._report(resource, deleted_for_nobody(found))
        return True

    def _is_claimed(self, post: SentRegistration, found: VersionSeen) -> bool:
        other = self._environment.claims.claimant(post.resource, found)
        if other is not None:
            log.info("version %s of the vanished %s is claimed by %s now", found.version_id, post.resource.key, other)
        return other is not None

    async def _delete(self, post: SentRegistration, account: Nvcf, found: VersionSeen) -> bool:
        """Delete it, unless it turns out right before the call that somebody has adopted or deployed it meanwhile."""
        request = endpoints.delete_function(function_id=found.function_id, function_version_id=found.version_id)
        target = Target(post.base_url, found.function_id, found.version_id)
        async with account.admitted(_caller(post)) as admission:
            with self._environment.version_writes.writing(target, Call.DELETION):
                seen = await self._read(post, account, found, admission)
                if seen is None or seen.is_deployed or self._is_claimed(post, seen):
                    return False
                await account.send(request, admission)
        return True

    async def _read(
        self, post: SentRegistration, account: Nvcf, made: VersionSeen, admission: Admission
    ) -> VersionSeen | None:
        """What a POST has registered, by a read of it; None where it is gone, or bears the mark no more."""
        request = endpoints.get_function(function_id=made.function_id, function_version_id=made.version_id)
        try:
            found = version_seen((await account.send(request, admission)).details())
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                raise
            return None
        return found if _is_of(post, found) else None

    async def _is_deployed(self, post: SentRegistration, account: Nvcf, found: VersionSeen) -> bool:
        request = endpoints.get_deployment(function_id=found.function_id, function_version_id=found.version_id)
        try:
            await account.call(request, _caller(post))
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                raise
            return False
        return True

    def _report(self, resource: CloudFunction, note: EventNote) -> None:
        self._environment.emit(resource, note)


def _is_of(post: SentRegistration, seen: VersionSeen) -> bool:
    """Whether a version bears the mark of that POST."""
    return seen.mark is not None and (seen.mark.uid, seen.mark.token) == (post.resource.mark_uid, post.token)


def _caller(post: SentRegistration) -> Caller:
    return Caller(Priority.LOW, post.resource.key.namespace)
