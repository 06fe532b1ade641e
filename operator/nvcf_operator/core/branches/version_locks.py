"""What is held back while something else writes the function version, or has to before it is deployed.

NVCF rewrites the version's whole row at each change. A change of tags that has read INACTIVE and is written after the
POST of a deployment ends that deployment again (facts on the functions API, section 2.9).
"""

from dataclasses import replace

from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches.rollout import with_available
from nvcf_operator.core.model.decision import Change, ConditionSet, Create, Decision, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages, reference_messages
from nvcf_operator.core.rules.pruning import makes_way
from nvcf_operator.core.rules.retries import phase_at_work
from nvcf_operator.core.rules.version_locks import WAIT


def unlocked(situation: Situation, decision: Decision) -> Decision:
    """The decision, but that nothing is written to a version that something else writes."""
    action = decision.action
    if not isinstance(action, Create | Change | Undeploy):
        return decision
    for rule in (_locked, _outdated):
        if (wait := rule(situation, action)) is not None:
            return _waiting(situation, *wait)
    return decision


Wait = tuple[float, ConditionSet | None]
"""Seconds, and what is reported of them; None: what is reported already."""


def _locked(situation: Situation, action: Create | Change | Undeploy) -> Wait | None:
    """Wait for another call that writes the version. A short wait is the actuator's, and needs no word."""
    wanted = situation.resource.wanted_version
    versions = [action.function_version_id]
    if isinstance(action, Undeploy) and makes_way(situation, action):
        versions.append(wanted)  # nothing is taken down for what could not be deployed next
    found = [(left, version) for version in versions if (left := situation.locked_for.get(version, 0.0)) > WAIT]
    if not found:
        return None
    left, version = max(found)
    condition_set = conditions.progressing(_phase(situation), Reason.VERSION_BUSY, messages.version_busy(version))
    return min(left, situation.timing.busy_poll), condition_set  # its effect may be seen before


def _outdated(situation: Situation, action: Create | Change | Undeploy) -> Wait | None:
    """Wait for the CloudFunction to bring the version up to date, which is to be done before it is deployed.

    Not once a POST of it may be under way: the CloudFunction waits for that one.
    """
    update, intent = situation.update, situation.open_intent
    wanted, settle = situation.resource.wanted_version, situation.timing.write_settle
    deploys = isinstance(action, Create) and action.function_version_id == wanted
    if update is None or not (deploys or (isinstance(action, Undeploy) and makes_way(situation, action))):
        return None
    if update.waited >= settle or (intent is not None and intent.function_version_id == wanted):
        return None
    if update.waited < WAIT and situation.resource.is_reported:
        return WAIT - update.waited, None
    message = reference_messages.version_outdated(update.function, wanted, settle)
    return settle - update.waited, conditions.progressing(_phase(situation), Reason.FUNCTION_NOT_READY, message)


def _phase(situation: Situation) -> str:
    return Phase.DRAINING if situation.resource.deleting else phase_at_work(situation.resource)


def _waiting(situation: Situation, seconds: float, condition_set: ConditionSet | None) -> Decision:
    resource = situation.resource
    retry = None if resource.has_news else resource.status.retry
    shown = with_available(situation, condition_set)
    return replace(Decision(condition_set=shown, requeue=seconds), retry=retry)
