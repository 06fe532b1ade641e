"""What the status records of a decision: versions, intent, counts. `decide` adds it once, to its last decision.

The record keeps track of the version that serves, the one that comes up, and those on their way out. A version that
NVCF may hold is never dropped from it before it is proven to be gone.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from nvcf_operator.api.spec import AdoptionPolicy
from nvcf_operator.api.status import Failed, Incoming, Intent, LastWrite, Retiring, Retry
from nvcf_operator.core.branches import not_deployed, redeployment, undeploying
from nvcf_operator.core.branches.rollout import is_over, leaving
from nvcf_operator.core.model.decision import ConditionSet, Create, Decision, RecordUpdate, Undeploy
from nvcf_operator.core.model.observed import Absent, Present
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.resource import OF_A_COPY, Resource, answered, is_version_id
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import former_version, given_up, on_record, posts_specifications, versions_held
from nvcf_operator.core.rules import flap_guard, references
from nvcf_operator.core.rules.ownership import is_stranger, may_undeploy, refuses
from nvcf_operator.core.rules.retries import REFUSALS, progress_since

OUTAGES, TIMED = reasons_with(Trait.OUTAGE), reasons_with(Trait.TIMED)


def recorded(situation: Situation, decision: Decision) -> Decision:
    """The decision with what goes on record with it."""
    resource = situation.resource
    retiring = retiring_versions(situation, decision)
    main = main_version(situation, retiring)
    redeploys, retry = redeployment.is_answered(situation), decision.retry
    if not redeploys:
        retry = _retry(situation, decision)
    update = RecordUpdate(
        main_version=main,
        is_ours=main is not None and is_ours(situation, main),
        incoming=incoming_version(situation, decision, main),
        retiring=retiring,
        failed=failed_version(situation, decision),
        intent=None,
        retry=retry,
        # What a user asks for: what was counted before it counts no more.
        last_write=None if redeploys else _last_write(situation),
        progressing_since=_progressing_since(situation, decision.condition_set, retry),
        function_ref=references.taken(resource),
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
    return resource.spec.adoption_policy == AdoptionPolicy.ADOPT and (resource.has_finalizer or resource.keeps)


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
    if (posts := not_deployed.posts_counted(situation)) is not None and situation.unanswered is not None:
        return posts  # also where NVCF could not be read afterwards
    condition_set, resource = decision.condition_set, situation.resource
    if resource.has_news and not resource.holds_immutable_changes:  # what failed was of another version
        return None
    if condition_set is None:
        return resource.status.retry
    if condition_set.ready:
        return None
    # What keeps us from asking says nothing of what NVCF refused; a manifest that has changed since starts over.
    current = resource.status.observed_generation == resource.generation
    kept = situation.refused is not None or situation.credential_failure is not None
    if current and (condition_set.reason in OUTAGES or kept or _pauses(situation)):
        return resource.status.retry
    return not_deployed.posts_counted(situation) or redeployment.under_way(situation)


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
    if resource.has_news and resource.holds_immutable_changes:
        return None  # the deadline is that of the version to come
    if condition_set is None:
        return status.progressing_since
    write_failed = condition_set.reason in OUTAGES and situation.failure is not None and bool(situation.failure.words)
    post_failed = retry is not None and retry.reason == Reason.AWAITING_ANSWER
    if condition_set.reason in TIMED or write_failed or post_failed:
        return progress_since(situation)
    keeps = condition_set.reason in (*OUTAGES, Reason.PENDING) and status.observed_generation == resource.generation
    return status.progressing_since if keeps else None


def main_version(situation: Situation, retiring: tuple[Retiring, ...]) -> str | None:
    """The version that serves, or is to serve while none does; None while there is nothing to report of one."""
    resource = situation.resource
    if resource.deleting:
        return next(iter(versions_held(resource)), resource.wanted_version) or None
    kept = former_version(resource)
    if kept is None:
        return resource.wanted_version or None
    if resource.observes:
        return None
    if resource.paused or situation.holder is not None:
        return kept
    known = (None, resource.status.deployment_id)
    asked = any(x.function_version_id == kept and x.since and (x.deployment_id in known) for x in retiring)
    over = is_over(situation, kept) and situation.believes_absence
    return resource.wanted_version if asked or (over and not is_error(situation, kept)) else kept


def incoming_version(situation: Situation, decision: Decision, main: str | None) -> Incoming | None:
    """The version that comes up beside the one that serves."""
    resource = situation.resource
    old, wanted = resource.status.incoming, resource.wanted_version
    if resource.deleting:
        return None if old is not None and _gone(situation, old.function_version_id) else old
    if at_rest(resource):
        return old or _asked_for(situation, main)
    if main in (None, wanted) or decision.gives_up is not None:
        return None
    if given_up(resource):
        return None
    known = old if old is not None and old.function_version_id == wanted else None
    seen = situation.observation(wanted)
    if isinstance(seen, Present) and not refuses(situation):
        since = known.since if known is not None else situation.now
        return Incoming(function_version_id=wanted, deployment_id=seen.deployment.deployment_id, since=since)
    if known is not None and _gone(situation, wanted):
        return known.model_copy(update={"deployment_id": None})
    return known


def retiring_versions(situation: Situation, decision: Decision) -> tuple[Retiring, ...]:
    """The versions that are being undeployed, and those that are to be."""
    resource, wrote = situation.resource, situation.wrote
    wanted = resource.wanted_version
    kept = {item.function_version_id: item for item in resource.status.retiring}
    if isinstance(wrote, Undeploy):
        version, found = wrote.function_version_id, wrote.deployment_id
        kept[version] = undeploying.begun(situation, version, forced=not wrote.graceful, deployment_id=found)
    if resource.deleting:
        due: tuple[str, ...] = tuple(situation.observations)
    else:
        due = () if at_rest(resource) else _due(situation, decision)
    for version in due:
        seen = situation.observation(version)
        if isinstance(seen, Present) and not may_undeploy(situation, version, seen):
            continue
        if isinstance(seen, Present) and seen.is_inactive:
            kept[version] = undeploying.begun(situation, version, forced=False)
        elif resource.deleting:
            if isinstance(seen, Present) and version not in on_record(resource):
                kept.setdefault(version, undeploying.due(situation, version))  # by an intent whose answer was lost
        elif version != former_version(resource):
            kept.setdefault(version, undeploying.due(situation, version))
    if decision.gives_up is not None:
        kept.setdefault(wanted, undeploying.due(situation, wanted))
    return tuple(item for version, item in sorted(kept.items()) if not _done(situation, decision, version, item))


def failed_version(situation: Situation, decision: Decision) -> Failed | None:
    """The version that was given up, for as long as the manifest that asked for it stands."""
    resource = situation.resource
    if decision.gives_up is not None:
        return Failed(
            function_version_id=resource.wanted_version, generation=resource.generation, reason=decision.gives_up
        )
    if resource.deleting or decision.condition_set is None or given_up(resource):
        return resource.status.failed
    return None


def at_rest(resource: Resource) -> bool:
    """Whether the record of versions stays as it is, for nothing is written to NVCF."""
    return resource.spec is None or resource.paused or resource.observes


def is_error(situation: Situation, version: str) -> bool:
    """Whether NVCF has given that version up, so that it stays there until it is undeployed."""
    seen = situation.observation(version)
    return isinstance(seen, Present) and seen.is_error


def _due(situation: Situation, decision: Decision) -> tuple[str, ...]:
    resource = situation.resource
    seen = situation.observation(resource.wanted_version)
    due = decision.leaving if decision.leaving is not None else leaving(situation, decision)
    if isinstance(seen, Present) and seen.is_inactive and redeployment.purpose(situation, seen):
        due = (*due, resource.wanted_version)
    kept = former_version(resource)
    return (*due, kept) if kept is not None and is_over(situation, kept) and not is_error(situation, kept) else due


def _done(situation: Situation, decision: Decision, version: str, item: Retiring) -> bool:
    """Whether a version is off the list: proven to be gone, or wanted after all.

    A version that is to come back stays on the list until it is asked for again, so that a row that NVCF brings back
    is known for what it is. A record says nothing about another deployment than its own.
    """
    resource = situation.resource
    if version in situation.holders or undeploying.is_about_another(situation, item):
        return True
    if resource.deleting or version != resource.wanted_version or given_up(resource):
        return _gone(situation, version)
    if decision.gives_up is not None:
        return False
    intent, there = situation.open_intent, isinstance(situation.observation(version), Present)
    if item.since is None:  # NVCF was never asked, so it is kept; and on record as such as soon as it is seen
        return there or _gone(situation, version)
    asked_again = intent is not None and intent.function_version_id == version and there
    return asked_again or isinstance(situation.wrote, Create)


def _asked_for(situation: Situation, main: str | None) -> Incoming | None:
    """The version of an intent whose answer was lost, when its deployment is there."""
    intent = situation.open_intent
    seen = situation.observation(intent.function_version_id) if intent is not None else None
    if intent is None or not isinstance(seen, Present) or intent.function_version_id == main:
        return None
    return Incoming(
        function_version_id=intent.function_version_id,
        deployment_id=seen.deployment.deployment_id,
        since=situation.now,
    )


def _gone(situation: Situation, version: str) -> bool:
    return situation.believes_absence and isinstance(situation.observation(version), Absent)
