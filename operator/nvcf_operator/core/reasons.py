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
    SERVING = "Serving", "A version of the function answers requests."
    NOT_SERVING = "NotServing", "No version of the function answers requests by this resource's hand."

    PENDING = "Pending", "The operator has seen the resource and works on it."
    DEPLOYING = "Deploying", "NVCF has the deployment and waits for its instances."
    SCALING_UP = "ScalingUp", "The minimum was raised and the new instances do not run yet."
    UPDATING = "Updating", "A change is being made in place."
    ROLLING_OUT = (
        "RollingOut",
        "Another version comes up beside the one that serves, or the former one is on its way out.",
    )
    DRAINING = "Draining", "The deployment answers its last requests before it goes."
    AWAITING_ANSWER = (
        "AwaitingAnswer",
        "A deployment was asked for, and the answer was lost or was an error of NVCF's own (5xx): NVCF may still make "
        "it, so it is not asked for again yet.",
    )
    SETTLING = "Settling", "The version was deployed before; NVCF gets time to forget it before it is deployed again."

    DEGRADING = "Degrading", "Some instances are gone; the function still answers and NVCF heals it by itself."
    DEGRADED = "Degraded", "No instance runs; NVCF tries to heal it by itself."
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        "NVCF has given the deployment up (status ERROR). It is deployed again a few times, with growing waits.",
    )
    ROLLOUT_FAILED = (
        "RolloutFailed",
        "The wanted version did not come up and was taken down; the former one goes on.",
    )
    MASS_ABSENCE = (
        "MassAbsence",
        "A large part of the account's deployments is gone at once; none of them is deployed again without a person.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The deployment is not in order after rollout.progressDeadlineSeconds.",
    )
    UNKNOWN_STATUS = "UnknownStatus", "NVCF tells a status that this operator does not know."

    IMMUTABLE_FIELD_CHANGED = (
        "ImmutableFieldChanged",
        "The manifest differs from the deployment in fields that NVCF cannot change in place.",
    )
    ALREADY_DEPLOYED = "AlreadyDeployed", "Somebody else deployed this version and adoptionPolicy is Refuse."
    CONFLICT = "Conflict", "Another resource holds the same function version."
    NOT_CONVERGING = "NotConverging", "The same change was made several times within an hour and was undone each time."
    NO_CAPACITY = "NoCapacity", "NVCF has no cluster with room for it at the moment, and is asked again."
    REJECTED = "Rejected", "NVCF refused the request; the message says why."
    FUNCTION_NOT_FOUND = "FunctionNotFound", "The account has no such function version."
    PUBLIC_FUNCTION = "PublicFunction", "The function belongs to another account; it cannot be deployed here."
    FORBIDDEN = "Forbidden", "The key is good, but not for this function."
    INVALID_SPEC = (
        "InvalidSpec",
        "The stored manifest cannot be read, or breaks a rule that the API server cannot check.",
    )
    NOT_SUPPORTED = "NotSupported", "The manifest asks for something that this version of the operator does not do."
    SUSPENDED = "Suspended", "Nothing is written to NVCF until the resource is resumed."
    OBSERVING = "Observing", "managementPolicy is Observe: the resource is shown and never written."

    CREDENTIALS_VALID = "CredentialsValid", "NVCF answers this key."
    NO_CREDENTIALS = "NoCredentials", "No Secret is named, none has the default name, and no operator key is open."
    SECRET_NOT_FOUND = "SecretNotFound", "The Secret that spec.credentials names does not exist."
    SECRET_NOT_PERMITTED = "SecretNotPermitted", "The operator may not read a Secret of that name."
    SECRET_UNREADABLE = "SecretUnreadable", "The Kubernetes API did not answer for the Secret."
    SECRET_INVALID = "SecretInvalid", "The Secret lacks the key, or what stands there cannot be an API key."
    BASE_URL_NOT_ALLOWED = (
        "BaseURLNotAllowed",
        "The Secret's NVCF_BASE_URL is not in --allowed-base-urls, or cannot be used.",
    )
    UNAUTHORIZED = "Unauthorized", "NVCF does not accept the key."
    MISSING_SCOPE = "MissingScope", "The key lacks a scope that the operator needs."
    ACCOUNT_MISMATCH = "AccountMismatch", "The key belongs to another account than the deployment."
    ACCOUNT_UNPROVEN = "AccountUnproven", "Nothing shows that the key belongs to the deployment's account."

    THROTTLED = "Throttled", "NVCF asks to slow down (429)."
    NVCF_UNAVAILABLE = "NVCFUnavailable", "NVCF cannot be reached, does not answer in time, or fails (5xx)."
    WRITE_REFUSED = (
        "WriteRefused",
        "The API server refuses a write of the operator to the resource, such as by an admission policy, a webhook or "
        "a quota; the message repeats its words. Or it drops fields that the operator must record, since the CRD is "
        "older than the operator; the message names them.",
    )
    INVALID_ANSWER = "InvalidAnswer", "What answered is not the NVCF API: not JSON, or not of the documented form."

    CREATED = "Created", "Event: a deployment was asked for and NVCF took it."
    ADOPTED = "Adopted", "Event: a deployment that was already there is managed from now on."
    UPDATED = "Updated", "Event: the deployment was changed in place."
    UNDEPLOYED = "Undeployed", "Event: the deployment is gone from NVCF."
    RETAINED = "Retained", "Event: the resource goes and its deployment stays in NVCF (deletionPolicy Retain)."
    ANNOTATION_IGNORED = (
        "AnnotationIgnored",
        "Event: the value of an annotation is none that the operator knows, so it is ignored; the message says which.",
    )
    DRIFT = "Drift", "Event: the deployment was changed or removed by somebody else."
    RELEASED = "Released", "Event: the resource goes and nothing was undeployed, since it is not this resource's."
    LEFT_BEHIND = "LeftBehind", "Event: the named ids may still run and cost, and no resource manages them."
    DELETION_BLOCKED = "DeletionBlocked", "The deployment cannot be removed; the message names the ways out."
