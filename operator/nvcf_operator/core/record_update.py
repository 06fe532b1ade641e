"""What goes on record with a decision: versions, intent, counts. `decide` adds it once, to what it decides last."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from nvcf_operator.api.spec import AdoptionPolicy
from nvcf_operator.api.status import Intent, LastWrite, Retry
from nvcf_operator.core import flap_guard, redeployment, unanswered, version_records
from nvcf_operator.core.backoff import REFUSALS
from nvcf_operator.core.deadlines import progress_since
from nvcf_operator.core.decision import ConditionSet, Decision, RecordUpdate
from nvcf_operator.core.ownership import is_stranger, may_undeploy
from nvcf_operator.core.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.resource import OF_A_COPY, answered, is_version_id
from nvcf_operator.core.situation import Present, Situation
from nvcf_operator.core.versions import posts_specifications

OUTAGES, TIMED = reasons_with(Trait.OUTAGE), reasons_with(Trait.TIMED)


def recorded(situation: Situation, decision: Decision) -> Decision:
    """The decision with what goes on record with it."""
    resource = situation.resource
    retiring = version_records.retiring(situation, decision)
    main = version_records.main_version(situation, retiring)
    redeploys, retry = redeployment.is_answered(situation), decision.retry
    if not redeploys:
        retry = _retry(situation, decision)
    update = RecordUpdate(
        main_version=main,
        is_ours=main is not None and is_ours(situation, main),
        incoming=version_records.incoming(situation, decision, main),
        retiring=retiring,
        failed=version_records.failed(situation, decision),
        intent=None,
        retry=retry,
        # What a user asks for: what was counted before it counts no more.
        last_write=None if redeploys else _last_write(situation),
        progressing_since=_progressing_since(situation, decision.condition_set, retry),
        redeploy_handled=resource.redeploy_requested if redeploys else resource.status.last_handled_redeploy_at,
    )
    return replace(decision, record=replace(update, intent=_intent(situation, update)))


def is_ours(situation: Situation, version: str) -> bool:
    """Whether a deployment that was seen is this resource's: on record, asked for by it, or adopted just now."""
    resource, seen = situation.resource, situation.observation(version)
    if resource.deleting:  # what is on record is undeployed
        return not isinstance(seen, Present) or may_undeploy(situation, version, seen)
    if not is_stranger(situation):
        return True
    if resource.paused or resource.spec is None or resource.observes:
        return False
    return resource.spec.adoption_policy == AdoptionPolicy.ADOPT and (
        resource.has_finalizer or resource.keeps_deployment
    )


def _intent(situation: Situation, update: RecordUpdate) -> Intent | None:
    """The last intent, as far as its answer is known."""
    if situation.answered_intent is not None:
        return situation.answered_intent
    named = _named(situation, update)
    return _answered_by_sight(situation, named) or situation.resource.status.intent or _suspected(situation, named)


def _answered_by_sight(situation: Situation, named: set[str | None]) -> Intent | None:
    """An open intent whose deployment is there: it is answered, though the answer itself was lost.

    Only if the status names that version from now on: nothing else but the open intent would know of it.
    """
    intent = situation.resource.open_intent
    seen = situation.observation(intent.function_version_id) if intent is not None else None
    if intent is None or not isinstance(seen, Present) or intent.function_version_id not in named:
        return None
    return answered(intent, seen.deployment)


def _suspected(situation: Situation, named: set[str | None]) -> Intent | None:
    """An intent in place of one that was lost with the status: our finalizer says that a POST may be under way.

    With the first status that is written the object does not count as one without a record any more, so it has to be
    in that one, whatever that is about. A deployment that is there and is only shown is no sign of whose it is.
    """
    resource = situation.resource
    seen = situation.observation(resource.wanted_version)
    known = situation.local.finalizer_found_for is None or resource.wanted_version in named
    if known or not is_version_id(resource.wanted_version) or (isinstance(seen, Present) and not resource.paused):
        return None
    no_sign = resource.is_copy or isinstance(seen, Present)
    return Intent(
        uid=resource.uid,
        function_version_id=resource.wanted_version,
        token=f"{OF_A_COPY if no_sign else 'lost-'}{resource.uid[:8]}",
        specifications=posts_specifications(situation),
    )


def _named(situation: Situation, update: RecordUpdate) -> set[str | None]:
    """The versions that the status names with this update."""
    status, main = situation.resource.status, update.main_version
    shown = main is not None and update.is_ours and isinstance(situation.observation(main), Present)
    moves = main is not None and status.function_version_id is not None and not situation.resource.deleting
    coming = {update.incoming.function_version_id} if update.incoming is not None else set()
    retiring = {item.function_version_id for item in update.retiring}
    return {main if shown or moves else status.function_version_id, *coming, *retiring}


def _last_write(situation: Situation) -> LastWrite | None:
    """The count of the last change; as it is stored while it counts the same, whatever has become of its time."""
    old, stored = situation.resource.status.last_write, situation.resource.recorded.get("lastWrite")
    new = (flap_guard.counted(situation, situation.wrote) if situation.wrote is not None else None) or old
    if new is not None and isinstance(stored, Mapping):
        known = LastWrite.model_validate(stored)
        return known if (known.digest, known.count) == (new.digest, new.count) else new
    return new


def _retry(situation: Situation, decision: Decision) -> Retry | None:
    if decision.retry is not None:
        return decision.retry
    if (posts := unanswered.counted(situation)) is not None and situation.unanswered is not None:
        return posts  # also where NVCF could not be read afterwards
    condition_set, resource = decision.condition_set, situation.resource
    if condition_set is None:
        return resource.status.retry
    if condition_set.ready:
        return None
    # What keeps us from asking says nothing of what NVCF refused; a manifest that has changed since starts anew.
    current = resource.status.observed_generation == resource.generation
    kept = situation.refused is not None or situation.credential_failure is not None
    if current and (condition_set.reason in OUTAGES or kept or _pauses(situation)):
        return resource.status.retry
    return unanswered.counted(situation) or redeployment.under_way(situation)


def _pauses(situation: Situation) -> bool:
    """Whether the pause after a refused request still runs, which another resource's claim may outlast."""
    retry = situation.resource.status.retry
    if retry is None or retry.next_attempt_time is None or retry.reason not in (*REFUSALS, Reason.NO_CAPACITY):
        return False
    return retry.next_attempt_time > situation.now


def _progressing_since(
    situation: Situation, condition_set: ConditionSet | None, retry: Retry | None
) -> datetime | None:
    status, resource = situation.resource.status, situation.resource
    if condition_set is None:
        return status.progressing_since
    write_failed = condition_set.reason in OUTAGES and situation.failure is not None and bool(situation.failure.words)
    post_failed = retry is not None and retry.reason == Reason.AWAITING_ANSWER
    if condition_set.reason in TIMED or write_failed or post_failed:
        return progress_since(situation)
    keeps = condition_set.reason in (*OUTAGES, Reason.PENDING) and status.observed_generation == resource.generation
    return status.progressing_since if keeps else None
