"""Requests a deployment by POST, and never a second time while the first one may still be made.

The intent goes into the status first: from then on the POST may be under way, whatever happens to us.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.endpoints.deployments import allocating
from nvcf_client.responses import DeploymentResponse
from nvcf_operator.accounts import calls
from nvcf_operator.api.status import Intent
from nvcf_operator.core.model.decision import Create, Decision
from nvcf_operator.core.model.observed import Present
from nvcf_operator.core.model.resource import answered
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.error_messages import explained
from nvcf_operator.core.rules.pruning import RECORDED
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.kube.errors import KubeError, NotLeading
from nvcf_operator.reconcile.act.advice import Advice
from nvcf_operator.reconcile.act.intents import IntentWriter
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.reconcile.ports import Outdated, Vanished, WriteRefused
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.version_writes import Call

log = logging.getLogger(__name__)


class Creates:
    """Makes POSTs.

    Args:
        environment: what all stages share.
        unrecorded: the fields that the CRD is known to lack, and that no deployment is asked for without.
        advice: compares what is requested with NVCF's catalogue.

    """

    def __init__(self, environment: Environment, unrecorded: Callable[[], tuple[str, ...]], advice: Advice) -> None:
        self._advice = advice
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._sent = environment.sent
        self._presence = environment.presence
        self._claims = environment.claims
        self._version_writes = environment.version_writes
        self._intents: IntentWriter[Context] = IntentWriter(environment, unrecorded, RECORDED)

    async def create(self, context: Context, action: Create, asking: Decision) -> Outcome[Context]:
        """Write the intent and POST. Rate, places and breaker are passed before, so that the POST follows at once.

        Raises:
            Outdated, Vanished, KubeError, VersionBusy, WriteRefused: nothing was sent to NVCF.

        """
        version, local = action.function_version_id, context.local
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                with self._version_writes.writing(context.target(version), Call.DEPLOYMENT):
                    before, began = context.resource.intent, self._clock.monotonic()
                    try:
                        context, intent = await self._intend(context, action, asking)
                        if context.situation.refused is not None:
                            return Outcome(self._intents.withdrawn(context, before))
                        other = await self._intents.prove_again(
                            began, partial(self._proven_again, context, version, admission)
                        )
                        if other is not None:
                            return Outcome(self._intents.withdrawn(other, before))
                        self._advice.before_post(context, action)
                        answer = await self._post(context, action, intent, admission)
                    except (Outdated, Vanished, KubeError, WriteRefused):
                        # Nothing was sent, whatever the status says: the answer to a write of it may have been lost.
                        local.intends(context.resource, before)
                        raise
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        except nvcf_errors.NvcfError as error:
            return await self._not_created(context, action, error, intent)
        local.last_get_at = self._clock.monotonic()
        self._presence.saw(context.target(version), self._clock.monotonic())
        self._environment.emit_write(context.resource, action, answer.deployment.deployment_id)
        found = Present(answer.deployment)
        context = context.observed(version, found, wrote=action, answered_intent=answered(intent, answer.deployment))
        return Outcome(context)

    async def _intend(self, context: Context, action: Create, asking: Decision) -> tuple[Context, Intent]:
        """Write the intent, which is also the resource's claim of the version.

        Another resource that appeared since the decision may hold it by now, or be about to.

        Raises:
            Outdated, Vanished, KubeError, WriteRefused: as `IntentWriter.write`.

        """
        target = context.target(action.function_version_id)
        await self._claims.ensure_unclaimed(context.resource, target)
        intent = Intent(
            uid=context.resource.uid,
            function_version_id=action.function_version_id,
            token=uuid.uuid4().hex[:16],
            specifications=allocating(action.specifications),
        )
        status = report(context.situation, asking).model_copy(update={"intent": intent})
        with self._claims.intending(target):
            return await self._intents.write(context, status), intent

    async def _proven_again(self, context: Context, version: str, admission: Admission) -> Context | None:
        """Prove again that nothing is deployed and that the manifest is the same; give what was found in its place.

        Raises:
            Outdated: the resource has changed.
            Vanished: it is gone.

        """
        account = context.nvcf
        request = endpoints.get_deployment(function_id=context.resource.function_id, function_version_id=version)
        try:
            answer = await account.send(request, admission)
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return context.after(failure=account.reading(error))
        except nvcf_errors.NvcfError as error:
            return context.after(failure=account.reading(error))
        else:
            self._presence.saw(context.target(version), self._clock.monotonic())
            return context.observed(version, Present(answer.deployment))
        await self._cluster.prove_current(context.resource, context.local)
        return None

    async def _post(self, context: Context, action: Create, intent: Intent, admission: Admission) -> DeploymentResponse:
        resource, local, version = context.resource, context.local, action.function_version_id
        request = endpoints.create_deployment(
            function_id=resource.function_id,
            function_version_id=version,
            deployment_specifications=action.specifications,
        )
        settle = context.situation.timing.create_settle_of(intent.specifications)
        post = self._sent.post(context.target(version), resource, intent.token, settle)
        maybe_done = True
        try:
            answer = await context.nvcf.send(request, admission)
        except NotLeading:
            maybe_done = False
            raise
        except nvcf_errors.NvcfError as error:
            maybe_done = error.maybe_done
            self._environment.doubt_deployment(context, version, error, settle)
            raise
        else:
            self._sent.answered(post, answer.deployment.deployment_id, self._clock.monotonic())
            return answer
        finally:
            now = self._clock.monotonic()
            local.last_write_at, local.finalizer_found_at = now, None
            local.intent_seen = (intent.token, now)
            if not post.answered:
                self._sent.failed(post, now, maybe_done=maybe_done)

    async def _not_created(
        self, context: Context, action: Create, error: nvcf_errors.NvcfError, intent: Intent
    ) -> Outcome[Context]:
        """Go on from what is there: the POST may have been made all the same, or another one before it."""
        spec, account = context.resource.spec, context.nvcf
        if isinstance(error, nvcf_errors.Forbidden):
            failure = await account.forbidden(error, context.caller)
        else:
            wanted = spec.deployment_specifications if spec is not None else ()
            failure = account.writing(error)
            advice = await self._advice.after_refusal(context, action, error)
            failure = replace(failure, message=explained(failure.message, error, wanted) + advice)
        version = action.function_version_id
        log.warning("POST of version %s failed: %s", version, error)
        context = context.after(
            failure=failure,
            unanswered=failure if error.maybe_done else None,
            answered_intent=None if error.maybe_done else answered(intent),
        )
        return Outcome(context, read_again=version)
