"""Brings the versions in use up to date in place: their tags, rate limits and values of secrets.

One write a reconcile, the version that FunctionDeployments follow first; a change that has just failed comes last. A
former version that is to be the latest again is brought up to date before it is taken, while nobody deploys it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from nvcf_operator.api.conditions import READY
from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.core.functions.branches.waiting import SLOW, locked, waiting
from nvcf_operator.core.functions.model.decision import (
    FunctionDecision,
    InPlaceAction,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import Mark, parse
from nvcf_operator.core.functions.model.metadata import MOST_TAGS, RATE_LIMIT, TAGS
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.unsent import unsent
from nvcf_operator.core.functions.model.versions import in_use, label_of
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.decision import ConditionSet
from nvcf_operator.core.model.observed import FunctionStatus, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions
from nvcf_operator.core.rules import flap_guard
from nvcf_operator.core.rules.error_classification import unreadable_metadata
from nvcf_operator.core.rules.ownership import doubted

BESIDE = frozenset(
    {
        Reason.AWAITING_REGISTRATION,
        Reason.ARTIFACT_REJECTED,
        Reason.QUOTA_EXCEEDED,
        Reason.REJECTED,
        Reason.FORBIDDEN,
        Reason.NOT_CONVERGING,
        Reason.TOO_MANY_VERSIONS,
        Reason.SECRET_MISSING,
        Reason.SECRET_NOT_CONSENTING,
        Reason.SECRET_NOT_PERMITTED,
        Reason.SECRET_INVALID,
    }
)
"""Why a template may not be registered, while the versions that serve are kept as the manifest says all the same."""


class Obstacle(NamedTuple):
    """Why a change is not made now."""

    condition_set: ConditionSet
    requeue: float
    lasts: bool
    """Whether only somebody else, or time, can end it, so that nothing else waits for the change."""


class Change(NamedTuple):
    """A change that a version in use needs."""

    seen: VersionSeen
    action: InPlaceAction
    obstacle: Obstacle | None


def in_place(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that a version in use is brought up to date where it is not as the manifest says."""
    failure = situation.failure if isinstance(situation.tried, InPlaceAction) else None
    if decision.action is not None and failure is not None:
        return waiting(situation, failure, at_work=True)  # nothing is written in a pass after a write that failed
    if decision.action is not None or not (decision.taken is not None or _is_beside(situation, decision)):
        return decision
    found = tuple(_changes(situation))
    if failure is not None and failure.scope != Scope.RESOURCE:
        taken = _held_back(situation, decision, found).taken
        return replace(waiting(situation, failure, at_work=True), taken=taken)
    if not found:
        return _compared(situation, decision)
    decision = _held_back(situation, decision, found)
    open_changes = [change for change in found if change.obstacle is None]
    open_changes.sort(key=lambda change: (change.seen.version_id, type(change.action).__name__) == situation.put_off)
    if open_changes and situation.wrote is None and situation.failure is None:
        action = open_changes[0].action
        return replace(decision, action=action, drift=() if isinstance(action, SendSecrets) else action.corrects)
    if decision.taken is None and _is_beside(situation, decision):  # the template is what there is to report
        waits = [0.0 if open_changes else min(change.obstacle.requeue for change in found if change.obstacle)]
        return replace(decision, requeue=min([*waits, *([decision.requeue] if decision.requeue is not None else [])]))
    if open_changes:
        condition_set = updating(change.seen.version_id for change in found)
        return replace(decision, condition_set=condition_set, requeue=0.0, seen=False)
    worst = next((change.obstacle for change in found if change.obstacle and change.obstacle.lasts), found[0].obstacle)
    assert worst is not None, "all of them are held up"
    requeue = min(change.obstacle.requeue for change in found if change.obstacle)
    return replace(
        decision, condition_set=worst.condition_set, requeue=requeue, backoff=False, seen=worst.condition_set.stalled
    )


def updating(versions: Iterable[str]) -> ConditionSet:
    """The conditions while versions in use are brought up to date. What follows them is not held back."""
    return conditions.progressing(FunctionPhase.REGISTERED, Reason.UPDATING, messages.updating(versions))


def changes_versions(situation: FunctionSituation) -> bool:
    """Whether the manifest lets versions be changed."""
    resource = situation.resource
    return not (resource.spec is None or resource.deleting or resource.observes or resource.paused)


def is_able(situation: FunctionSituation) -> bool:
    """Whether versions can be changed by now: the key works, and no other CloudFunction comes first."""
    failure = situation.access or situation.unlisted or doubted(situation)
    return failure is None and situation.holder is None


def outdated(situation: FunctionSituation) -> frozenset[str]:
    """The versions in use that are not as the manifest says, and that may still be brought up to date."""
    found = _changes(situation)
    return frozenset(item.seen.version_id for item in found if item.obstacle is None or not item.obstacle.lasts)


def up_to_date(situation: FunctionSituation) -> frozenset[str]:
    """The versions in use that are as the manifest says."""
    return frozenset(seen.version_id for seen in in_use(situation)) - outdated(situation)


def due(situation: FunctionSituation) -> tuple[InPlaceAction, ...]:
    """What the versions in use need, whether or not it may be sent now."""
    return tuple(change.action for change in _changes(situation))


def change_name(situation: FunctionSituation) -> str:
    """Name a change of tags and rate limit by what the manifest says, so that the same one is known again."""
    wanted = situation.resource.metadata
    tags = sorted(wanted.tags) if wanted.tags is not None else None
    text = json.dumps([tags, wanted.rate_limit, wanted.unlimited])
    return f"change {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def refusal_name(situation: FunctionSituation, action: InPlaceAction) -> str:
    """Name a change of one version by all that is sent."""
    if isinstance(action, SendSecrets):
        return f"{action.sources} {' '.join(sorted(action.names))}"
    tags = sorted(action.tags or ()) if isinstance(action, UpdateVersion) else []
    return f"{change_name(situation)} {' '.join(tags)}"


def undone_lately(situation: FunctionSituation, version_id: str) -> bool:
    """Whether this process has made the very same change of a version a moment ago, so that NVCF may have undone it.

    NVCF does so where its own writes of the version began before the change.
    """
    last, timing = situation.last_changes.get(version_id), situation.timing
    within = last is not None and last.seconds < timing.redeploy_settle + timing.poll
    return last is not None and within and last.name == change_name(situation)


def _is_beside(situation: FunctionSituation, decision: FunctionDecision) -> bool:
    """Whether it is only the template that cannot be registered."""
    resource = situation.resource
    if decision.taken is not None or resource.latest_version is None:
        return False
    said = decision.condition_set
    ready = resource.condition(READY)
    reason = said.reason if said is not None else ready.reason if ready is not None else None
    return reason in BESIDE


def _held_back(situation: FunctionSituation, decision: FunctionDecision, found: tuple[Change, ...]) -> FunctionDecision:
    """The decision, but that a former version is not taken before it is brought up to date."""
    former = situation.resource.latest_version
    if former is None or decision.taken in (None, former):
        return decision
    waits = any(
        change.seen.version_id == decision.taken
        and change.seen.known_status == FunctionStatus.INACTIVE
        and not (change.obstacle is not None and change.obstacle.lasts)
        for change in found
    )
    return replace(decision, taken=None) if waits else decision


def _changes(situation: FunctionSituation) -> Iterator[Change]:
    """What the versions in use need, in the order in which it is sent."""
    for seen in in_use(situation):
        for action in _lacking(situation, seen):
            yield Change(seen, action, _obstacle(situation, seen, action))


def _lacking(situation: FunctionSituation, seen: VersionSeen) -> Iterator[InPlaceAction]:
    """What one version needs."""
    if (action := _metadata_change(situation, seen)) is not None:
        yield action
    if (values := unsent(situation, seen)) is not None:
        yield values


def _metadata_change(situation: FunctionSituation, seen: VersionSeen) -> UpdateVersion | RemoveRateLimit | None:
    resource = situation.resource
    wanted = resource.metadata
    differs = wanted.differs(seen, resource.mark_uid)
    if not differs:
        return None
    corrects = differs if _was_as_wanted(situation, seen) and not _is_repeat(situation, seen) else ()
    if RATE_LIMIT in differs and wanted.unlimited and TAGS not in differs:
        return RemoveRateLimit(seen.function_id, seen.version_id, corrects)
    tags = wanted.tags_with(seen.tags, _mark_for(situation, seen)) if TAGS in differs else None
    limit = RATE_LIMIT in differs and not wanted.unlimited
    return UpdateVersion(seen.function_id, seen.version_id, tags, limit, corrects)


def _was_as_wanted(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version was as the manifest says before. One of the history that comes into use again need not be.

    One that was changed twice in a row was, Ready or not; or NVCF takes the change and does not make it.
    """
    used = seen.version_id == situation.resource.latest_version or seen.known_status != FunctionStatus.INACTIVE
    last = situation.last_changes.get(seen.version_id)
    changed_twice = last is not None and last.repeats and undone_lately(situation, seen.version_id)
    return changed_twice or (used and situation.resource.in_order)


def _is_repeat(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether it is NVCF that has undone our change. If that happens again, it is somebody else."""
    last = situation.last_changes.get(seen.version_id)
    return undone_lately(situation, seen.version_id) and last is not None and not last.repeats


def _mark_for(situation: FunctionSituation, seen: VersionSeen) -> Mark:
    """The mark that a version keeps, or gets if it has none of this object."""
    resource, label = situation.resource, label_of(situation, seen)
    marks = [mark for tag in sorted(seen.tags) if (mark := parse(tag)) is not None and mark.uid == resource.mark_uid]
    as_labelled = [mark for mark in marks if mark.hash == label.hash]
    if kept := (as_labelled or marks):
        return kept[0]
    return Mark.renewed(resource.uid, label.hash or resource.wanted.hash, seen.version_id, label.revision)


def _obstacle(situation: FunctionSituation, seen: VersionSeen, action: InPlaceAction) -> Obstacle | None:
    """Why a change is not made now; None where it may be made."""
    request = situation.resource.reconcile_requested if situation.tried != action else None  # each is tried once for it
    if isinstance(action, UpdateVersion) and action.tags is not None and len(action.tags) > MOST_TAGS:
        message = messages.too_many_tags(seen.version_id, len(action.tags) - 1)
        return Obstacle(conditions.stalled(Reason.INVALID_SPEC, message), SLOW, lasts=True)
    refused = situation.refused_changes.get((seen.version_id, type(action).__name__))
    same = refused is not None and refused.name == refusal_name(situation, action)
    if refused is not None and same and refused.left > 0 and request in (None, refused.request):
        failure = refused.failure
        return Obstacle(conditions.stalled(failure.reason, failure.message), max(refused.left, 1.0), lasts=True)
    if isinstance(action, SendSecrets):
        return None
    last = situation.last_changes.get(seen.version_id)
    done = request is None or (last is not None and last.request == request)
    if done and flap_guard.is_repeated(situation, change_name(situation)):
        message = messages.not_converging_in_place(seen.version_id)
        requeue = max(1.0, min(flap_guard.window_left(situation), SLOW))
        return Obstacle(conditions.stalled(Reason.NOT_CONVERGING, message), requeue, lasts=True)
    if (lock := locked(situation, seen)) is not None:
        condition_set = conditions.progressing(FunctionPhase.REGISTERED, Reason.VERSION_BUSY, lock.message)
        return Obstacle(condition_set, lock.seconds, lasts=False)
    return None


def _compared(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that it waits where what the manifest says cannot be held against what NVCF shows."""
    needed = situation.resource.metadata.needed
    odd = {name for seen in in_use(situation) for name in seen.unreadable & needed}
    if not odd or decision.taken is None or situation.resource.in_order:
        return decision
    return replace(waiting(situation, unreadable_metadata(sorted(odd)), at_work=True), taken=decision.taken)
