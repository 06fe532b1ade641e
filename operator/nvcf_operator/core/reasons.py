"""The closed list of reasons that conditions and Events carry.

A reason is one CamelCase word that a script may rely on (Kubernetes API conventions, "Typical status properties");
the message beside it is for people. Nothing else than a member of this list is ever written.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition is as it is. The text beside each member is what the documentation prints."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> "Reason":
        """Make the member a plain string and keep its meaning beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    ACTIVE = "Active", "NVCF runs what the manifest says."
    SERVING = "Serving", "A version of the function is serving requests."
    NOT_SERVING = "NotServing", "No version managed by this resource is serving requests."

    PENDING = "Pending", "The operator has seen the resource and is working on it."
    DEPLOYING = "Deploying", "NVCF has the deployment and is waiting for its instances."
    SCALING_UP = "ScalingUp", "minInstances was raised and the new instances are not running yet."
    UPDATING = "Updating", "The deployment is being updated in place."
    ROLLING_OUT = (
        "RollingOut",
        "Another version is starting alongside the one that serves, or the former one is being undeployed.",
    )
    DRAINING = "Draining", "The deployment is serving its last requests before it is removed."
    AWAITING_ANSWER = (
        "AwaitingAnswer",
        "A deployment was requested, and the response was lost or was a server error (5xx): NVCF may still create it, "
        "so it is not requested again yet.",
    )
    SETTLING = (
        "Settling",
        "The version was deployed before; the operator gives NVCF time to forget it before deploying it again.",
    )

    DEGRADING = (
        "Degrading",
        "Some instances are gone; the function still serves requests, and NVCF repairs it automatically.",
    )
    DEGRADED = "Degraded", "No instance is running; NVCF tries to repair it automatically."
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        "The deployment failed (status ERROR). It is deployed again a few times, with backoff.",
    )
    ROLLOUT_FAILED = (
        "RolloutFailed",
        "The requested version did not come up and was undeployed; the former one stays in place.",
    )
    MASS_ABSENCE = (
        "MassAbsence",
        "Many of the account's deployments disappeared at the same time; none of them is redeployed until somebody "
        "requests it.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The deployment did not reach the state that the manifest asks for within rollout.progressDeadlineSeconds.",
    )
    UNKNOWN_STATUS = "UnknownStatus", "NVCF reports a status that this operator version does not recognise."

    IMMUTABLE_FIELD_CHANGED = (
        "ImmutableFieldChanged",
        "The manifest differs from the deployment in fields that NVCF cannot change in place.",
    )
    ALREADY_DEPLOYED = "AlreadyDeployed", "Somebody else deployed this version and adoptionPolicy is Refuse."
    CONFLICT = "Conflict", "Another resource holds the same function version."
    NOT_CONVERGING = (
        "NotConverging",
        "The same change was made several times within an hour and was reverted each time.",
    )
    NO_CAPACITY = "NoCapacity", "NVCF has no cluster with capacity for it at the moment; the operator keeps retrying."
    REJECTED = "Rejected", "NVCF rejected the request; the message says why."
    FUNCTION_NOT_FOUND = "FunctionNotFound", "The account has no such function version."
    PUBLIC_FUNCTION = "PublicFunction", "The function belongs to another account; it cannot be deployed here."
    FORBIDDEN = "Forbidden", "The key is valid, but not for this function."
    INVALID_SPEC = (
        "InvalidSpec",
        "The stored manifest cannot be read, or breaks a rule that the API server cannot check.",
    )
    NOT_SUPPORTED = "NotSupported", "The manifest asks for something that this version of the operator does not do."
    SUSPENDED = "Suspended", "Nothing is written to NVCF until the resource is resumed."
    OBSERVING = "Observing", "managementPolicy is Observe: the operator reports the deployment and never changes it."

    CREDENTIALS_VALID = "CredentialsValid", "NVCF accepts this key."
    NO_CREDENTIALS = (
        "NoCredentials",
        "No Secret is named, none has the default name, and this namespace may not use an operator key.",
    )
    SECRET_NOT_FOUND = "SecretNotFound", "The Secret that spec.credentials names does not exist."
    SECRET_NOT_PERMITTED = "SecretNotPermitted", "The operator may not read a Secret of that name."
    SECRET_UNREADABLE = "SecretUnreadable", "The Kubernetes API did not return the Secret."
    SECRET_INVALID = "SecretInvalid", "The Secret lacks the key, or its value cannot be an API key."
    BASE_URL_NOT_ALLOWED = (
        "BaseURLNotAllowed",
        "The Secret's NVCF_BASE_URL is not in --allowed-base-urls, or cannot be used.",
    )
    UNAUTHORIZED = "Unauthorized", "NVCF does not accept the key."
    MISSING_SCOPE = "MissingScope", "The key lacks a scope that the operator needs."
    ACCOUNT_MISMATCH = "AccountMismatch", "The key belongs to a different account than the deployment."
    ACCOUNT_UNPROVEN = "AccountUnproven", "Nothing shows that the key belongs to the deployment's account."

    THROTTLED = "Throttled", "NVCF is rate limiting this account (429)."
    NVCF_UNAVAILABLE = "NVCFUnavailable", "NVCF is unreachable, does not respond in time, or returns errors (5xx)."
    WRITE_REFUSED = (
        "WriteRefused",
        "The API server rejects a write of the operator to the resource, for example because of an admission policy, "
        "a webhook or a quota; the message quotes it. Or it drops fields that the operator must record, because the "
        "CRD is older than the operator; the message names them.",
    )
    INVALID_ANSWER = (
        "InvalidAnswer",
        "The response did not come from the NVCF API: it is not JSON, or not in the documented form.",
    )

    CREATED = "Created", "Event: a deployment was requested and NVCF accepted the request."
    ADOPTED = "Adopted", "Event: an existing deployment was adopted."
    UPDATED = "Updated", "Event: the deployment was changed in place."
    UNDEPLOYED = "Undeployed", "Event: the deployment is gone from NVCF."
    RETAINED = (
        "Retained",
        "Event: the resource was deleted and its deployment retained in NVCF (deletionPolicy Retain).",
    )
    ANNOTATION_IGNORED = (
        "AnnotationIgnored",
        "Event: an annotation has a value that the operator does not recognise, so it is ignored; the message says "
        "which.",
    )
    DRIFT = "Drift", "Event: the deployment was changed or removed by somebody else."
    RELEASED = (
        "Released",
        "Event: the resource was deleted and nothing was undeployed, because the deployment is not this resource's.",
    )
    LEFT_BEHIND = (
        "LeftBehind",
        "Event: the named ids may still be running and incurring cost, and no resource manages them.",
    )
    DELETION_BLOCKED = "DeletionBlocked", "The deployment cannot be removed; the message says how to unblock it."
