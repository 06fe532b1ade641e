"""What to do about one resource: the design's table of situations, read from top to bottom.

`decide` is pure. The runtime observes, calls it, carries out the write it asks for, adds what came of that to the
situation and calls it again: what the second call says is what status reports.
"""

from dataclasses import replace

from nvcf_operator.api.spec import DeletionPolicy
from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches import read_only
from nvcf_operator.core.branches.deployed import after_adoption, listed, present
from nvcf_operator.core.branches.not_deployed import absent, overdue
from nvcf_operator.core.branches.read_only import write_refused
from nvcf_operator.core.branches.record_update import recorded
from nvcf_operator.core.branches.rollout import (
    failure_of_incoming,
    gave_up,
    give_up,
    is_given_up,
    rolled_out,
    with_available,
)
from nvcf_operator.core.branches.undeploying import deletion
from nvcf_operator.core.branches.version_locks import unlocked
from nvcf_operator.core.model.decision import Create, Decision, DropFinalizer, TakeFinalizer, act
from nvcf_operator.core.model.observed import Absent, Listed, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import former_version, versions_held
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules import references, retries
from nvcf_operator.core.rules.retries import after_pause, held, waiting

SLOW = 300.0
"""Seconds between two reconciles of what only somebody else or another resource can change."""


def decide(situation: Situation) -> Decision:
    """Decide on a resource. Total: every situation has an answer, and none of them is a guess.

    A decision to write is carried out and decided again, so only what is reported goes on record.
    """
    decision = unlocked(situation, table(situation))
    return decision if decision.action is not None else recorded(situation, decision)


def table(situation: Situation) -> Decision:
    """The table of situations, from top to bottom."""
    resource = situation.resource
    if situation.refused is not None:
        decision = write_refused(situation, situation.refused)
        return replace(decision, condition_set=with_available(situation, decision.condition_set))
    if resource.deleting:
        decision = deletion(situation)
        return replace(decision, condition_set=with_available(situation, decision.condition_set))
    if resource.spec is None:
        return Decision(
            condition_set=conditions.stalled(Reason.INVALID_SPEC, messages.invalid_spec(resource.spec_error))
        )
    if problems := resource.spec.problems():
        return Decision(condition_set=conditions.stalled(Reason.INVALID_SPEC, "; ".join(problems)))
    if situation.access is not None:
        return waiting(situation, situation.access)
    if resource.observes:
        return read_only.shown(situation)
    if not resource.has_finalizer and resource.spec.deletion_policy == DeletionPolicy.DELETE and may_hold(situation):
        return act(TakeFinalizer())  # somebody's tool took it off, such as `kubectl replace`
    if resource.paused:
        decision = read_only.shown(situation)
        return replace(decision, condition_set=with_available(situation, decision.condition_set))
    if (mismatch := references.account_mismatch(situation)) is not None:
        return replace(mismatch, condition_set=with_available(situation, mismatch.condition_set))
    decision = wanted_version(situation)
    for rule in (references.held_changes, held, after_pause, after_adoption, after_finalizer):
        decision = rule(situation, decision)
    return rolled_out(situation, decision)


def after_finalizer(situation: Situation, decision: Decision) -> Decision:
    """The decision, but that nothing is deployed before our finalizer is on an object that takes it down again."""
    resource = situation.resource
    deletes = resource.spec is not None and resource.spec.deletion_policy == DeletionPolicy.DELETE
    if isinstance(decision.action, Create) and deletes and not resource.has_finalizer:
        return act(TakeFinalizer())
    return decision


def wanted_version(situation: Situation) -> Decision:
    """Decide on the version that the manifest asks for, as if there were no other."""
    resource = situation.resource
    if situation.holder is not None:
        if resource.has_finalizer and not may_hold(situation):
            return act(DropFinalizer())
        message = messages.conflict(situation.holder, resource.wanted_version)
        condition_set = retries.stalled_after_grace(situation, Reason.CONFLICT, message)
        # What an earlier POST of another version still makes is nobody's, and costs until it is seen.
        awaits = situation.open_intent is not None or bool(situation.local.posts_may_run_for)
        again = situation.timing.poll if awaits else SLOW
        return Decision(
            condition_set=condition_set, requeue=min(retries.grace_left(situation, Reason.CONFLICT) or again, again)
        )
    if is_given_up(situation):
        return gave_up(situation)
    match situation.observation(resource.wanted_version):
        case Absent() as nothing:
            return absent(situation, nothing)
        case Present() as seen:
            if (reason := failure_of_incoming(situation, seen)) is not None:
                return give_up(situation, reason)
            return present(situation, seen)
        case Listed() as entry:
            return listed(situation, entry)
        case None:
            return Decision(
                condition_set=conditions.progressing(Phase.PENDING, Reason.PENDING, messages.PENDING), requeue=1.0
            )
        case unknown:
            return waiting(situation, unknown.failure)


def may_hold(situation: Situation) -> bool:
    """Whether NVCF may hold a deployment that is this resource's, and no other resource's."""
    held = {*versions_held(situation.resource), *situation.local.posts_may_run_for}
    return bool(held - situation.holders.keys())


def asking(situation: Situation, action: Create) -> Decision:
    """What the status says beside the intent, right before the POST: a crash may leave it so."""
    former = former_version(situation.resource)
    if former is not None:
        phase, reason = Phase.ROLLING_OUT, Reason.ROLLING_OUT
        message = messages.rolling_out(situation.resource.wanted_version, former, ())
    else:
        phase, reason, message = Phase.PENDING, Reason.PENDING, messages.asking(action.function_version_id)
    condition_set = with_available(situation, overdue(situation) or conditions.progressing(phase, reason, message))
    retry = None if situation.resource.has_news else situation.resource.status.retry
    decision = Decision(action=action, condition_set=condition_set, retry=retry)
    return recorded(situation, decision)


def unfinished(situation: Situation) -> Decision:
    """Say that more is to be done than the one write that a reconcile may make: the next one follows at once."""
    rolling = former_version(situation.resource) is not None or situation.resource.status.retiring
    phase, reason, message = (
        (Phase.ROLLING_OUT, Reason.ROLLING_OUT, messages.ROLLING_ON)
        if rolling
        else (Phase.DEPLOYING, Reason.UPDATING, messages.UPDATING)
    )
    decision = Decision(condition_set=conditions.progressing(phase, reason, message), requeue=0.0)
    return recorded(situation, decision)
