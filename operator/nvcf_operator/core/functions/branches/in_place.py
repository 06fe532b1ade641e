"""What changes of a version in place: its tags and its rate limit. One write a reconcile, the latest version first."""

from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.situation import FunctionSituation


def in_place(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that a version in use is brought up to date where it is not as the manifest says."""
    return decision
