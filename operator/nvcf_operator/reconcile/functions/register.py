"""Registers a version by POST, and never a second one while the first may still be registered.

The intent goes into the status first, with the token that the version bears in its mark: whatever happens to us, what
the POST registers is found by it.
"""

import logging
import uuid
from collections.abc import Callable
from functools import partial

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.requests import Request
from nvcf_client.responses import FunctionResponse
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.api.function_status import CloudFunctionStatus, Registration
from nvcf_operator.core.functions.model.decision import FunctionDecision, Register
from nvcf_operator.core.functions.model.definition import definition_of
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.record import FunctionRecord
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.rules.pruning import members_of
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.kube.errors import KubeError, NotLeading
from nvcf_operator.reconcile.act.intents import IntentWriter
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.reconcile.functions.secrets import SecretReader, Values
from nvcf_operator.reconcile.ports import Outdated, Vanished, WriteRefused
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.function_state import SentRegistration

log = logging.getLogger(__name__)

REMEMBERED = members_of(FunctionRecord, CloudFunctionStatus)
"""Members of the status that no POST is made without."""


class Registrations:
    """Makes POSTs.

    Args:
        environment: what all stages share.
        secrets: reads the values of the function's secrets.
        unrecorded: the fields that the CRD is known to lack, and that nothing is registered without.

    """

    def __init__(
        self, environment: FunctionEnvironment, secrets: SecretReader, unrecorded: Callable[[], tuple[str, ...]]
    ) -> None:
        self._environment = environment
        self._secrets = secrets
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._sent = environment.sent
        self._intents: IntentWriter[FunctionContext] = IntentWriter(environment, unrecorded, REMEMBERED)

    async def register(
        self, context: FunctionContext, action: Register, asking: FunctionDecision
    ) -> Outcome[FunctionContext]:
        """Write the intent and POST. Rate, places and breaker are passed before, so that the POST follows at once.

        Args:
            context: what is known.
            action: what to register.
            asking: what the status says beside the intent.

        Raises:
            Outdated, Vanished, KubeError, WriteRefused: nothing was sent to NVCF.

        """
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                before, began = context.resource.intent, self._clock.monotonic()
                try:
                    values = await self._secrets.current(context.resource) if context.resource.secret_names else None
                    intent = _intent(context.resource, action, values)
                    request = _request(
                        context.resource, intent, values
                    )  # before the intent: without a request there is none
                    context = await self._intend(context, asking, intent)
                    if context.situation.refused is not None:
                        return Outcome(self._intents.withdrawn(context, before))
                    await self._intents.prove_again(
                        began, partial(self._cluster.prove_current, context.resource, context.local)
                    )
                    found = await self._post(context, intent, request, admission)
                except (Outdated, Vanished, KubeError, WriteRefused):
                    # Nothing was sent, whatever the status says: the answer to a write of it may have been lost.
                    context.local.intends(context.resource, before)
                    raise
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        except nvcf_errors.NvcfError as error:
            return await self._not_registered(context, error, intent)
        self._environment.emit_write(context.resource, action, found)
        answered = intent.model_copy(update={"answered": True})
        return Outcome(context.after(wrote=action, answer=found, answered_intent=answered))

    async def _intend(
        self, context: FunctionContext, asking: FunctionDecision, intent: Registration
    ) -> FunctionContext:
        """Write the intent, which is also the resource's claim of the function or its name."""
        status = report(context.situation, asking).model_copy(update={"intent": intent})
        with self._environment.claims.intending(context.resource, context.nvcf):
            return await self._intents.write(context, status)

    async def _post(
        self,
        context: FunctionContext,
        intent: Registration,
        request: Request[FunctionResponse],
        admission: Admission,
    ) -> VersionSeen:
        resource, local = context.resource, context.local
        settle = context.situation.timing.register_settle
        post = self._sent.post(SentRegistration(context.nvcf.credential.base_url, resource, intent.token, settle))
        maybe_done = True
        try:
            answer = await context.nvcf.send(request, admission)
            found = post.answer = version_seen(answer.details())
        except NotLeading:
            maybe_done = False
            raise
        except nvcf_errors.NvcfError as error:
            maybe_done = error.maybe_done
            raise
        else:
            return found
        finally:
            now = self._clock.monotonic()
            local.last_write_at, local.finalizer_found_at, post.ended_at = now, None, now
            local.intent_seen = (intent.token, now)
            if not maybe_done:
                self._sent.refused(post)

    async def _not_registered(
        self, context: FunctionContext, error: nvcf_errors.NvcfError, intent: Registration
    ) -> Outcome[FunctionContext]:
        """Go on after a POST that failed: the version may be registered all the same."""
        failure = await context.nvcf.registering(error, context.caller)
        log.warning("registration of %s failed: %s", intent.hash, error)
        answered = None if error.maybe_done else intent.model_copy(update={"answered": True})
        unanswered = failure if error.maybe_done else None
        return Outcome(context.after(failure=failure, unanswered=unanswered, answered_intent=answered))


def _intent(resource: CloudFunction, action: Register, values: Values | None) -> Registration:
    return Registration(
        uid=resource.uid,
        hash=action.hash,
        revision=action.revision,
        token=uuid.uuid4().hex[:16],
        function_id=action.function_id,
        secrets=values.sources if values is not None else None,
        secret_names=digest_of_names(values.secrets) if values is not None else None,
    )


def _request(resource: CloudFunction, intent: Registration, values: Values | None) -> Request[FunctionResponse]:
    assert resource.spec is not None, "only what a manifest says is registered"
    mark = Mark.of(resource.uid, intent.hash, intent.token, intent.revision)
    definition = definition_of(resource.spec, mark, values.secrets.values() if values is not None else ())
    fields = {name: getattr(definition, name) for name in definition.model_fields_set}
    given = {name: value for name, value in fields.items() if value is not None}
    if intent.function_id is None:
        return endpoints.create_function(**given)
    return endpoints.create_function_version(function_id=intent.function_id, **given)
