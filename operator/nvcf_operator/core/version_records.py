"""Which versions the record keeps track of: the one that serves, the one that comes up, those on their way out.

A version that NVCF may hold is never dropped from the record before it is proven to be gone.
"""

from nvcf_operator.api.status import Failed, Incoming, Retiring
from nvcf_operator.core import redeployment, undeploying
from nvcf_operator.core.decision import Create, Decision, Undeploy
from nvcf_operator.core.ownership import may_undeploy, refuses
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.rollout import is_over, leaving
from nvcf_operator.core.situation import Absent, Present, Situation
from nvcf_operator.core.versions import former_version, given_up, on_record, versions_held


def main_version(situation: Situation, retiring: tuple[Retiring, ...]) -> str | None:
    """The version that serves, or is to serve while none does; None while there is nothing to report of one."""
    resource = situation.resource
    if resource.deleting:
        return (versions_held(resource) or (resource.wanted_version,))[0]
    kept = former_version(resource)
    if kept is None:
        return resource.wanted_version
    if resource.observes:
        return None
    if resource.paused or situation.holder is not None:
        return kept
    known = (None, resource.status.deployment_id)
    asked = any(x.function_version_id == kept and x.since and (x.deployment_id in known) for x in retiring)
    over = is_over(situation, kept) and situation.believes_absence
    return resource.wanted_version if asked or (over and not is_error(situation, kept)) else kept


def incoming(situation: Situation, decision: Decision, main: str | None) -> Incoming | None:
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


def retiring(situation: Situation, decision: Decision) -> tuple[Retiring, ...]:
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


def failed(situation: Situation, decision: Decision) -> Failed | None:
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
