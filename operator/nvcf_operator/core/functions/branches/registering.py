"""One version for one template: what is there already is taken, and what is asked for is searched for before it is
asked for again.

NVCF has no key that would make a POST safe to repeat, so the mark in the POST's own body is what it is found by. A lost
answer is waited for through `--register-settle-seconds`; what comes later still is recognised by its mark and deleted
(`collecting`).
"""

from nvcf_operator.api.conditions import READY
from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.core.functions.branches.adoption import beside_others, not_adoptable
from nvcf_operator.core.functions.branches.readiness import registered
from nvcf_operator.core.functions.branches.secrets import withheld
from nvcf_operator.core.functions.branches.waiting import SLOW, after_refusal, next_retry, refused, waiting
from nvcf_operator.core.functions.model.decision import FunctionDecision, InPlaceAction, Register, write
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import (
    asked_for,
    function_is_empty,
    function_of,
    is_asked_again,
    is_gone,
    is_leaving,
    matching,
    missing,
    reused,
    stands_for_wanted,
)
from nvcf_operator.core.functions.report import adoption_messages, messages
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions
from nvcf_operator.core.rules import flap_guard
from nvcf_operator.core.rules.retries import grace_left, stalled_after_grace

SPARE = 6
"""Versions beyond the history that may wait to be collected before no other one is registered."""

MOST_VERSIONS = 16
"""Versions that a status holds."""


def as_wanted(situation: FunctionSituation) -> FunctionDecision:
    """Decide on a function that may be written."""
    if situation.holder is not None:
        message = messages.conflict(situation.holder, situation.resource.function_name)
        condition_set = stalled_after_grace(situation, Reason.CONFLICT, message)
        return FunctionDecision(condition_set=condition_set, requeue=grace_left(situation, Reason.CONFLICT) or SLOW)
    if (version := matching(situation)) is not None:
        return registered(situation, version)
    if (other := reused(situation)) is not None:
        said = messages.revision_has_one_version if is_asked_again(situation, other) else messages.revision_reused
        message = said(situation.resource.revision or "", other.version_id)
        return FunctionDecision(condition_set=conditions.stalled(Reason.REVISION_REUSED, message), seen=True)
    if situation.failure is not None and not isinstance(situation.tried, InPlaceAction):
        return _failed(situation, situation.failure)
    if (left := search_left(situation)) > 0:
        return _awaiting(situation, left)
    for rule in (not_adoptable, _vanished, _restricted, withheld, after_refusal, _limited):
        if (decision := rule(situation)) is not None:
            return decision
    wanted = situation.resource.wanted
    return write(
        Register(None if function_is_empty(situation) else function_of(situation), wanted.hash, wanted.revision),
        drift=("version",) if _has_lost_latest(situation) else (),
    )


def search_left(situation: FunctionSituation) -> float:
    """Seconds for which a POST may still be running in the server, so that no other one is made."""
    intent, settle = situation.open_intent, situation.timing.register_settle
    found_for = situation.finalizer_found_for
    if intent is None:
        return 0.0 if found_for is None or situation.intent is not None else max(0.0, settle - found_for)
    if asked_for(situation) is not None:
        return 0.0
    return max(0.0, situation.search_pause - max(situation.searched_for, found_for or 0.0))


def _awaiting(situation: FunctionSituation, left: float) -> FunctionDecision:
    retry = situation.resource.status.retry
    words = retry.message if retry is not None and retry.reason == Reason.AWAITING_REGISTRATION else None
    return FunctionDecision(
        condition_set=conditions.progressing(
            FunctionPhase.REGISTERING, Reason.AWAITING_REGISTRATION, messages.unanswered(words, situation.search_pause)
        ),
        requeue=min(left, situation.timing.settle_poll),
        busy=True,
        retry=retry,
        seen=True,
    )


def _failed(situation: FunctionSituation, failure: Failure) -> FunctionDecision:
    """Decide after a POST that failed."""
    if situation.unanswered is not None:
        words = situation.unanswered.words or situation.unanswered.message.rstrip(".")
        retry = next_retry(situation, Reason.AWAITING_REGISTRATION, words)
        return FunctionDecision(
            condition_set=conditions.progressing(
                FunctionPhase.REGISTERING,
                Reason.AWAITING_REGISTRATION,
                messages.unanswered(words, situation.search_pause_after(retry.attempts)),
            ),
            requeue=situation.timing.settle_poll,
            busy=True,
            retry=retry,
            seen=True,
        )
    if failure.scope == Scope.RESOURCE and situation.answered_intent is not None:
        return refused(situation, failure)
    return waiting(situation, failure, at_work=True)


def _vanished(situation: FunctionSituation) -> FunctionDecision | None:
    """Decide on what was registered and cannot be seen: only a proof leads to another POST."""
    resource, empty = situation.resource, function_is_empty(situation)
    lost = [version for version in missing(situation) if not is_leaving(situation, version)]
    if not empty:
        lost = [version for version in lost if stands_for_wanted(situation, version)]
    if unproven := [version for version in lost if not is_gone(situation, version)]:
        if _is_reported(situation, Reason.FUNCTION_GONE, Reason.MASS_ABSENCE):  # a proof is not kept for ever
            # A request that lifts the brake holds until the POST.
            seen = _is_reported(situation, Reason.FUNCTION_GONE)
            return FunctionDecision(requeue=situation.timing.settle_poll, seen=seen)
        message = messages.version_gone(unproven[0])
        condition_set = conditions.progressing(FunctionPhase.DEGRADED, Reason.VERSION_GONE, message)
        return FunctionDecision(condition_set=condition_set, requeue=situation.timing.settle_poll)
    # The record keeps the brake on when the account's other versions have been gone for long, or after a restart.
    braked = situation.mass_absence or _is_reported(situation, Reason.MASS_ABSENCE)
    if lost and braked and not (resource.reconcile_requested or resource.new_function_requested):
        condition_set = conditions.stalled(Reason.MASS_ABSENCE, messages.MASS_ABSENCE)
        return FunctionDecision(condition_set=condition_set)
    if empty and (resource.given_function is not None or not resource.new_function_requested):
        given = resource.given_function is not None
        gone = adoption_messages.given_function_gone if given else messages.function_gone
        message = gone(function_of(situation) or "")
        return FunctionDecision(condition_set=conditions.stalled(Reason.FUNCTION_GONE, message), seen=True)
    return None


def _is_reported(situation: FunctionSituation, *reasons: Reason) -> bool:
    """Whether the status says so of this generation already."""
    ready = situation.resource.condition(READY)
    return ready is not None and ready.reason in reasons and ready.observed_generation == situation.resource.generation


def _has_lost_latest(situation: FunctionSituation) -> bool:
    latest = situation.resource.latest_version
    return latest is not None and is_gone(situation, latest) and stands_for_wanted(situation, latest)


def _restricted(situation: FunctionSituation) -> FunctionDecision | None:
    """Refuse a new function beside others of its name, and a version where too many are registered."""
    resource = situation.resource
    new_function = function_of(situation) is None or function_is_empty(situation)
    if new_function and situation.named_alike and not situation.own:
        return beside_others(situation)
    count, limit = len({seen.version_id for seen in situation.own}), resource.history_limit
    if count > limit + SPARE or count >= MOST_VERSIONS:
        message = messages.too_many_versions(count, limit)
        condition_set = conditions.stalled(Reason.TOO_MANY_VERSIONS, message)
        return FunctionDecision(condition_set=condition_set, requeue=situation.timing.poll, seen=True)
    return None


def _limited(situation: FunctionSituation) -> FunctionDecision | None:
    """Refuse a registration that was made three times within an hour, until the manifest changes or reconcile-now."""
    if situation.resource.reconcile_requested or not flap_guard.is_repeated(situation, write_name(situation)):
        return None
    left = flap_guard.window_left(situation)
    condition_set = conditions.stalled(Reason.NOT_CONVERGING, messages.NOT_CONVERGING)
    return FunctionDecision(condition_set=condition_set, requeue=max(left, 1.0), seen=True)


def write_name(situation: FunctionSituation) -> str:
    """Name a registration by its content, so that the same one is known again."""
    wanted = situation.resource.wanted
    return f"register {wanted.hash} {wanted.revision or ''}".rstrip()
