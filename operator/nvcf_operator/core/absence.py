"""The wanted version is not deployed: prove it, settle, then create.

A 404 of GET is "not deployed", "no such version", "not in this key's account", "not yet" or a dependency's own 404
(facts on NVCF, sections 2, 3 and 5). It leads to a POST only past all of the checks below, in their order.
"""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.spec import DeletionPolicy
from nvcf_operator.core import compare, messages, verdicts
from nvcf_operator.core.actions import Create
from nvcf_operator.core.decision import Decision, act
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.repetition import not_converging
from nvcf_operator.core.situation import Absent, FunctionSeen, Proof, Situation, Trouble, Whose
from nvcf_operator.core.waiting import refused, retry_due_in, waiting


def absent(situation: Situation, nothing: Absent) -> Decision:
    """Decide on a version that GET does not find."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    if doubt := unproven(situation):
        return doubt
    if (wait := create_settle_left(situation, nothing)) > 0:
        return Decision(
            verdict=verdicts.progressing(
                Phase.DEPLOYING, Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER, available=False
            ),
            requeue=min(wait, situation.timing.busy_poll),
            seen=True,
        )
    gone = (
        ("deployment",) if resource.in_order and resource.status.function_version_id == spec.function_version_id else ()
    )
    if (wait := redeploy_settle_left(situation, nothing)) > 0:
        return Decision(
            verdict=verdicts.progressing(
                Phase.PENDING, Reason.SETTLING, messages.settling(situation.timing.redeploy_settle), available=False
            ),
            requeue=min(wait, situation.timing.busy_poll),
            drift=gone,
            seen=True,
        )
    if situation.function == FunctionSeen.NOT_FOUND:
        return refused(situation, Trouble(Reason.FUNCTION_NOT_FOUND, messages.no_function(spec), Whose.RESOURCE))
    if situation.function == FunctionSeen.PUBLIC:
        return refused(situation, Trouble(Reason.PUBLIC_FUNCTION, messages.public_function(spec), Whose.RESOURCE))
    if situation.failure is not None:
        return waiting(situation, situation.failure, at_work=True)
    if (wait := retry_due_in(situation)) > 0:
        return Decision(requeue=wait, seen=True)
    body = compare.create_body(spec.deployment_specifications)
    action = Create(
        function_version_id=spec.function_version_id,
        specifications=body,
        take_finalizer=spec.deletion_policy == DeletionPolicy.DELETE,
    )
    return not_converging(situation, action) or act(action, drift=gone)


def unproven(situation: Situation) -> Decision | None:
    """Refuse to believe a 404 of a key that is not shown to belong to the account on record."""
    view = situation.account
    if view is None:
        return waiting(situation, Trouble(Reason.NVCF_UNAVAILABLE, messages.NO_LIST, Whose.SERVER))
    recorded = situation.resource.status.account_id or ""
    if view.proof == Proof.MISMATCH:
        message = messages.account_mismatch(recorded, view.account_id or "")
        return Decision(verdict=verdicts.stalled(Reason.ACCOUNT_MISMATCH, message), requeue=situation.timing.poll)
    if view.proof == Proof.UNPROVEN:
        message = messages.account_unproven(recorded)
        return Decision(verdict=verdicts.stalled(Reason.ACCOUNT_UNPROVEN, message), requeue=situation.timing.poll)
    return None


def create_settle_left(situation: Situation, nothing: Absent) -> float:
    """Seconds for which the POST of an open intent may still be running in the server (race 2 of the facts)."""
    if situation.open_intent is None:
        return 0.0
    seen = min(nothing.absent_for, situation.memory.intent_settled_for)
    return max(0.0, situation.timing.create_settle - seen)


def redeploy_settle_left(situation: Situation, nothing: Absent) -> float:
    """Seconds for which the row of an earlier deployment may still come back or overwrite a new one (races 4, 5)."""
    if not deployed_before(situation):
        return 0.0
    return max(0.0, situation.timing.redeploy_settle - nothing.absent_for)


def deployed_before(situation: Situation) -> bool:
    """Whether status, an intent, or this process knows of an earlier deployment of the wanted version.

    With the status lost, an intent of the version says that there may have been one.
    """
    resource = situation.resource
    version, status, intent = resource.wanted_version, resource.status, resource.intent
    held = resource.holds and status.function_version_id == version
    retiring = any(item.function_version_id == version for item in status.retiring)
    lost = intent is not None and intent.function_version_id == version and status.observed_generation < 0
    return held or retiring or lost or situation.memory.version_seen_lately
