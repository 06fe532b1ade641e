"""Another version is wanted than the one that serves: bring it up, then take the former down; or the other way round.

`status.functionVersionId` is the version that serves, `status.incoming` the one that comes up beside it, and
`status.retiring` holds those on their way out. Nothing else is remembered, and each pass goes on from what NVCF shows:
another change of the manifest, a way back, a deletion or a crash in the middle only changes which version is wanted.
"""

from dataclasses import replace

from nvcf_client.text import shorten
from nvcf_operator.api.spec import VersionChange
from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches.undeploying import undeployed
from nvcf_operator.core.model.decision import (
    Change,
    ConditionSet,
    Create,
    Decision,
    DropFinalizer,
    Purpose,
    TakeFinalizer,
    Undeploy,
)
from nvcf_operator.core.model.observed import Absent, FunctionStatus, Listed, Present, Unknown
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import former_version, given_up, recorded_as_ours
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules.ownership import refuses
from nvcf_operator.core.rules.retries import held, hindered, progress_deadline

COMING_UP = reasons_with(Trait.COMING_UP)


def failure_of_incoming(situation: Situation, seen: Present) -> str | None:
    """Why the wanted version, coming up beside the former one, is to be given up; None while it may still come."""
    if former(situation) is None or refuses(situation) or situation.resource.redeploy_requested:
        return None
    health = conditions.health_of(situation, seen)
    said = f": {'; '.join(health)}" if health else ""
    if seen.is_error:
        return shorten(f"{FunctionStatus.ERROR}{said}", 512)
    seconds, left = progress_deadline(situation)
    if seen.known_status not in (FunctionStatus.ACTIVE, FunctionStatus.INACTIVE) and left <= 0:
        text = f"{seen.status.upper()} for longer than rollout.progressDeadlineSeconds ({seconds}){said}"
        return shorten(text, 512)
    return None


def give_up(situation: Situation, reason: str) -> Decision:
    """Record that the version is given up, before anything is done about it."""
    words_follow = (
        reason == FunctionStatus.ERROR
    )  # the status can be seen a moment before NVCF's words for it are written
    condition_set = conditions.stalled(Reason.ROLLOUT_FAILED, _failure_message(situation.resource, reason))
    requeue = situation.timing.busy_poll if words_follow else 0.0
    return Decision(condition_set=condition_set, gives_up=reason, requeue=requeue, seen=True)


def is_given_up(situation: Situation) -> bool:
    """Whether the wanted version failed in its rollout, and the former one goes on in its place."""
    return given_up(situation.resource) and former(situation) is not None


def gave_up(situation: Situation) -> Decision:
    """Decide on a wanted version that failed: nothing, until the manifest changes or a user asks."""
    failed = situation.resource.status.failed
    assert failed is not None, "given_up() says so"
    seen = situation.observation(failed.function_version_id)
    if isinstance(seen, Present) and failed.reason == FunctionStatus.ERROR:
        reason = failure_of_incoming(situation, seen)
        if reason is not None and reason != failed.reason:
            return give_up(situation, reason)
    condition_set = conditions.stalled(Reason.ROLLOUT_FAILED, _failure_message(situation.resource, failed.reason))
    return Decision(condition_set=condition_set, seen=True)


def former(situation: Situation) -> str | None:
    """The former version while it is worth keeping: it serves, or may still, as far as is known."""
    version = former_version(situation.resource)
    if version is None or is_over(situation, version):
        return None
    return version


def is_over(situation: Situation, version: str) -> bool:
    """Whether a version does not serve and never will again: not deployed, draining, or given up by NVCF."""
    seen = situation.observation(version)
    return isinstance(seen, Absent) or (isinstance(seen, Present) and (seen.is_inactive or seen.is_error))


def rolled_out(situation: Situation, decision: Decision) -> Decision:
    """Add to the decision on the wanted version what is to be done about all others of this resource."""
    if isinstance(decision.action, TakeFinalizer | DropFinalizer | Change):
        return decision
    out = leaving(situation, decision)
    steps = [step for version in out if (step := _step(situation, version)) is not None]
    due = next((step for step in steps if step.action is not None), None)
    if due is not None:
        return due
    if steps and isinstance(decision.action, Create) and recreates(situation):
        decision = replace(steps[0], action=None)
    if decision.action is not None:
        return decision
    waits = [item.requeue for item in (decision, *steps) if item.requeue is not None]
    if situation.failure is not None and is_over(situation, situation.resource.wanted_version):
        # A write that failed is tried again at the pace of that failure, not of what another version is polled at.
        waits = [step.requeue for step in steps if step.backoff and step.requeue is not None] or waits
    condition_set = decision.condition_set
    if condition_set is not None and (condition_set.ready or former(situation) is not None or steps):
        condition_set = _during_rollout(situation, condition_set, steps)
    return replace(
        decision,
        leaving=out,
        condition_set=with_available(situation, condition_set),
        requeue=min(waits, default=None),
        busy=decision.busy or any(step.busy for step in steps),
        backoff=decision.backoff or any(step.backoff for step in steps),
    )


def leaving(situation: Situation, decision: Decision) -> tuple[str, ...]:
    """The versions of this resource that are to go, by the record and by the decision on the wanted one."""
    resource, status = situation.resource, situation.resource.status
    wanted, intent = resource.wanted_version, situation.open_intent
    going = [item.function_version_id for item in status.retiring]
    going += [status.incoming.function_version_id] if status.incoming is not None else []
    if intent is not None and isinstance(situation.observation(intent.function_version_id), Present):
        going.append(intent.function_version_id)
    kept = former_version(resource)
    if kept is not None:
        going = [version for version in going if version != kept]
        going += [kept] if replaced(situation, decision, kept) else []
    out = [version for version in dict.fromkeys(going) if version != wanted]
    return tuple([*out, wanted] if is_given_up(situation) and decision.gives_up is None else out)


def replaced(situation: Situation, decision: Decision, kept: str) -> bool:
    """Whether the former version is to go by now."""
    refused = decision.condition_set is not None and decision.condition_set.stalled
    seen = situation.observation(situation.resource.wanted_version)
    if refused or not isinstance(seen, Present | Absent) or situation.holder is not None:
        return False
    begun = isinstance(seen, Present) or isinstance(decision.action, Create)
    if is_over(situation, kept) or recreates(situation):
        return begun
    return isinstance(seen, Present) and decision.condition_set is not None and decision.condition_set.ready


def recreates(situation: Situation) -> bool:
    """Whether the former version goes before the wanted one comes."""
    spec = situation.resource.spec
    return spec is not None and spec.rollout.version_change == VersionChange.RECREATE


def serves_beside(situation: Situation, version: str) -> bool:
    """Whether another version of this resource was seen to answer requests, so that this one may be taken down."""
    return any(
        isinstance(seen, Present) and seen.serves for other, seen in situation.observations.items() if other != version
    )


def _step(situation: Situation, version: str) -> Decision | None:
    """The next step of a version's undeployment; none while it is the last one that serves."""
    seen = situation.observation(version)
    serving = isinstance(seen, Present) and seen.serves
    if serving and not recreates(situation) and not serves_beside(situation, version):
        return Decision(requeue=situation.timing.poll)
    purpose = Purpose.GIVEN_UP if version == situation.resource.wanted_version else Purpose.GONE
    step = undeployed(situation, version, purpose=purpose, hindered=hindered)
    step = held(situation, step) if step is not None else None
    if step is not None and isinstance(step.action, Undeploy) and isinstance(seen, Present):
        # No instance runs that could answer a queue, so a graceful DELETE would drain for ever.
        graceful = step.action.graceful and not seen.is_error
        return replace(step, action=replace(step.action, graceful=graceful))
    return step


def _during_rollout(situation: Situation, condition_set: ConditionSet, steps: list[Decision]) -> ConditionSet:
    resource = situation.resource
    kept = former(situation)
    if condition_set.ready:
        if not steps:
            return condition_set
        hindrance = next((step.condition_set for step in steps if step.condition_set is not None), None)
        if hindrance is not None and hindrance.stalled:
            return hindrance
        message = (
            hindrance.message if hindrance is not None else messages.rolling_out(resource.wanted_version, kept, ())
        )
        reason = hindrance.reason if hindrance is not None else Reason.ROLLING_OUT
        return conditions.progressing(Phase.ROLLING_OUT, reason, message, available=True)
    if condition_set.stalled:
        return condition_set
    if condition_set.reason in COMING_UP and kept is not None:
        seen = situation.observation(resource.wanted_version)
        health = conditions.health_of(situation, seen) if isinstance(seen, Present | Listed) else ()
        message = messages.rolling_out(resource.wanted_version, kept, health)
        return conditions.progressing(Phase.ROLLING_OUT, Reason.ROLLING_OUT, message, available=condition_set.available)
    return replace(condition_set, phase=Phase.ROLLING_OUT) if condition_set.reconciling else condition_set


def with_available(situation: Situation, condition_set: ConditionSet | None) -> ConditionSet | None:
    """Count every version of this resource that was seen to serve; where not all were seen, none is taken back.

    A 404 that is not believed is no sight: another account's key says nothing about the deployment.
    """
    if condition_set is None:
        return None
    ours = {
        version: seen
        for version, seen in situation.observations.items()
        if recorded_as_ours(situation.resource, version)
    }
    serving = any(isinstance(seen, Present | Listed) and seen.serves for seen in ours.values())
    unknown = Unknown if situation.believes_absence else Unknown | Absent
    complete = bool(ours) and not any(isinstance(seen, unknown) for seen in ours.values())
    if serving or (complete and condition_set.available is None):
        return replace(condition_set, available=serving)
    return condition_set


def _failure_message(resource: Resource, reason: str) -> str:
    return messages.rollout_failed(resource.wanted_version, resource.status.function_version_id, reason)
