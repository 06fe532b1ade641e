"""Why a function that this resource did not create is not managed by it.

Adoption never creates instead: where the function that the manifest names is not there, nothing is registered, and as
soon as it shows, the resource goes on.
"""

from nvcf_operator.core.functions.branches.waiting import SLOW
from nvcf_operator.core.functions.model.adoption import other_function
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import function_is_empty
from nvcf_operator.core.functions.report import adoption_messages
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions


def contradicted(situation: FunctionSituation) -> FunctionDecision | None:
    """Refuse a manifest that names another function than the one that the resource has."""
    ours, given = other_function(situation), situation.resource.given_function
    if ours is None or given is None:
        return None
    message = adoption_messages.another_function(given, ours)
    return FunctionDecision(condition_set=conditions.stalled(Reason.INVALID_SPEC, message))


def not_adoptable(situation: FunctionSituation) -> FunctionDecision | None:
    """Say why the function that the manifest names cannot be managed, where it never was.

    A list says so of an account that is proven, or that nothing contradicts; that the list lags behind is no harm, for
    nothing is registered instead.
    """
    resource, given = situation.resource, situation.resource.given_function
    if given is None or resource.function_id is not None or not function_is_empty(situation):
        return None
    reason, message = Reason.FUNCTION_GONE, adoption_messages.function_unknown(given)
    if situation.of_another_account:
        reason, message = Reason.PUBLIC_FUNCTION, adoption_messages.function_of_others(given)
    return FunctionDecision(condition_set=conditions.stalled(reason, message), requeue=SLOW, seen=True)


def beside_others(situation: FunctionSituation) -> FunctionDecision:
    """Refuse to create a function beside those of its name that this resource did not create."""
    resource, alike = situation.resource, situation.named_alike
    if resource.adopts_by_name and len(alike) > 1:
        reason, message = Reason.AMBIGUOUS, adoption_messages.ambiguous(resource.function_name, alike)
    else:
        adopts = resource.claimed_function is None
        reason, message = (
            Reason.ALREADY_EXISTS,
            adoption_messages.already_exists(resource.function_name, alike, adopts=adopts),
        )
    return FunctionDecision(condition_set=conditions.stalled(reason, message), requeue=SLOW, seen=True)
