"""Which function that this resource did not create is to be managed by it, and which of its versions is taken.

A function is adopted by its id (`spec.functionId`), or by its name where the manifest asks for that (`adoptionPolicy:
Adopt`) and the account has exactly one of that name. Of its versions one with the manifest's content is taken, once:
as soon as a latest version is on record, what somebody else registers in the function stays theirs.
"""

from datetime import UTC, datetime

from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation

FIRST = datetime.min.replace(tzinfo=UTC)


def other_function(situation: FunctionSituation) -> str | None:
    """The function that the resource has, where its manifest names another one; None where the two agree.

    Without a record the versions with its mark say which one it has.
    """
    given, recorded = situation.resource.given_function, situation.resource.function_id
    if given is None:
        return None
    if recorded is not None:
        return recorded if recorded.lower() != given else None
    functions = {seen.function_id for seen in situation.own}
    return min(functions, default=None) if given not in functions else None


def named_function(situation: FunctionSituation) -> str | None:
    """The function that is adopted by its name: the only one of that name, and no POST of ours may create another.

    It says nothing while the resource has a function by its record or by its versions.
    """
    if not situation.resource.adopts_by_name or situation.own or len(situation.named_alike) != 1:
        return None
    return situation.named_alike[0] if not _may_appear(situation) else None


def adoptable(situation: FunctionSituation, function: str | None) -> VersionSeen | None:
    """The version of an adopted function that has the manifest's content.

    Of several it is one that is deployed, so that adoption rolls nothing out, then the one that bore the manifest's
    revision or hash for another object, as after a restore, then the newest.
    """
    resource = situation.resource
    asks = resource.given_function is not None or resource.adopts_by_name
    if function is None or not asks or resource.latest_version is not None:
        return None
    found = [seen for seen in situation.shown if seen.function_id == function and _is_equal(situation, seen)]
    return max(found, key=lambda seen: _preference(situation, seen), default=None)


def is_strange(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version bears no mark of this very object."""
    return seen.mark is None or seen.mark.uid != situation.resource.mark_uid


def _may_appear(situation: FunctionSituation) -> bool:
    """Whether a POST of ours may still create a function, as far as its intent or our finalizer says."""
    intent, found_for = situation.open_intent, situation.finalizer_found_for
    if intent is not None:
        return max(situation.searched_for, found_for or 0.0) < situation.search_pause
    return situation.intent is None and found_for is not None and found_for < situation.timing.register_settle


def _is_equal(situation: FunctionSituation, seen: VersionSeen) -> bool:
    resource = situation.resource
    if not is_strange(situation, seen) or seen.version_id in situation.delete_sent_for or not seen.meaning:
        return False
    if seen.meaning != resource.wanted.meaning or seen.secret_names not in (None, resource.secret_names):
        return False
    # A request for another version is answered by one that was registered for that very request.
    return resource.new_version_requested is None or _has_hash(situation, seen)


def _has_hash(situation: FunctionSituation, seen: VersionSeen) -> bool:
    return seen.mark is not None and seen.mark.hash == situation.resource.wanted.hash


def _preference(situation: FunctionSituation, seen: VersionSeen) -> tuple[bool, bool, bool, datetime, str]:
    wanted = situation.resource.wanted
    revision = seen.mark.revision if seen.mark is not None else None
    return (
        situation.is_held(seen.version_id) or seen.is_deployed,
        wanted.revision is not None and revision == wanted.revision,
        _has_hash(situation, seen),
        seen.created_at or FIRST,
        seen.version_id,
    )
