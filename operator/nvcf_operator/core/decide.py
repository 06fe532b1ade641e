"""What to do about one resource: the design's table of situations, read from top to bottom.

`decide` is pure. The runtime observes, calls it, carries out the write it asks for, adds what came of that to the
situation and calls it again: what the second call says is what status tells.
"""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.core import messages, observing, verdicts
from nvcf_operator.core.absence import absent
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.deletion import deletion
from nvcf_operator.core.presence import listed, present
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Absent, Listed, Present, Situation
from nvcf_operator.core.waiting import waiting

SLOW = 300.0
"""Seconds between two looks at what only another person or another resource can change."""


def decide(situation: Situation) -> Decision:
    """Decide on a resource. Total: every situation has an answer, and none of them is a guess."""
    resource = situation.resource
    if resource.deleting:
        return deletion(situation)
    if resource.spec is None:
        return Decision(verdict=verdicts.stalled(Reason.INVALID_SPEC, messages.invalid_spec(resource.spec_error)))
    if problems := resource.spec.problems():
        return Decision(verdict=verdicts.stalled(Reason.INVALID_SPEC, "; ".join(problems)))
    if situation.access is not None:
        return waiting(situation, situation.access)
    if resource.spec.management_policy == ManagementPolicy.OBSERVE or resource.paused:
        return observing.shown(situation)
    if version := other_version(situation):
        return Decision(
            verdict=verdicts.stalled(Reason.NOT_SUPPORTED, messages.version_change(version, resource.wanted_version)),
            seen=True,
        )
    if situation.holder is not None:
        return Decision(
            verdict=verdicts.stalled(Reason.CONFLICT, messages.conflict(situation.holder, resource.wanted_version)),
            requeue=SLOW,
        )
    match situation.sighting(resource.wanted_version):
        case Absent() as nothing:
            return absent(situation, nothing)
        case Present() as seen:
            return present(situation, seen)
        case Listed() as entry:
            return listed(situation, entry)
        case None:
            return Decision(verdict=verdicts.progressing(Phase.PENDING, Reason.PENDING, messages.PENDING), requeue=1.0)
        case unseen:
            return waiting(situation, unseen.trouble)


def other_version(situation: Situation) -> str | None:
    """The version that the record holds, when the manifest asks for another one."""
    resource = situation.resource
    held = resource.status.function_version_id
    return held if resource.holds and held and held != resource.wanted_version else None
