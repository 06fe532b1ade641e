"""Which word of a plan stands for what the operator decides: for its first write, or for the reason that it reports."""

from nvcf_operator.commands.plan.model import Action
from nvcf_operator.core.branches.rollout import recreates
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    FunctionAction,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.decision import Action as DeploymentAction
from nvcf_operator.core.model.decision import Change, Create, Patch, Purpose, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import former_version

MAKES_WAY = frozenset({Purpose.REDEPLOY, Purpose.REQUESTED, Purpose.FAILED, Purpose.STALE})
"""Why a version is undeployed that is deployed again."""

AT_REST = frozenset(
    {
        Reason.ACTIVE,
        Reason.SERVING,
        Reason.REGISTERED,
        Reason.DEPLOYING,
        Reason.SCALING_UP,
        Reason.DEGRADING,
        Reason.DEGRADED,
        Reason.UNKNOWN_STATUS,
        Reason.ROLLING_OUT,
        Reason.UPDATING,
        Reason.AWAITING_FOLLOWERS,
        Reason.SUSPENDED,
        Reason.OBSERVING,
    }
)
"""NVCF has what the manifest says, or is at work on it; or nothing is to be written."""

NOT_FOUND = frozenset({Reason.FUNCTION_NOT_FOUND, Reason.FUNCTION_MISSING, Reason.REVISION_MISSING})

FAILURES = frozenset(
    {
        Reason.NO_CREDENTIALS,
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_NOT_PERMITTED,
        Reason.SECRET_UNREADABLE,
        Reason.SECRET_INVALID,
        Reason.SECRET_MISSING,
        Reason.SECRET_NOT_CONSENTING,
        Reason.BASE_URL_NOT_ALLOWED,
        Reason.UNAUTHORIZED,
        Reason.MISSING_SCOPE,
        Reason.ACCOUNT_UNPROVEN,
        Reason.THROTTLED,
        Reason.NVCF_UNAVAILABLE,
        Reason.INVALID_ANSWER,
    }
)
"""Nothing can be told of what the manifest would do."""

REFUSALS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.IMMUTABLE_FIELD_CHANGED,
        Reason.ALREADY_DEPLOYED,
        Reason.NOT_CONVERGING,
        Reason.NOT_SUPPORTED,
        Reason.MASS_ABSENCE,
        Reason.ROLLOUT_FAILED,
        Reason.DEPLOYMENT_FAILED,
        Reason.PROGRESS_DEADLINE_EXCEEDED,
        Reason.NO_CAPACITY,
        Reason.REJECTED,
        Reason.ARTIFACT_REJECTED,
        Reason.QUOTA_EXCEEDED,
        Reason.PUBLIC_FUNCTION,
        Reason.FORBIDDEN,
        Reason.ACCOUNT_MISMATCH,
        Reason.REVISION_REUSED,
        Reason.ALREADY_EXISTS,
        Reason.AMBIGUOUS,
        Reason.FUNCTION_GONE,
        Reason.TOO_MANY_VERSIONS,
        Reason.DELETION_BLOCKED,
        Reason.WRITE_REFUSED,
    }
)

SETTLES = frozenset(
    {
        Reason.PENDING,
        Reason.SETTLING,
        Reason.AWAITING_ANSWER,
        Reason.AWAITING_REGISTRATION,
        Reason.VERSION_GONE,
        Reason.VERSION_BUSY,
        Reason.FUNCTION_NOT_READY,
        Reason.REGISTERING,
        Reason.REGISTERED,
        Reason.AWAITING_FOLLOWERS,
        Reason.DEPLOYMENT_FAILED,
        Reason.NO_CAPACITY,
        Reason.REJECTED,
        Reason.ARTIFACT_REJECTED,
        Reason.QUOTA_EXCEEDED,
    }
)
"""What the operator waits out though nothing else has to happen: a plan goes on to what comes after it.

With a function that is registered, that is the deletion of versions that nobody needs any more.
"""


def of_reason(reason: str) -> Action:
    """The word for a resource for which nothing is written."""
    if reason in AT_REST:
        return Action.UNCHANGED
    if reason in NOT_FOUND:
        return Action.NOT_FOUND
    if reason == Reason.CONFLICT:
        return Action.CONFLICT
    if reason in REFUSALS:
        return Action.REFUSE
    return Action.ERROR if reason in FAILURES else Action.WAIT


def of_deployment(situation: Situation, action: DeploymentAction | None) -> Action:
    """The word for a write about a deployment."""
    match action:
        case Create():
            return Action.DEPLOY if former_version(situation.resource) is None else Action.ROLLOUT
        case Change():
            return Action.PATCH if isinstance(action.change, Patch) else Action.PUT
        case Undeploy():
            again = action.purpose in MAKES_WAY or (_is_replaced(situation, action) and recreates(situation))
            return Action.REDEPLOY if again else Action.UNDEPLOY
    return Action.ERROR


def _is_replaced(situation: Situation, action: Undeploy) -> bool:
    """Whether another version comes in place of the one that goes."""
    resource = situation.resource
    return not resource.deleting and resource.wanted_version not in ("", action.function_version_id)


def of_function(situation: FunctionSituation, action: FunctionAction | None) -> Action:
    """The word for a write about a function."""
    match action:
        case Register():
            return Action.REGISTER
        case DeleteVersion():
            return Action.DELETE
        case UpdateVersion() if takes_over(situation, action):
            return Action.ADOPT
        case UpdateVersion() | RemoveRateLimit() | SendSecrets():
            return Action.UPDATE_IN_PLACE
    return Action.ERROR


def takes_over(situation: FunctionSituation, action: UpdateVersion) -> bool:
    """Whether a version gets this resource's mark by a change."""
    uid, wanted = situation.resource.mark_uid, action.tags or frozenset()
    seen = next((item for item in situation.shown if item.version_id == action.version_id), None)
    ours = seen is not None and seen.mark is not None and seen.mark.uid == uid
    return not ours and any(uid in tag for tag in wanted)
