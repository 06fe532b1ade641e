"""Undeploying one version: DELETE, drain, and the proof that it is gone. The same for whatever asks for it.

A 200 of DELETE proves nothing, GET may lag behind it, and a drain has no limit of its own (facts on NVCF, section 5).
"""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.core import condition_sets, messages, settles
from nvcf_operator.core.actions import Purpose, Undeploy
from nvcf_operator.core.decision import ConditionSet, Decision, act
from nvcf_operator.core.draining import drained_too_long, recorded, seconds_left, shown_id
from nvcf_operator.core.ownership import doubted, may_undeploy
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, Failure, Present, Scope, Situation
from nvcf_operator.core.waiting import Hindrance

AGAIN = 10.0
"""Seconds after which DELETE is asked for again, while GET does not say INACTIVE."""


def undeployed(
    situation: Situation, version: str, *, purpose: Purpose = Purpose.GONE, hindered: Hindrance
) -> Decision | None:
    """Decide on the next step of a version's undeployment; None when it is proven to be gone, or not ours to remove."""
    timing, seen = situation.timing, situation.observation(version)
    if version in situation.holders:
        return None
    if isinstance(seen, Absent):
        if doubt := doubted(situation):
            return hindered(situation, doubt)
        if (wait := settles.create_settle_left(situation, version)) > 0:
            condition_set = leaving(Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER_DELETING)
            return Decision(condition_set=condition_set, requeue=min(wait, timing.settle_poll), seen=True)
        return None
    if not isinstance(seen, Present):
        failure = getattr(seen, "failure", None)
        return hindered(situation, failure or Failure(Reason.PENDING, messages.PENDING, Scope.SERVER))
    if not may_undeploy(situation, version, seen):
        return None
    if drained_too_long(situation, version):
        force, known = Undeploy(version, False, purpose, shown_id(situation, version)), recorded(situation, version)
        return again(situation, force) if known is not None and known.forced else act(force)
    if not seen.is_inactive:
        graceful = gracefully(situation)
        return again(situation, Undeploy(version, graceful, purpose, shown_id(situation, version)))
    left = seconds_left(situation, version)
    pause = look_again_in(situation, version)
    requeue = min(left, pause) if left > 0 else pause
    condition_set = leaving(Reason.DRAINING, messages.draining(situation, version, left))
    return Decision(condition_set=condition_set, requeue=max(requeue, 0.2), busy=True, seen=True)


def gracefully(situation: Situation) -> bool:
    """Whether the manifest wants queued requests answered first."""
    return situation.resource.spec is None or situation.resource.spec.undeploy.graceful


def again(situation: Situation, action: Undeploy) -> Decision:
    """Ask for the DELETE, unless one was answered a moment ago: a 200 proves nothing, and GET may lag behind it."""
    version = action.function_version_id
    sent = situation.local.undeploy_sent_for.get(version)
    if sent is not None and sent < AGAIN:
        condition_set = leaving(Reason.DRAINING, messages.undeploying(version))
        return Decision(
            condition_set=condition_set, requeue=min(AGAIN - sent, situation.timing.busy_poll), busy=True, seen=True
        )
    return act(action)


def look_again_in(situation: Situation, version: str) -> float:
    """Seconds until the next GET of a drain: the list tells a drain and its end by the same word, so each costs one."""
    known, timing = recorded(situation, version), situation.timing
    elapsed = (situation.now - known.since).total_seconds() if known is not None and known.since is not None else 0.0
    return min(timing.poll, max(timing.busy_poll, elapsed / 4))


def leaving(reason: Reason, message: str) -> ConditionSet:
    """The undeployment goes on by itself."""
    return condition_sets.progressing(Phase.DRAINING, reason, message)
