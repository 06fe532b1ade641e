"""What to do about one CloudFunction: the table of situations, read from top to bottom.

`decide` is pure. The loop observes, calls it, makes the write it asks for, adds what came of that to the situation and
calls it again: what the second call says is what status reports.
"""

from dataclasses import replace

from nvcf_operator.api.common import DeletionPolicy
from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.core.functions.branches.adoption import contradicted
from nvcf_operator.core.functions.branches.collecting import collected
from nvcf_operator.core.functions.branches.deletion import deletion
from nvcf_operator.core.functions.branches.in_place import in_place, updating
from nvcf_operator.core.functions.branches.record import recorded
from nvcf_operator.core.functions.branches.registering import as_wanted, search_left
from nvcf_operator.core.functions.branches.secrets import without_secrets
from nvcf_operator.core.functions.branches.waiting import SLOW, waiting, write_refused
from nvcf_operator.core.functions.model.decision import (
    FunctionDecision,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
    write,
)
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import function_is_empty, function_of, is_gone, matching, missing
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions
from nvcf_operator.core.report.messages import invalid_spec
from nvcf_operator.core.rules.ownership import doubted


def decide(situation: FunctionSituation) -> FunctionDecision:
    """Decide on a resource. Total: every situation has an answer, and none of them is a guess."""
    return recorded(situation, _closing(situation, table(situation)))


def table(situation: FunctionSituation) -> FunctionDecision:
    """The table of situations, from top to bottom."""
    resource = situation.resource
    if situation.refused is not None:
        return write_refused(situation, situation.refused)
    if resource.deleting:
        return deletion(situation)
    if resource.spec is None:
        return FunctionDecision(
            condition_set=conditions.stalled(Reason.INVALID_SPEC, invalid_spec(resource.spec_error))
        )
    if problems := resource.spec.problems():
        return FunctionDecision(condition_set=conditions.stalled(Reason.INVALID_SPEC, "; ".join(problems)))
    if (failure := situation.access or situation.unlisted or doubted(situation)) is not None:
        return waiting(situation, failure)
    if (decision := contradicted(situation)) is not None:
        return decision
    deletes = resource.spec.deletion_policy == DeletionPolicy.DELETE
    if resource.has_finalizer and resource.keeps:
        return write(DropFinalizer())
    if resource.observes:
        return _shown(situation)
    if not resource.has_finalizer and deletes and (situation.own or resource.recorded_ids):
        return write(TakeFinalizer())  # somebody's tool took it off, such as `kubectl replace`
    if resource.paused:
        return _shown(situation)
    decision = without_secrets(situation, in_place(situation, as_wanted(situation)))
    if decision.action is not None and deletes and not resource.has_finalizer:
        return write(TakeFinalizer())  # before a version is registered, or marked as this resource's
    return collected(situation, decision)


def _shown(situation: FunctionSituation) -> FunctionDecision:
    """Decide on a resource for which nothing may be written to NVCF."""
    resource, version = situation.resource, matching(situation)
    phase, reason = (
        (FunctionPhase.OBSERVING, Reason.OBSERVING)
        if resource.observes
        else (FunctionPhase.SUSPENDED, Reason.SUSPENDED)
    )
    in_force = version is not None and version.version_id == resource.latest_version
    message = messages.shown(
        observe=resource.observes,
        paused_by_annotation=resource.spec is not None and not resource.spec.suspend,
        function_id=function_of(situation),
        there=not function_is_empty(situation),
        version=version.version_id if version is not None else None,
    )
    condition_set = conditions.at_rest(phase, reason, message, ready=in_force, available=None)
    # Followers look for this generation, though nothing of it has to be written.
    taken = version.version_id if version is not None and in_force else None
    # No poll compares what somebody else registers with the manifest.
    adopts = resource.latest_version is None and (resource.given_function is not None or resource.adopts_by_name)
    return FunctionDecision(condition_set=condition_set, taken=taken, requeue=SLOW if adopts else None, seen=True)


def _closing(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that what is under way is followed to its end, though nothing else waits for it.

    That is a POST which may still be running, and a version that is not there: its 404 has to last without a break.
    """
    waits = [] if decision.requeue is None else [decision.requeue]
    if decision.taken is not None and situation.open_intent is not None and (left := search_left(situation)) > 0:
        waits.append(max(left, situation.timing.settle_poll))
    there = {seen.version_id for seen in situation.shown}
    awaited = {*missing(situation), *situation.delete_sent_for} - there
    if situation.believes_absence and not all(is_gone(situation, version) for version in awaited):
        waits.append(situation.timing.settle_poll)
    return replace(decision, requeue=min(waits, default=None)) if decision.action is None else decision


def asking(situation: FunctionSituation, action: Register) -> FunctionDecision:
    """What the status says beside the intent, right before the POST: a crash may leave it so."""
    condition_set = conditions.progressing(FunctionPhase.REGISTERING, Reason.REGISTERING, messages.REGISTERING)
    decision = FunctionDecision(action=action, condition_set=condition_set, retry=situation.resource.status.retry)
    return recorded(situation, decision)


def unfinished(situation: FunctionSituation) -> FunctionDecision:
    """Say that more is to be done than the one write that a reconcile may make: the next one follows at once."""
    due = table(situation)
    if isinstance(due.action, UpdateVersion | RemoveRateLimit | SendSecrets):
        condition_set = updating((due.action.version_id,))
        return recorded(situation, FunctionDecision(condition_set=condition_set, taken=due.taken, requeue=0.0))
    phase = FunctionPhase.DELETING if situation.resource.deleting else FunctionPhase.REGISTERING
    reason = Reason.DELETING if situation.resource.deleting else Reason.REGISTERING
    text = messages.DELETING if situation.resource.deleting else messages.GOING_ON
    return recorded(situation, FunctionDecision(condition_set=conditions.progressing(phase, reason, text), requeue=0.0))
