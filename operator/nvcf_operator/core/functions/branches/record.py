"""What the status records of a decision: ids, versions, intent, counts.

A version is never dropped from the record before it is proven to be gone. The latest one stays even then, until another
one takes its place: it says for what the function's clients were served last, and that its loss is to be made good.
"""

from dataclasses import replace
from typing import Any

from nvcf_operator.api.common import LastWrite, Retry
from nvcf_operator.api.function_status import FailedTemplate, LatestVersion, RegisteredVersion, Registration
from nvcf_operator.core.functions.branches.collecting import is_undeletable
from nvcf_operator.core.functions.branches.in_place import change_name
from nvcf_operator.core.functions.branches.registering import MOST_VERSIONS, search_left, write_name
from nvcf_operator.core.functions.model.adoption import other_function
from nvcf_operator.core.functions.model.decision import (
    FunctionDecision,
    FunctionRecordUpdate,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.unsent import registered_with, sent_to, unsent
from nvcf_operator.core.functions.model.versions import (
    asked_for,
    by_age,
    function_is_empty,
    function_of,
    in_use,
    is_gone,
    is_leaving,
    label_of,
    usable,
)
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules import flap_guard


def recorded(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision with what goes on record with it."""
    resource = situation.resource
    taken = next((seen for seen in situation.shown if seen.version_id == decision.taken), None)
    status, function = resource.status, _function(situation, decision, taken)
    another = status.function_id is not None and function != status.function_id
    latest = _latest(situation, taken)
    # Where there is a version, a request has been answered, or says nothing: it must not count later.
    new_version = resource.new_version_requested if taken is not None else None
    new_function = resource.new_function_requested if another or taken is not None else None
    return replace(
        decision,
        record=FunctionRecordUpdate(
            function_id=function,
            latest=latest,
            versions=_versions(situation, taken, latest),
            intent=_intent(situation, decision),
            failed=_failed(situation, decision),
            last_write=_last_write(situation),
            retry=_retry(situation, decision),
            new_version_handled=new_version or status.last_handled_new_version_at,
            new_function_handled=new_function or status.last_handled_new_function_at,
            secrets_handled=_resent(situation, decision) or status.last_handled_secrets_at,
        ),
    )


def _function(situation: FunctionSituation, decision: FunctionDecision, taken: VersionSeen | None) -> str | None:
    """The function of this resource. One that it adopts is on record as soon as there is a version of it to manage."""
    if (other := other_function(situation)) is not None:
        return other
    function = function_of(situation)
    if taken is not None:
        return function or taken.function_id
    own = situation.own or asked_for(situation) is not None  # an answer may show no mark
    manages = situation.resource.function_id is not None or own or isinstance(decision.action, Register)
    return function if manages else None


def _latest(situation: FunctionSituation, taken: VersionSeen | None) -> LatestVersion | None:
    resource = situation.resource
    if taken is None:
        return resource.status.latest
    wanted = resource.wanted
    revision = wanted.revision or label_of(situation, taken).revision
    return LatestVersion(
        version_id=taken.version_id, hash=wanted.hash, revision=revision, generation=resource.generation
    )


def _versions(
    situation: FunctionSituation, taken: VersionSeen | None, latest: LatestVersion | None
) -> tuple[RegisteredVersion, ...]:
    """The versions on record: the latest, then those that were it before, the last one first."""
    resource = situation.resource
    shown = {seen.version_id: seen for seen in situation.shown}
    entries = {item.version_id: item for item in resource.status.versions}
    if not entries and resource.latest_version is None and asked_for(situation) is None:
        for seen in sorted(usable(situation), key=by_age):  # the record was lost
            if all(label_of(situation, seen) != (item.hash, item.revision) for item in entries.values()):
                entries = {seen.version_id: _entry(situation, seen).model_copy(update={"served": True}), **entries}
    function = function_of(situation)
    for found in (asked_for(situation), taken):
        if found is not None and found.function_id == function and found.version_id not in entries:
            entries = {found.version_id: _entry(situation, found), **entries}
    for version, item in tuple(entries.items()):
        if is_gone(situation, version) and (latest is None or version != latest.version_id):
            del entries[version]
            continue
        changes: dict[str, Any] = {}
        if not item.served and _has_served(situation, shown.get(version), version):
            changes["served"] = True
        if not item.leaving and is_leaving(situation, version):
            changes["leaving"] = True
        if latest is not None and version == latest.version_id:
            changes |= {"hash": latest.hash, "revision": latest.revision}
        if taken is not None and version == taken.version_id:
            changes["secret_names"] = digest_of_names(resource.secret_names)
        changes |= sent_to(situation, item)
        entries[version] = item.model_copy(update=changes)
    first = [entries.pop(latest.version_id)] if latest is not None and latest.version_id in entries else []
    return (*first, *entries.values())[:MOST_VERSIONS]


def _entry(situation: FunctionSituation, seen: VersionSeen) -> RegisteredVersion:
    label = label_of(situation, seen)
    return RegisteredVersion(
        version_id=seen.version_id,
        hash=label.hash,
        revision=label.revision,
        created_at=seen.created_at,
        **registered_with(situation, seen),
    )


def _resent(situation: FunctionSituation, decision: FunctionDecision) -> str | None:
    """The token of a request to send all secrets again, once that is under way, or nothing has any."""
    resource = situation.resource
    if resource.secrets_requested is None or isinstance(situation.wrote, SendSecrets):
        return resource.secrets_requested
    known = situation.secrets is not None and situation.secrets.sources is not None
    has_all = known and not any(unsent(situation, seen) for seen in in_use(situation))
    return resource.secrets_requested if decision.taken and (has_all or not resource.secret_names) else None


def _has_served(situation: FunctionSituation, seen: VersionSeen | None, version: str) -> bool:
    known = seen.known_status if seen is not None else None
    return (known is not None and known.serves) or any(version in item.serving for item in situation.followers)


def _intent(situation: FunctionSituation, decision: FunctionDecision) -> Registration | None:
    """The last intent, as far as its answer is known."""
    resource, intent = situation.resource, situation.resource.intent
    if situation.answered_intent is not None:
        return situation.answered_intent
    if intent is None:
        return _suspected(situation) or resource.status.intent
    if intent.answered:
        return intent
    needless = decision.taken is not None and search_left(situation) <= 0
    found = asked_for(situation)
    if found is not None and found.function_id != function_of(situation) and function_is_empty(situation):
        return intent  # which of the two functions it is going to be shows when the other one's loss is proven, or not
    if found is not None or needless:
        return intent.model_copy(update={"answered": True})
    return intent


def _suspected(situation: FunctionSituation) -> Registration | None:
    """An intent in place of one that was lost with the status: our finalizer says that a POST may be under way.

    With the first status that is written the object does not count as one without a record any more, so it has to be in
    that one, whatever that is about.
    """
    resource, found_for = situation.resource, situation.finalizer_found_for
    if found_for is None or found_for >= situation.timing.register_settle or resource.spec is None:
        return None
    wanted = resource.wanted
    return Registration(uid=resource.uid, hash=wanted.hash, revision=wanted.revision, token=f"lost-{resource.uid[:8]}")


def _failed(situation: FunctionSituation, decision: FunctionDecision) -> FailedTemplate | None:
    """The template that NVCF refused, while the manifest asks for it."""
    resource, old = situation.resource, situation.resource.status.failed
    failure, intent = situation.failure, situation.answered_intent
    if decision.taken is not None:
        return None
    if failure is not None and failure.scope == Scope.RESOURCE and intent is not None and not resource.deleting:
        return FailedTemplate(hash=intent.hash, generation=resource.generation, reason=failure.reason)
    if old is None or resource.spec is None:
        return old
    return old if (old.hash, old.generation) == (resource.wanted.hash, resource.generation) else None


def _last_write(situation: FunctionSituation) -> LastWrite | None:
    if isinstance(situation.wrote, Register):
        return flap_guard.counted_again(situation, write_name(situation))
    if isinstance(situation.wrote, UpdateVersion | RemoveRateLimit) and situation.wrote.corrects:
        return flap_guard.counted_again(situation, change_name(situation))
    return situation.resource.status.last_write


def _retry(situation: FunctionSituation, decision: FunctionDecision) -> Retry | None:
    """The pause on record: of a refused template, of a POST without an answer, or of a version not to be deleted."""
    resource, old = situation.resource, situation.resource.status.retry
    if decision.retry is not None or decision.condition_set is None:
        return decision.retry or old
    if decision.taken is not None:
        awaits = old is not None and old.reason != Reason.AWAITING_REGISTRATION and resource.status.failed is None
        return old if awaits and is_undeletable(situation) else None
    return old if resource.is_reported else None
