"""Which versions are this resource's, what each stands for, and which one has the content of the manifest.

A version is this resource's by its mark, or by its id on record. The record knows best what it stands for: by equality
of meaning one version may stand for several hashes. Without a record its mark says it, and then its content has to
agree, since anybody may write a tag.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from nvcf_operator.core.functions.model.adoption import adoptable, is_strange, named_function
from nvcf_operator.core.functions.model.decision import DeleteVersion
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.observed import FunctionStatus

LAST = datetime.max.replace(tzinfo=UTC)


class Label(NamedTuple):
    """What a version stands for."""

    hash: str
    revision: str | None


def label_of(situation: FunctionSituation, seen: VersionSeen) -> Label:
    """What a version stands for, by the record, else by its mark; one that is adopted stands for the manifest."""
    recorded = situation.resource.recorded_version(seen.version_id)
    if recorded is not None:
        return Label(recorded.hash, recorded.revision)
    if seen.mark is not None and not is_strange(situation, seen):
        return Label(seen.mark.hash, seen.mark.revision)
    if seen == adoptable(situation, function_of(situation)):
        return Label(situation.resource.wanted.hash, situation.resource.revision)
    return Label("", None)


def by_age(seen: VersionSeen) -> tuple[datetime, str]:
    """The order of versions: oldest first, then by id."""
    return seen.created_at or LAST, seen.version_id


def asked_for(situation: FunctionSituation) -> VersionSeen | None:
    """The version that the POST of the last intent has registered, if it is there.

    Once the answer is on record, so is the version. Another one with that token is somebody's copy, tags included.
    """
    intent = situation.intent
    if situation.answer is not None or intent is None:
        return situation.answer
    named = [seen for seen in situation.own if seen.mark and seen.mark.token == intent.token]
    if situation.answered_intent is None and intent.answered:
        named = [seen for seen in named if seen.version_id in situation.resource.recorded_ids]
    return named[0] if named else None


def function_of(situation: FunctionSituation) -> str | None:
    """The function of this resource: that on record, that which a POST has just created, or that which it names.

    A POST takes the place of what is on record only where that is lost. Without these the oldest of its versions says
    it, so that the clients' address stays the same; else the one that it adopts by name.
    """
    resource, intent, found = situation.resource, situation.intent, asked_for(situation)
    creates = intent is None or intent.function_id is None
    duplicates = resource.given_function is not None or _has_function(situation)
    if found is not None and creates and not duplicates:
        return found.function_id
    oldest = min(situation.own, key=by_age, default=None)
    if resource.claimed_function is not None or oldest is None:
        return resource.claimed_function or named_function(situation)
    return oldest.function_id


def _has_function(situation: FunctionSituation) -> bool:
    """Whether the function on record is there: two POSTs without an answer may both have created one."""
    function = situation.resource.function_id
    if function is None:
        return False
    there = any(seen.function_id == function for seen in situation.shown)
    unproven = not all(is_gone(situation, version) for version in missing(situation))
    return there or (unproven and situation.resource.new_function_requested is None)


def usable(situation: FunctionSituation) -> tuple[VersionSeen, ...]:
    """The versions that the resource may follow: its own, and those on record whose mark was wiped."""
    resource, function = situation.resource, function_of(situation)
    own = {seen.version_id for seen in situation.own}
    return tuple(
        seen
        for seen in situation.shown
        if (seen.version_id in own or seen.version_id in resource.recorded_ids)
        and function in (None, seen.function_id)
        and not is_leaving(situation, seen.version_id)
    )


def is_leaving(situation: FunctionSituation, version_id: str) -> bool:
    """Whether a DELETE of that version was sent, so that it is gone or about to go."""
    recorded, wrote = situation.resource.recorded_version(version_id), situation.wrote
    sent = isinstance(wrote, DeleteVersion) and wrote.version_id == version_id
    return sent or version_id in situation.delete_sent_for or (recorded is not None and recorded.leaving)


def latest(situation: FunctionSituation) -> VersionSeen | None:
    """The latest version on record, if it is there."""
    wanted = situation.resource.latest_version
    return next((seen for seen in usable(situation) if seen.version_id == wanted), None)


def matching(situation: FunctionSituation) -> VersionSeen | None:
    """The version that has the content of the manifest, so that none has to be registered.

    With a revision, only a version of that revision is one, or the latest without any. Without a revision it is the
    latest, if its content is the same, or a former one of the same hash that has no revision either. None takes the
    place of a latest one that is only out of sight. Where nothing is on record yet, a version of an adopted function is
    taken that somebody else has registered.
    """
    wanted, found, current = situation.resource.wanted, usable(situation), latest(situation)
    hidden = current is None and _is_hidden(situation)
    if hidden and stands_for_wanted(situation, situation.resource.latest_version):
        return None
    if (bearer := _of_revision(situation)) is not None:
        return bearer if _has_content(situation, bearer) else None
    unnamed = [seen for seen in found if label_of(situation, seen).revision is None]
    if wanted.revision is None and current is not None and _has_content(situation, current):
        return current
    if current is not None and current in unnamed and _has_content(situation, current):
        return current
    same = [seen for seen in unnamed if _has_hash(situation, seen)]
    if same:
        recorded = [seen for seen in same if situation.resource.recorded_version(seen.version_id) is not None]
        return min(recorded or same, key=by_age)
    if current is None and unnamed and not hidden:  # the record is lost, or the latest one is gone
        newest = max(unnamed, key=lambda seen: (seen.created_at is not None, by_age(seen)))
        if _means_the_same(situation, newest):
            return newest
    return adoptable(situation, function_of(situation))


def _is_hidden(situation: FunctionSituation) -> bool:
    """Whether the latest version on record is not there, and not proven to be gone."""
    version = situation.resource.latest_version
    return version is not None and not is_leaving(situation, version) and not is_gone(situation, version)


def stands_for_wanted(situation: FunctionSituation, version: str | None) -> bool:
    """Whether the record says that a version has the wanted template."""
    resource, recorded = situation.resource, situation.resource.recorded_version(version or "")
    if resource.status.latest is not None and resource.status.latest.version_id == version:
        return resource.status.latest.hash == resource.wanted.hash
    return recorded is not None and recorded.hash == resource.wanted.hash


def in_use(situation: FunctionSituation) -> tuple[VersionSeen, ...]:
    """The versions that are kept as the manifest says, the one that FunctionDeployments follow first.

    These are the version with the manifest's content, or the latest one while there is none; those that a
    FunctionDeployment names or pins; and those on record that are not INACTIVE. The others of the history are kept as
    they are until they come into use again.
    """
    first = matching(situation) or latest(situation)
    recorded = situation.resource.recorded_ids
    found = [
        seen
        for seen in usable(situation)
        if situation.is_held(seen.version_id)
        or is_pinned(situation, seen)
        or (seen.version_id in recorded and seen.known_status != FunctionStatus.INACTIVE)
    ]
    others = sorted((seen for seen in found if seen != first), key=by_age, reverse=True)
    return (*((first,) if first is not None else ()), *others)


def reused(situation: FunctionSituation) -> VersionSeen | None:
    """The version that has the manifest's revision and another template."""
    bearer = _of_revision(situation)
    return bearer if bearer is not None and not _has_content(situation, bearer) else None


def is_asked_again(situation: FunctionSituation, bearer: VersionSeen) -> bool:
    """Whether it is only the request for another version that tells the manifest from the version of its revision."""
    resource = situation.resource
    same = bearer.meaning == resource.wanted.meaning and has_wanted_secrets(situation, bearer)
    return resource.new_version_requested is not None and same


def _of_revision(situation: FunctionSituation) -> VersionSeen | None:
    wanted, current = situation.resource.wanted, latest(situation)
    if wanted.revision is None:
        return None
    bearers = [seen for seen in usable(situation) if label_of(situation, seen).revision == wanted.revision]
    if current in bearers:
        return current
    with_content = [seen for seen in bearers if _has_content(situation, seen)]
    return min(with_content or bearers, key=by_age, default=None)


def _has_content(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version has the manifest's content: it was registered for its hash, or it means the same."""
    same_hash = label_of(situation, seen).hash == situation.resource.wanted.hash
    return (same_hash and _is_as_marked(situation, seen)) or _means_the_same(situation, seen)


def _has_hash(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version was registered for the wanted hash, or stands for it on record, and has its content.

    The record may name a later hash of the same meaning; the way back to the first one is in the mark.
    """
    wanted = situation.resource.wanted
    if label_of(situation, seen).hash == wanted.hash:
        return _is_as_marked(situation, seen)
    return seen.mark is not None and seen.mark.hash == wanted.hash and seen.meaning == wanted.meaning


def _is_as_marked(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version of the wanted hash has the content of that hash.

    Of one on record, and of what our own POST has registered, that is known: the server may show content in a form
    that nobody has thought of, and must not be made to register it again and again.
    """
    recorded = situation.resource.recorded_version(seen.version_id) is not None
    known = recorded or seen == asked_for(situation) or not seen.meaning
    return known or (seen.meaning == situation.resource.wanted.meaning and has_wanted_secrets(situation, seen))


def _means_the_same(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version of another hash has the same content. A request for another version it cannot answer."""
    resource = situation.resource
    same = seen.meaning == resource.wanted.meaning and has_wanted_secrets(situation, seen)
    return resource.new_version_requested is None and same


def has_wanted_secrets(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a version has the secrets that the manifest names, as far as is known; never mind their values."""
    resource, recorded = situation.resource, situation.resource.recorded_version(seen.version_id)
    if seen.secret_names is not None:
        return seen.secret_names == resource.secret_names
    return recorded is None or recorded.secret_names == digest_of_names(resource.secret_names)


def is_pinned(situation: FunctionSituation, seen: VersionSeen) -> bool:
    """Whether a FunctionDeployment pins the version's revision, though it may not have come to it yet.

    It takes versions on record only, so a duplicate of one of these is not pinned.
    """
    revision, recorded = label_of(situation, seen).revision, situation.resource.status.versions
    pins = {follower.pinned for follower in situation.followers if follower.refers and not follower.deleting}
    if revision is None or revision not in pins:
        return False
    bearers = {item.version_id for item in recorded if item.revision == revision and not item.leaving}
    there = bearers & {item.version_id for item in situation.shown}
    return not there or seen.version_id in there


def missing(situation: FunctionSituation) -> tuple[str, ...]:
    """The versions on record that are not there, as far as was seen."""
    there = {seen.version_id for seen in situation.shown}
    return tuple(version for version in situation.resource.recorded_ids if version not in there)


def is_gone(situation: FunctionSituation, version_id: str) -> bool:
    """Whether a version is proven to be gone: the account is the right one, and 404 has lasted through the settle."""
    absent_for = situation.absent_for.get(version_id, -1.0)
    there = any(seen.version_id == version_id for seen in situation.shown)
    return not there and situation.believes_absence and absent_for >= situation.timing.redeploy_settle


def function_is_empty(situation: FunctionSituation) -> bool:
    """Whether the function on record shows no version at all, whosever it is."""
    function = function_of(situation)
    return function is not None and all(seen.function_id != function for seen in situation.shown)
