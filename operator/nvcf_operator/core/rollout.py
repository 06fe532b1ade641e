"""Another version is wanted than the one that serves: bring it up, then take the former down; or the other way round.

`status.functionVersionId` is the version that serves, `status.incoming` the one that comes up beside it, and
`status.retiring` holds those on their way out. Nothing else is remembered, and each pass goes on from what NVCF shows:
another change of the manifest, a way back, a deletion or a crash in the middle only changes which version is wanted.
"""

from dataclasses import replace

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.spec import VersionChange
from nvcf_operator.core import health, messages, verdicts
from nvcf_operator.core.actions import Change, Create, DropFinalizer, Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.deadline import progress_deadline
from nvcf_operator.core.decision import Decision, Verdict
from nvcf_operator.core.ownership import refuses
from nvcf_operator.core.presence import hindered
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, Listed, Present, Situation, Unseen
from nvcf_operator.core.undeploying import undeployed
from nvcf_operator.core.versions import former_version, given_up, recorded_as_ours

COMING_UP = frozenset({Reason.DEPLOYING, Reason.SCALING_UP, Reason.DEGRADED, Reason.DEGRADING, Reason.UNKNOWN_STATUS})
"""What a version that came up alone would be told to be, while it comes up beside another."""


def failure_of_incoming(situation: Situation, seen: Present) -> str | None:
    """Why the wanted version, coming up beside the former one, is to be given up; None while it may still come."""
    if former(situation) is None or refuses(situation) or situation.resource.redeploy_requested:
        return None
    told = health.of(situation, seen)
    said = f": {'; '.join(told)}" if told else ""
    status = seen.status.upper()
    if status == "ERROR":
        return f"ERROR{said}"[:512]
    seconds, left = progress_deadline(situation)
    if status not in ("ACTIVE", "INACTIVE") and left <= 0:
        return f"{status} for longer than rollout.progressDeadlineSeconds ({seconds}){said}"[:512]
    return None


def give_up(situation: Situation, reason: str) -> Decision:
    """Record that the version is given up, before anything is done about it."""
    words_follow = reason == "ERROR"  # the status can be seen a moment before NVCF's words for it are written
    verdict = verdicts.stalled(Reason.ROLLOUT_FAILED, messages.rollout_failed(situation.resource, reason))
    requeue = situation.timing.busy_poll if words_follow else 0.0
    return Decision(verdict=verdict, gives_up=reason, requeue=requeue, seen=True)


def is_given_up(situation: Situation) -> bool:
    """Whether the wanted version failed in its rollout, and the former one goes on in its place."""
    return given_up(situation.resource) and former(situation) is not None


def gave_up(situation: Situation) -> Decision:
    """Decide on a wanted version that failed: nothing, until the manifest changes or a person asks."""
    failed = situation.resource.status.failed
    assert failed is not None, "given_up() says so"
    seen = situation.sighting(failed.function_version_id)
    if isinstance(seen, Present) and failed.reason == "ERROR":
        reason = failure_of_incoming(situation, seen)
        if reason is not None and reason != failed.reason:
            return give_up(situation, reason)
    verdict = verdicts.stalled(Reason.ROLLOUT_FAILED, messages.rollout_failed(situation.resource, failed.reason))
    return Decision(verdict=verdict, seen=True)


def former(situation: Situation) -> str | None:
    """The former version while it is worth keeping: it serves, or may still, as far as is known."""
    version = former_version(situation.resource)
    if version is None or is_over(situation, version):
        return None
    return version


def is_over(situation: Situation, version: str) -> bool:
    """Whether a version does not serve and never will again: not deployed, draining, or given up by NVCF."""
    seen = situation.sighting(version)
    return isinstance(seen, Absent) or (isinstance(seen, Present) and seen.status.upper() in ("INACTIVE", "ERROR"))


def rolled_out(situation: Situation, decision: Decision) -> Decision:
    """Add to the decision on the wanted version what is to be done about all others of this resource."""
    if isinstance(decision.action, TakeFinalizer | DropFinalizer | Change):
        return decision
    steps = [step for version in leaving(situation, decision) if (step := _step(situation, version)) is not None]
    due = next((step for step in steps if step.action is not None), None)
    if due is not None:
        return due
    if steps and isinstance(decision.action, Create) and recreates(situation):
        decision = replace(steps[0], action=None)
    if decision.action is not None:
        return decision
    waits = [item.requeue for item in (decision, *steps) if item.requeue is not None]
    verdict = decision.verdict
    if verdict is not None and (verdict.ready or former(situation) is not None or steps):
        verdict = _told(situation, verdict, steps)
    return replace(
        decision,
        verdict=with_available(situation, verdict),
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
    if intent is not None and isinstance(situation.sighting(intent.function_version_id), Present):
        going.append(intent.function_version_id)
    kept = former_version(resource)
    if kept is not None:
        going = [version for version in going if version != kept]
        going += [kept] if replaced(situation, decision, kept) else []
    out = [version for version in dict.fromkeys(going) if version != wanted]
    return tuple([*out, wanted] if is_given_up(situation) and decision.gives_up is None else out)


def replaced(situation: Situation, decision: Decision, kept: str) -> bool:
    """Whether the former version is to go by now."""
    refused = decision.verdict is not None and decision.verdict.stalled
    seen = situation.sighting(situation.resource.wanted_version)
    if refused or not isinstance(seen, Present | Absent) or situation.holder is not None:
        return False
    begun = isinstance(seen, Present) or isinstance(decision.action, Create)
    if is_over(situation, kept) or recreates(situation):
        return begun
    return isinstance(seen, Present) and decision.verdict is not None and decision.verdict.ready


def recreates(situation: Situation) -> bool:
    """Whether the former version goes before the wanted one comes."""
    spec = situation.resource.spec
    return spec is not None and spec.rollout.version_change == VersionChange.RECREATE


def serves_beside(situation: Situation, version: str) -> bool:
    """Whether another version of this resource was seen to answer requests, so that this one may be taken down."""
    return any(
        isinstance(seen, Present) and verdicts.serves(seen.status)
        for other, seen in situation.sightings.items()
        if other != version
    )


def _step(situation: Situation, version: str) -> Decision | None:
    """The next step of a version's undeployment; none while it is the last one that serves."""
    seen = situation.sighting(version)
    serving = isinstance(seen, Present) and verdicts.serves(seen.status)
    if serving and not recreates(situation) and not serves_beside(situation, version):
        return Decision(requeue=situation.timing.poll)
    purpose = Purpose.GIVEN_UP if version == situation.resource.wanted_version else Purpose.GONE
    step = undeployed(situation, version, purpose=purpose, hindered=hindered)
    if step is not None and isinstance(step.action, Undeploy) and isinstance(seen, Present):
        # No instance runs that could answer a queue, so a graceful DELETE would drain for ever.
        graceful = step.action.graceful and seen.status.upper() != "ERROR"
        return replace(step, action=replace(step.action, graceful=graceful))
    return step


def _told(situation: Situation, verdict: Verdict, steps: list[Decision]) -> Verdict:
    resource = situation.resource
    kept = former(situation)
    if verdict.ready:
        if not steps:
            return verdict
        hindrance = next((step.verdict for step in steps if step.verdict is not None), None)
        if hindrance is not None and hindrance.stalled:
            return hindrance
        message = hindrance.message if hindrance is not None else messages.rolling_out(resource, kept, ())
        reason = hindrance.reason if hindrance is not None else Reason.ROLLING_OUT
        return verdicts.progressing(Phase.ROLLING_OUT, reason, message, available=True)
    if verdict.stalled:
        return verdict
    if verdict.reason in COMING_UP and kept is not None:
        seen = situation.sighting(resource.wanted_version)
        told = health.of(situation, seen) if isinstance(seen, Present | Listed) else ()
        message = messages.rolling_out(resource, kept, told)
        return verdicts.progressing(Phase.ROLLING_OUT, Reason.ROLLING_OUT, message, available=verdict.available)
    return replace(verdict, phase=Phase.ROLLING_OUT) if verdict.reconciling else verdict


def with_available(situation: Situation, verdict: Verdict | None) -> Verdict | None:
    """Count every version of this resource that was seen to serve; where not all were seen, none is taken back."""
    if verdict is None:
        return None
    ours = {
        version: seen for version, seen in situation.sightings.items() if recorded_as_ours(situation.resource, version)
    }
    serving = any(isinstance(seen, Present | Listed) and verdicts.serves(seen.status) for seen in ours.values())
    complete = bool(ours) and not any(isinstance(seen, Unseen) for seen in ours.values())
    if serving or (complete and verdict.available is None):
        return replace(verdict, available=serving)
    return verdict
