"""The table of conditions, one function a row; the design's section 2 shows the same table.

=============================================== ========= ===== =========== =======
situation                                       Available Ready Reconciling Stalled
=============================================== ========= ===== =========== =======
`in_force`: ACTIVE as specified                 T         T     F           F
`progressing`: first DEPLOYING, raise of min    as served F     T           F
`stalled`: refused, failed, needs a user        as served F     F           T
`unwell`: DEGRADING, DEGRADED before deadline   T / F     F     F           F
`at_rest`: Suspended, Observing                 as served match F           F
=============================================== ========= ===== =========== =======
"""

from nvcf_operator.api.status import Phase
from nvcf_operator.core.decision import ConditionSet
from nvcf_operator.core.reasons import Reason


def in_force(message: str) -> ConditionSet:
    """The manifest is fully in force."""
    return ConditionSet(Phase.ACTIVE, Reason.ACTIVE, message, ready=True, available=True)


def progressing(phase: Phase, reason: Reason, message: str, *, available: bool | None = None) -> ConditionSet:
    """The operator or NVCF is at work, and it will go on by itself."""
    return ConditionSet(phase, reason, message, reconciling=True, available=available)


def stalled(
    reason: Reason, message: str, *, available: bool | None = None, phase: Phase = Phase.FAILED
) -> ConditionSet:
    """It does not go on without a user, or only slowly."""
    return ConditionSet(phase, reason, message, stalled=True, available=available)


def unwell(reason: Reason, message: str, *, available: bool) -> ConditionSet:
    """NVCF is expected to heal it; nothing is to be done."""
    return ConditionSet(Phase.DEGRADED, reason, message, available=available)


def at_rest(phase: Phase, reason: Reason, message: str, *, ready: bool, available: bool | None) -> ConditionSet:
    """Nothing is written by request of the manifest."""
    return ConditionSet(phase, reason, message, ready=ready, available=available)
