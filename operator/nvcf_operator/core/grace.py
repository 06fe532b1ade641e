"""What another controller may bring is waited for before it counts as standing still.

A Secret comes by external-secrets or sealed-secrets, a key takes a while to take effect, a function version is made by
a pipeline, and another resource may let go of a version. Helm, Flux and Argo CD give a release up at the first Stalled,
so for `--stalled-grace-seconds` it is Reconciling. The span is what this process has itself seen pass; what is on
record as Stalled stays so, so that a restart does not begin it anew.
"""

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.conditions import Phase
from nvcf_operator.core import condition_sets
from nvcf_operator.core.decision import ConditionSet
from nvcf_operator.core.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.situation import Situation

AWAITED = reasons_with(Trait.AWAITED)


def left(situation: Situation, reason: Reason) -> float:
    """Seconds for which something that stands in the way for that reason is still waited for; 0: it is Stalled."""
    resource, local = situation.resource, situation.local
    stalled = resource.condition(kinds.STALLED)
    told = (str(reason), resource.generation)
    if reason not in AWAITED:
        return 0.0
    if stalled is not None and stalled.status == "True" and told == (stalled.reason, stalled.observed_generation):
        return 0.0
    waited = local.reported_for if local.told == told else 0.0
    return max(0.0, situation.timing.stalled_grace - waited)


def stalled(situation: Situation, reason: Reason, message: str) -> ConditionSet:
    """The verdict on something that stands in the way: Reconciling while it is still waited for, then Stalled."""
    if left(situation, reason) <= 0:
        return condition_sets.stalled(reason, message)
    phase = Phase(situation.resource.status.phase or Phase.PENDING)
    return condition_sets.progressing(Phase.PENDING if phase == Phase.FAILED else phase, reason, message)
