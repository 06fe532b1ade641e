"""Carries out the one write that a decision asks for, and says in the situation what came of it."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.endpoints.deployments import allocating
from nvcf_operator.api import names
from nvcf_operator.api.status import Intent
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.actions import Action, Change, Create, DropFinalizer, Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.decide import asking
from nvcf_operator.core.diff.changes import Patch, expected_after, raises_minimum
from nvcf_operator.core.hints import explained
from nvcf_operator.core.ownership import lost_deployment
from nvcf_operator.core.pruning import makes_way, not_kept
from nvcf_operator.core.report import report
from nvcf_operator.core.resource import Resource, answered
from nvcf_operator.core.situation import Failure, Present, Scope, Situation
from nvcf_operator.core.transitions import EventNote, lost_from_sight, of_write, released
from nvcf_operator.core.versions import without
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import KubeError, Missing, NotLeading, Unavailable
from nvcf_operator.kube.events import Recorder
from nvcf_operator.kube.status import merge_patch
from nvcf_operator.runtime.account import Account, limiter_failure, urgent_for
from nvcf_operator.runtime.cache import Cache
from nvcf_operator.runtime.local_state import LocalState, PresenceHistory, Target
from nvcf_operator.runtime.observer import Observer
from nvcf_operator.runtime.refusals import (
    DROP_FINALIZER,
    INTENT,
    TAKE_FINALIZER,
    TAKEN_OFF,
    NotKept,
    WriteRefused,
    is_reported,
    may_be_refusal,
)
from nvcf_operator.runtime.sent import Sent

log = logging.getLogger(__name__)

INTENT_MAX_AGE = 5.0
"""Seconds within which the POST must follow its intent; after a longer pause the state is proven again first."""

PROOFS = 3
"""Times that it is proven for one POST, on a cluster so slow that each proof takes longer than that."""


class Outdated(Exception):  # noqa: N818  the name says what happened
    """The resource is not what the decision was made on: read it again and decide anew. Nothing was written to NVCF."""


class Vanished(Exception):  # noqa: N818  the name says what happened
    """The API server does not have the object any more, or another one of its name. Nothing was written to NVCF."""


class Actuator:
    """Writes to the cluster and to NVCF."""

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        recorder: Recorder,
        observer: Observer,
        observations: PresenceHistory,
        sent: Sent,
        steady: SteadyClock,
        *,
        redeploy_settle: float,
        unrecorded: Callable[[], tuple[str, ...]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._recorder = recorder
        self._observer = observer
        self._presence_history = observations
        self._sent = sent
        self._steady = steady
        self._redeploy_settle = redeploy_settle
        self._unrecorded = unrecorded
        """Fields that the CRD is known to lack, and that no deployment is asked for without."""
        self._clock = clock
        self._pruned = False
        """The last intent was not kept."""
        self._intending: set[Target] = set()
        """Function and version of the intents that are being written."""

    async def carry_out(
        self, situation: Situation, action: Action, account: Account | None, local: LocalState, caller: Caller
    ) -> Situation:
        """Make the write and give the situation after it, or with what the API server refused of it.

        Raises:
            Outdated: the resource has changed; nothing was written to NVCF.
            Vanished: it is gone; nothing was written to NVCF.
            KubeError: the cluster could not be written; nothing was written to NVCF.

        """
        try:
            return await self._carry_out(situation, action, account, local, caller)
        except WriteRefused as refused:
            log.warning("%s", refused)
            return replace(situation, refused=str(refused))

    async def _carry_out(
        self, situation: Situation, action: Action, account: Account | None, local: LocalState, caller: Caller
    ) -> Situation:
        if isinstance(action, TakeFinalizer):
            finalizers = (*situation.resource.finalizers, names.FINALIZER)
            obj = await self._set_finalizers(situation.resource, local, finalizers)
            self._tell(situation.resource, action, None)
            return replace(situation, resource=self._read(situation, local, obj))
        if isinstance(action, DropFinalizer):
            return await self._release(situation, action, local)
        assert account is not None, "a write to NVCF is decided on only with an account"
        if isinstance(action, Undeploy) and makes_way(situation, action) and (fields := self._unrecorded()):
            raise NotKept(fields)  # what serves is not taken down for what could not be asked for afterwards
        caller = urgent_for(account, situation.resource, caller)
        if isinstance(action, Create):
            return await self._create(situation, action, account, local, caller)
        await self._prove_current(situation.resource, local)
        try:
            async with account.admitted(caller) as admission:
                if isinstance(action, Undeploy):
                    return await self._undeploy(situation, action, account, local, admission, caller)
                return await self._change(situation, action, account, local, admission, caller)
        except LimiterClosed as closed:
            return replace(situation, failure=limiter_failure(closed))
        finally:
            local.last_write_at = self._clock()

    async def _create(
        self, situation: Situation, action: Create, account: Account, local: LocalState, caller: Caller
    ) -> Situation:
        """Write the intent and POST. Rate, places and breaker are passed before, so that the POST follows at once."""
        version = action.function_version_id
        try:
            async with account.admitted(caller) as admission:
                before, began = situation.resource.intent, self._clock()
                try:
                    situation, intent = await self._intend(situation, action, account, local)
                    if situation.refused is not None:
                        return self._not_sent(situation, local, before)
                    other = await self._proven_again(situation, version, account, local, admission, began)
                    if other is not None:
                        return self._not_sent(other, local, before)
                    answer = await self._post(situation, action, intent, account, local, admission)
                except (Outdated, Vanished, KubeError, WriteRefused):
                    # Nothing was sent, whatever the status says: the answer to a write of it may have been lost.
                    local.intends(situation.resource, before)
                    raise
        except LimiterClosed as closed:
            return replace(situation, failure=limiter_failure(closed))
        except nvcf_errors.NvcfError as error:
            return await self._not_created(situation, error, intent, account, local, version, caller)
        local.last_get_at = self._clock()
        self._presence_history.saw(self._observer.target(account, situation.resource, version), self._clock())
        self._tell(situation.resource, action, answer.deployment.deployment_id)
        return replace(
            self._observer.remember(situation, account, local),
            observations={**situation.observations, version: Present(answer.deployment)},
            wrote=action,
            answered_intent=answered(intent, answer.deployment),
        )

    async def _intend(
        self, situation: Situation, action: Create, account: Account, local: LocalState
    ) -> tuple[Situation, Intent]:
        """Write the intent into the status: from here on a POST may be under way.

        The intent is also the resource's claim of the version. Another one that appeared since the decision may hold it
        by now, or be about to. Where the API server has not kept all that must be on record, the situation says so.

        Raises:
            NotKept: it would not keep it, and nothing was written.

        """
        resource, version = situation.resource, action.function_version_id
        target = self._observer.target(account, resource, version)
        await self._ensure_nobody_else(resource, version, account, target)
        intent = Intent(
            uid=resource.uid,
            function_version_id=version,
            token=uuid.uuid4().hex[:16],
            specifications=allocating(action.specifications),
        )
        status = report(situation, asking(situation, action)).model_copy(update={"intent": intent})
        wanted = status.to_dict()
        patch = merge_patch(resource.recorded, wanted)
        assert patch is not None, "the token is new"
        self._intending.add(target)
        try:
            if self._pruned or self._unrecorded():  # so that a try in vain changes nothing
                await self._try_intent(resource, patch, wanted, local)
            obj = await self._patch_intent(resource, patch, local)
        finally:
            self._intending.discard(target)
        self._cache.put(obj)
        local.proven = True
        local.decided(resource, status)
        fields = not_kept(wanted, obj.get("status") or {})
        self._pruned = bool(fields)
        refused = str(NotKept(fields)) if fields else None
        if refused is not None:
            log.warning("%s", refused)
        return replace(situation, resource=self._read(situation, local, obj), refused=refused), intent

    async def _try_intent(
        self, resource: Resource, patch: dict[str, Any], wanted: dict[str, Any], local: LocalState
    ) -> None:
        """Have the API server show what it would keep of an intent.

        Raises:
            NotKept: not all that must be on record.

        """
        try:
            shown = await self._patch_intent(resource, patch, local, trial=True)
        except WriteRefused as refused:
            if "dry run" in str(refused):
                return  # a webhook that does not support one says nothing about the real write
            raise
        if fields := not_kept(wanted, shown.get("status") or {}):
            raise NotKept(fields)

    async def _patch_intent(
        self, resource: Resource, patch: dict[str, Any], local: LocalState, **trial: bool
    ) -> dict[str, Any]:
        try:
            return await self._kube.patch_status(
                resource.key,
                uid=resource.uid,
                resource_version=resource.resource_version,
                status=patch,
                kind="intent",
                **trial,
            )
        except KubeError as error:
            await self._judge(error, INTENT, resource, local)
            raise

    async def _ensure_nobody_else(self, resource: Resource, version: str, account: Account, target: Target) -> None:
        """Look right before a write whether another resource holds the version by now, or is about to.

        Raises:
            Outdated: so it is.

        """
        holder = await self._observer.holder(resource, version, account.credential.base_url)
        if holder is not None or target in self._intending:
            raise Outdated(f"another resource has to do with version {version}")

    async def _proven_again(
        self,
        situation: Situation,
        version: str,
        account: Account,
        local: LocalState,
        admission: Admission,
        began: float,
    ) -> Situation | None:
        """Where the intent took long, as by a slow admission webhook: look again at what it was decided on.

        None if nothing has changed; the situation where NVCF shows something else by now.

        Raises:
            Outdated: the resource has changed, or each look takes too long as well.
            NvcfError: NVCF did not answer.

        """
        resource = situation.resource
        request = endpoints.get_deployment(function_id=resource.function_id, function_version_id=version)
        for _ in range(PROOFS):
            if self._clock() - began <= INTENT_MAX_AGE:
                return None
            began = self._clock()
            try:
                answer = await account.send(request, admission)
            except nvcf_errors.NotFound as error:
                if error.unknown_path:
                    return replace(situation, failure=account.reading(error))
            except nvcf_errors.NvcfError as error:
                return replace(situation, failure=account.reading(error))
            else:
                self._presence_history.saw(self._observer.target(account, resource, version), self._clock())
                seen = {**situation.observations, version: Present(answer.deployment)}
                return replace(situation, observations=seen)
            await self._prove_current(resource, local)
        raise Outdated("the cluster takes longer to answer than a proof stays valid")

    async def _post(
        self,
        situation: Situation,
        action: Create,
        intent: Intent,
        account: Account,
        local: LocalState,
        admission: Admission,
    ) -> Any:
        resource, version = situation.resource, action.function_version_id
        request = endpoints.create_deployment(
            function_id=resource.function_id,
            function_version_id=version,
            deployment_specifications=action.specifications,
        )
        target = self._observer.target(account, resource, version)
        settle = situation.timing.create_settle_of(intent.specifications)
        post = self._sent.post(target, resource, intent.token, settle)
        maybe_done = True
        try:
            answer = await account.send(request, admission)
        except NotLeading:
            maybe_done = False
            raise
        except nvcf_errors.NvcfError as error:
            maybe_done = error.maybe_done
            raise
        else:
            self._sent.answered(post, answer.deployment.deployment_id, self._clock())
            return answer
        finally:
            now = self._clock()
            local.last_write_at, local.finalizer_found_at = now, None
            local.intent_seen = (intent.token, now)
            if not post.answered:
                self._sent.failed(post, now, maybe_done=maybe_done)

    def _not_sent(self, situation: Situation, local: LocalState, before: Intent | None) -> Situation:
        """Have the status say again what it said before the intent, since no POST followed it."""
        resource = situation.resource
        local.intends(resource, before)
        status = resource.status.model_copy(update={"intent": before})
        return replace(situation, resource=replace(resource, status=status))

    async def _not_created(
        self,
        situation: Situation,
        error: nvcf_errors.NvcfError,
        intent: Intent,
        account: Account,
        local: LocalState,
        version: str,
        caller: Caller,
    ) -> Situation:
        """Go on from what is there: the POST may have been made all the same, or another one before it."""
        spec = situation.resource.spec
        failure = explained(account.writing(error), error, spec.deployment_specifications if spec is not None else ())
        if isinstance(error, nvcf_errors.Forbidden):
            failure = await account.forbidden(error, caller)
        log.warning("POST of version %s failed: %s", version, error)
        situation = replace(
            situation,
            failure=failure,
            unanswered=failure if error.maybe_done else None,
            answered_intent=None if error.maybe_done else answered(intent),
        )
        return await self._observer.observe_again(situation, account, local, version, caller)

    async def _change(
        self,
        situation: Situation,
        action: Change,
        account: Account,
        local: LocalState,
        admission: Admission,
        caller: Caller,
    ) -> Situation:
        resource, version, change = situation.resource, action.function_version_id, action.change
        seen = situation.observation(version)
        assert isinstance(seen, Present), "a change is decided on only over a deployment just read"
        found = tuple(seen.deployment.deployment_specifications)
        try:
            if isinstance(change, Patch):
                request = endpoints.update_gpu_specification(
                    deployment_id=seen.deployment.deployment_id or "",
                    gpu_specification_id=change.gpu_specification_id,
                    **change.arguments(),
                )
                await account.send(request, admission)
            else:
                await account.send(
                    endpoints.update_deployment(
                        function_id=resource.function_id,
                        function_version_id=version,
                        deployment_specifications=change.specifications,
                    ),
                    admission,
                )
        except nvcf_errors.NvcfError as error:
            return await self._not_changed(situation, action, account, error, caller)
        after = expected_after(change, found)
        local.verify_at = self._clock() + self._redeploy_settle
        local.raised_minimum = local.raised_minimum or raises_minimum(change, found)
        self._tell(resource, action, seen.deployment.deployment_id)
        deployment = seen.deployment.model_copy(update={"deployment_specifications": after})
        situation = replace(
            situation, observations={**situation.observations, version: Present(deployment)}, wrote=action
        )
        return self._observer.remember(situation, account, local)

    async def _not_changed(
        self, situation: Situation, action: Change, account: Account, error: nvcf_errors.NvcfError, caller: Caller
    ) -> Situation:
        log.warning("change of version %s failed: %s", action.function_version_id, error)
        missing = isinstance(error, nvcf_errors.NotFound | nvcf_errors.MethodNotAllowed)
        unknown = isinstance(error, nvcf_errors.MethodNotAllowed) or getattr(error, "unknown_path", False)
        if unknown and not isinstance(action.change, Patch) and error.formed:
            # In NVCF's own words only: what a PUT would change may be redeployed from here on. Such servers have PATCH.
            account.put_supported, account.patch_supported = False, True
            raise Outdated("this server has no PUT")
        if missing and isinstance(action.change, Patch):
            if unknown and (account.put_supported or error.formed):  # never without both by a word that is not NVCF's
                account.patch_supported = False
                raise Outdated("this server has no PATCH")
            # The deployment that was read a moment ago is another one by now.
            failure = account.writing(error)
            return replace(situation, failure=Failure(failure.reason, failure.message, Scope.SERVER))
        if isinstance(error, nvcf_errors.Forbidden):
            return replace(situation, failure=await account.forbidden(error, caller))
        return replace(situation, failure=account.writing(error))

    async def _undeploy(
        self,
        situation: Situation,
        action: Undeploy,
        account: Account,
        local: LocalState,
        admission: Admission,
        caller: Caller,
    ) -> Situation:
        resource, version = situation.resource, action.function_version_id
        target = self._observer.target(account, resource, version)
        await self._ensure_nobody_else(resource, version, account, target)
        try:
            await account.send(
                endpoints.delete_deployment(
                    function_id=resource.function_id, function_version_id=version, graceful=action.graceful
                ),
                admission,
            )
        except nvcf_errors.NotFound:
            log.info("version %s was gone before it was undeployed", version)
        except nvcf_errors.NvcfError as error:
            log.warning("DELETE of version %s failed: %s", version, error)
            failure = account.writing(error)
            if isinstance(error, nvcf_errors.Forbidden):
                failure = await account.forbidden(error, caller)
            return replace(situation, failure=failure)
        self._presence_history.saw(target, self._clock())
        self._sent.undeploying(target, action.deployment_id)
        local.undeploys[version] = self._clock()
        seen = situation.observation(version)
        if action.purpose == Purpose.STALE and isinstance(seen, Present):
            self._note(resource, lost_from_sight(lost_deployment(situation, version, seen), action.deployment_id))
        self._tell(resource, action, None)
        return replace(situation, wrote=action)

    async def _release(self, situation: Situation, action: DropFinalizer, local: LocalState) -> Situation:
        resource = situation.resource
        left = tuple(name for name in resource.finalizers if name != names.FINALIZER)
        local.released = resource.deleting
        try:
            after = self._read(situation, local, await self._set_finalizers(resource, local, left))
        except (Missing, Vanished):
            after = resource
        except Unavailable:
            raise  # the finalizer may be off: the object's end is then no loss to report
        except BaseException:
            local.released = False  # nothing was written: whoever ends the object now leaves something behind
            raise
        if resource.deleting and not left:
            self._cache.drop(resource.key, resource.uid)  # the watch may have told its end before this answer came
        if not resource.force_delete and (note := released(situation)) is not None:
            self._note(resource, note)
        self._tell(resource, action, None)
        return replace(situation, resource=after, wrote=action)

    async def _prove_current(self, resource: Resource, local: LocalState) -> None:
        """Read the resource itself before NVCF is changed, so that a stale list never undoes a person's edit."""
        if await self._reread(resource, local) != resource.resource_version:
            raise Outdated("the resource has changed")

    async def _reread(self, resource: Resource, local: LocalState) -> str:
        """Take in the object as the API server has it, and give its version.

        Raises:
            Vanished: it is gone.

        """
        obj = await self._kube.get_resource(resource.key)
        if obj is None or obj["metadata"].get("uid") != resource.uid:
            raise Vanished("the resource is gone")
        self._cache.put(obj)
        version: str = obj["metadata"]["resourceVersion"]
        if version != resource.resource_version:
            local.found_current()
        local.proven = True
        return version

    async def _set_finalizers(
        self, resource: Resource, local: LocalState, finalizers: tuple[str, ...]
    ) -> dict[str, Any]:
        try:
            obj = await self._kube.patch_metadata(
                resource.key, uid=resource.uid, resource_version=resource.resource_version, finalizers=finalizers
            )
        except KubeError as error:
            what = TAKE_FINALIZER if names.FINALIZER in finalizers else DROP_FINALIZER
            await self._judge(error, what, resource, local)
            raise
        self._cache.put(obj)
        local.proven = True
        wanted, found = names.FINALIZER in finalizers, names.FINALIZER in (obj["metadata"].get("finalizers") or ())
        if wanted and not found:
            raise WriteRefused(TAKE_FINALIZER, KubeError(TAKEN_OFF))
        return obj

    async def _judge(self, error: KubeError, what: str, resource: Resource, local: LocalState) -> None:
        """See by the object itself whether a write of ours came too late, or is refused.

        Returns only where it is neither, or where the refusal may pass at once.

        Raises:
            Outdated: the object has changed.
            Vanished: it is gone.
            WriteRefused: it is the one that was read, and the API server does not take what was to be written.

        """
        if not may_be_refusal(error):
            return
        if await self._reread(resource, local) != resource.resource_version:
            raise Outdated(str(error)) from None
        if is_reported(error, local.attempts):
            raise WriteRefused(what, error) from None

    def _read(self, situation: Situation, local: LocalState, obj: dict[str, Any]) -> Resource:
        """The resource after a write, as this process knows it, and as the claims of others have left it."""
        return without(local.view(Resource.read(obj), self._steady), frozenset(situation.holders))

    def _tell(self, resource: Resource, action: Action, deployment_id: str | None) -> None:
        note = of_write(resource, action, deployment_id)
        if note is not None:
            self._note(resource, note)

    def _note(self, resource: Resource, note: EventNote) -> None:
        self._recorder.note(resource, note)
        log.log(logging.WARNING if note.warning else logging.INFO, "%s: %s", note.reason, note.message)
