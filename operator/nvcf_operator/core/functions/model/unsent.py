"""Which values of secrets a version lacks.

The set of names belongs to the template, so a version keeps the names that it was registered with. Values change in
place. What a version has got is on record as a digest of where its values are from: Secrets that are the same give the
same values, and a value could be guessed from its digest.
"""

from dataclasses import replace

from nvcf_operator.api.conditions import SECRETS_SYNCED
from nvcf_operator.api.function_status import RegisteredVersion
from nvcf_operator.core.functions.model.decision import SendSecrets
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import asked_for, in_use, matching


def unsent(situation: FunctionSituation, seen: VersionSeen) -> SendSecrets | None:
    """What has to be sent to a version in use; None where it has all values, or none can be sent.

    A version that was registered without secrets never gets any: NVCF would refuse them while it is deployed.
    """
    resource, secrets = situation.resource, situation.secrets
    if secrets is None or secrets.sources is None or _was_sent(situation, seen.version_id):
        return None
    recorded = resource.recorded_version(seen.version_id) or _unrecorded(situation, seen)
    if recorded.secret_names is None:
        return None
    names = _names_of(situation, seen, recorded)
    if resource.secrets_requested is None:
        names &= _changed(situation, recorded)
    return SendSecrets(seen.function_id, seen.version_id, secrets.sources, names) if names else None


def _changed(situation: FunctionSituation, recorded: RegisteredVersion) -> frozenset[str]:
    """The secrets whose values have changed since they were sent to a version; all where that is not known."""
    secrets, names = situation.secrets, situation.resource.secret_names
    if secrets is None or recorded.secrets == secrets.sources:
        return frozenset()
    return secrets.changed_since.get(recorded.secrets, names) if recorded.secrets is not None else names


def _names_of(situation: FunctionSituation, seen: VersionSeen, recorded: RegisteredVersion) -> frozenset[str]:
    """The secrets of the manifest that a version has: of other names than the manifest's, only a read of it shows."""
    wanted = situation.resource.secret_names
    if recorded.secret_names == digest_of_names(wanted):
        return wanted
    return wanted & (seen.secret_names or frozenset())


def _unrecorded(situation: FunctionSituation, seen: VersionSeen) -> RegisteredVersion:
    """What is known of the secrets of a version that is not on record yet."""
    return RegisteredVersion(version_id=seen.version_id, hash="", **registered_with(situation, seen))


def _was_sent(situation: FunctionSituation, version_id: str) -> bool:
    wrote = situation.wrote
    return isinstance(wrote, SendSecrets) and wrote.version_id == version_id


def registered_with(situation: FunctionSituation, seen: VersionSeen) -> dict[str, str | None]:
    """What goes on record of the secrets of a version that was registered, or found."""
    resource, intent, made = situation.resource, situation.intent, asked_for(situation)
    if intent is not None and made is not None and made.version_id == seen.version_id:
        return {"secrets": intent.secrets, "secret_names": intent.secret_names}
    if seen.secret_names is not None:
        return {"secret_names": digest_of_names(seen.secret_names)}
    of_wanted = (seen.mark is not None and seen.mark.hash == resource.wanted.hash) or seen == matching(situation)
    return {"secret_names": digest_of_names(resource.secret_names) if of_wanted else None}


def sent_to(situation: FunctionSituation, recorded: RegisteredVersion) -> dict[str, str | None]:
    """What goes on record of the values that a version has by now: none of them is another than was sent."""
    secrets, wrote, requested = situation.secrets, situation.wrote, situation.resource.secrets_requested
    if recorded.secret_names is None:
        return {}
    if isinstance(situation.unsure, SendSecrets) and situation.unsure.version_id == recorded.version_id:
        return {"secrets": None}  # those before, or those that were sent: all are sent, even if the former come back
    if isinstance(wrote, SendSecrets) and (requested or wrote.version_id == recorded.version_id):
        return {"secrets": wrote.sources if wrote.version_id == recorded.version_id else None}
    if secrets is None or secrets.sources is None or recorded.secrets is None or requested:
        return {}
    seen = next((item for item in situation.shown if item.version_id == recorded.version_id), None)
    known = recorded.secret_names == digest_of_names(situation.resource.secret_names)
    if seen is None or not (known or seen.secret_names is not None):
        return {}
    same = not _names_of(situation, seen, recorded) & _changed(situation, recorded)
    return {"secrets": secrets.sources} if same else {}


def nameless(situation: FunctionSituation) -> tuple[VersionSeen, ...]:
    """The versions the names of whose secrets matter and are not known, so that they are read.

    That is where the record of them is lost, and where they serve with other secrets than the manifest's.
    """
    resource = situation.resource
    if not resource.needs_secrets:
        return ()
    recorded = {item.version_id: item.secret_names for item in resource.status.versions}
    others = {version for version, names in recorded.items() if names not in (None, _wanted_names(situation))}
    used = {seen.version_id for seen in in_use(situation)}
    own = {seen.version_id for seen in situation.own}
    return tuple(
        seen
        for seen in situation.shown
        if seen.secret_names is None
        and seen != asked_for(situation)
        and (seen.version_id in others & used or (seen.version_id in own and seen.version_id not in recorded))
    )


def out_of_reach(situation: FunctionSituation) -> tuple[VersionSeen, ...]:
    """The versions in use that lack values which cannot be sent, since nothing shows which secrets they have."""
    unknown, resource = set(nameless(situation)), situation.resource
    recorded = {item.version_id: item for item in resource.status.versions}
    return tuple(
        seen
        for seen in in_use(situation)
        if seen in unknown and seen.version_id in recorded and _changed(situation, recorded[seen.version_id])
    )


def _wanted_names(situation: FunctionSituation) -> str | None:
    return digest_of_names(situation.resource.secret_names)


def may_be_outdated(resource: CloudFunction) -> bool:
    """Whether the record may not say which values the versions have: an earlier process may have sent others.

    It dies between a PUT and the record of it, and the manifest goes back to what is on record before another process
    looks. The values were of a manifest between the one on record and this one, or of the one on record, if that was
    not in effect by then.
    """
    synced, reported = resource.condition(SECRETS_SYNCED), resource.status.observed_generation
    if resource.lost or reported == resource.generation:
        return False
    in_effect = synced is None or (synced.status == "True" and synced.observed_generation == reported)
    return reported + 1 < resource.generation or not in_effect


def without_sources(resource: CloudFunction) -> CloudFunction:
    """The resource with no word of which values its versions have, so that all are sent."""
    versions = tuple(item.model_copy(update={"secrets": None}) for item in resource.status.versions)
    return replace(resource, status=resource.status.model_copy(update={"versions": versions}))
