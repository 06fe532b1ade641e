"""The closed list of reasons that conditions and Events carry.

A reason is one CamelCase word that a script may rely on (Kubernetes API conventions, "Typical status properties");
the message beside it is for users. Nothing else than a member of this list is ever written.
"""

from enum import Flag, StrEnum, auto


class Trait(Flag):
    """What the decisions ask about a reason."""

    NONE = 0
    CONFIRMED = auto()
    """Of Ready: the deployment was as specified when it was last read."""
    COMING_UP = auto()
    """A version that comes up alone reports it; beside another version it is part of the rollout."""
    TIMED = auto()
    """The progress deadline runs."""
    PATIENT = auto()
    """Ready is False, and the operator itself has nothing to do."""
    OUTAGE = auto()
    """NVCF does not answer, or asks for a pause: it says nothing about the resource."""
    REFUSAL = auto()
    """NVCF refuses this resource's own request."""
    UNABLE = auto()
    """This manifest, by its key, cannot deploy the version."""
    AWAITED = auto()
    """It may pass without a change of this manifest, by somebody else's doing."""
    WARNS = auto()
    """Ready with this reason gets a Warning Event."""


class Reason(StrEnum):
    """Why a condition is as it is. The text beside each member is what the documentation prints."""

    meaning: str
    traits: Trait

    def __new__(cls, value: str, meaning: str = "", traits: Trait = Trait.NONE) -> "Reason":
        """Make the member a plain string and keep its meaning and its traits beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.traits = traits
        return member

    ACTIVE = "Active", "NVCF runs what the manifest says.", Trait.CONFIRMED
    SERVING = "Serving", "A version of the function is serving requests."
    NOT_SERVING = "NotServing", "No version managed by this resource is serving requests."

    PENDING = "Pending", "The operator has seen the resource and is working on it."
    DEPLOYING = (
        "Deploying",
        "NVCF has the deployment and is waiting for its instances.",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT,
    )
    SCALING_UP = (
        "ScalingUp",
        "minInstances was raised and the new instances are not running yet.",
        Trait.COMING_UP | Trait.TIMED | Trait.PATIENT,
    )
    UPDATING = "Updating", "The deployment, or a version of the function, is being updated in place."
    ROLLING_OUT = (
        "RollingOut",
        "Another version is starting alongside the one that serves, or the former one is being undeployed.",
        Trait.TIMED,
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
        Trait.WARNS,
    )

    DEGRADING = (
        "Degrading",
        "Some instances are gone; the function still serves requests, and NVCF repairs it automatically.",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT | Trait.WARNS,
    )
    DEGRADED = (
        "Degraded",
        "No instance is running; NVCF tries to repair it automatically.",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT | Trait.WARNS,
    )
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        "The deployment failed (status ERROR). It is deployed again a few times, with backoff.",
        Trait.PATIENT | Trait.WARNS,
    )
    ROLLOUT_FAILED = (
        "RolloutFailed",
        "The requested version did not come up and was undeployed; the former one stays in place.",
        Trait.PATIENT,
    )
    MASS_ABSENCE = (
        "MassAbsence",
        "Many of the account's deployments disappeared at the same time; none of them is redeployed until somebody "
        "requests it.",
        Trait.PATIENT,
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The deployment did not reach the state that the manifest asks for within rollout.progressDeadlineSeconds.",
        Trait.TIMED | Trait.PATIENT,
    )
    UNKNOWN_STATUS = (
        "UnknownStatus",
        "NVCF reports a status that this operator version does not recognise.",
        Trait.COMING_UP | Trait.TIMED | Trait.WARNS,
    )

    IMMUTABLE_FIELD_CHANGED = (
        "ImmutableFieldChanged",
        "The manifest differs from the deployment in fields that NVCF cannot change in place.",
        Trait.PATIENT,
    )
    ALREADY_DEPLOYED = (
        "AlreadyDeployed",
        "Somebody else deployed this version and adoptionPolicy is Refuse.",
        Trait.PATIENT,
    )
    CONFLICT = "Conflict", "Another resource holds the same function version.", Trait.AWAITED
    NOT_CONVERGING = (
        "NotConverging",
        "The same change was made several times within an hour and was reverted each time.",
        Trait.PATIENT,
    )
    NO_CAPACITY = (
        "NoCapacity",
        "NVCF has no cluster with capacity for it at the moment; the operator keeps retrying.",
        Trait.TIMED,
    )
    REJECTED = "Rejected", "NVCF rejected the request; the message says why.", Trait.REFUSAL
    ARTIFACT_REJECTED = (
        "ArtifactRejected",
        "NVCF cannot get an image, chart, model or resource of the template from its registry.",
        Trait.REFUSAL | Trait.WARNS,
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "The account has as many function versions as NVCF allows.",
        Trait.REFUSAL | Trait.WARNS,
    )
    FUNCTION_NOT_FOUND = (
        "FunctionNotFound",
        "The account has no such function version.",
        Trait.REFUSAL | Trait.UNABLE | Trait.AWAITED,
    )
    FUNCTION_MISSING = (
        "FunctionMissing",
        "There is no CloudFunction with the name in functionRef; only in-place changes are made.",
        Trait.AWAITED,
    )
    FUNCTION_NOT_READY = (
        "FunctionNotReady",
        "The current manifest of the CloudFunction in functionRef is not registered, the CloudFunction has to bring "
        "the version up to date first, or one of the two resources has just changed; only in-place changes are made.",
    )
    REVISION_MISSING = (
        "RevisionMissing",
        "The CloudFunction has no version with the revision in functionRef; only in-place changes are made.",
        Trait.AWAITED,
    )
    PUBLIC_FUNCTION = (
        "PublicFunction",
        "The function belongs to another account; it can be neither deployed nor managed here.",
        Trait.REFUSAL | Trait.UNABLE,
    )
    FORBIDDEN = "Forbidden", "The key is valid, but not for this function.", Trait.REFUSAL | Trait.UNABLE
    INVALID_SPEC = (
        "InvalidSpec",
        "The stored manifest cannot be read, or breaks a rule that the API server cannot check.",
        Trait.UNABLE,
    )
    NOT_SUPPORTED = "NotSupported", "The manifest asks for something that this version of the operator does not do."
    SUSPENDED = "Suspended", "Nothing is written to NVCF until the resource is resumed.", Trait.PATIENT
    OBSERVING = "Observing", "managementPolicy is Observe: the operator reports the deployment and never changes it."

    CREDENTIALS_VALID = "CredentialsValid", "NVCF accepts this key."
    NO_CREDENTIALS = (
        "NoCredentials",
        "No Secret is named, none has the default name, and this namespace may not use an operator key.",
        Trait.AWAITED,
    )
    SECRET_NOT_FOUND = "SecretNotFound", "The Secret that spec.credentials names does not exist.", Trait.AWAITED
    SECRET_NOT_PERMITTED = "SecretNotPermitted", "The operator may not read a Secret of that name.", Trait.AWAITED
    SECRET_UNREADABLE = "SecretUnreadable", "The Kubernetes API did not return the Secret."
    SECRET_INVALID = (
        "SecretInvalid",
        "The Secret lacks the key, or its value cannot be an API key, or not be sent as a secret of a function.",
        Trait.AWAITED,
    )
    SECRET_MISSING = (
        "SecretMissing",
        "A Secret that spec.secrets names does not exist, or lacks the key.",
        Trait.AWAITED,
    )
    SECRET_NOT_CONSENTING = (
        "SecretNotConsenting",
        "A Secret that spec.secrets names does not allow this CloudFunction to use it, so nothing of it is sent.",
        Trait.AWAITED,
    )
    SECRETS_SYNCED = "SecretsSynced", "The versions in use have the values of all secrets."
    BASE_URL_NOT_ALLOWED = (
        "BaseURLNotAllowed",
        "The Secret's NVCF_BASE_URL is not in --allowed-base-urls, or cannot be used.",
    )
    UNAUTHORIZED = "Unauthorized", "NVCF does not accept the key.", Trait.AWAITED
    MISSING_SCOPE = "MissingScope", "The key lacks a scope that the operator needs.", Trait.AWAITED
    ACCOUNT_MISMATCH = "AccountMismatch", "The key belongs to a different account than the deployment.", Trait.UNABLE
    ACCOUNT_UNPROVEN = (
        "AccountUnproven",
        "Nothing shows that the key belongs to the deployment's account.",
        Trait.UNABLE,
    )

    THROTTLED = "Throttled", "NVCF is rate limiting this account (429).", Trait.OUTAGE
    NVCF_UNAVAILABLE = (
        "NVCFUnavailable",
        "NVCF is unreachable, does not respond in time, or returns errors (5xx).",
        Trait.OUTAGE,
    )
    WRITE_REFUSED = (
        "WriteRefused",
        "The API server rejects a write of the operator to the resource, for example because of an admission policy, "
        "a webhook or a quota; the message quotes it. Or it drops fields that the operator must record, because the "
        "CRD is older than the operator; the message names them.",
        Trait.TIMED | Trait.WARNS,
    )
    INVALID_ANSWER = (
        "InvalidAnswer",
        "The response did not come from the NVCF API: it is not JSON, or not in the documented form.",
        Trait.OUTAGE,
    )

    REGISTERED = "Registered", "The template of this generation is registered as a function version."
    NOT_REGISTERED = "NotRegistered", "No version of this resource is registered."
    REGISTERING = "Registering", "A version is being registered."
    AWAITING_REGISTRATION = (
        "AwaitingRegistration",
        "A registration was requested, and the response was lost or was a server error (5xx): NVCF may still register "
        "the version, so it is not requested again yet.",
    )
    AWAITING_FOLLOWERS = (
        "AwaitingFollowers",
        "The version is registered. For a few seconds the operator waits until the FunctionDeployments that follow it "
        "show that they have noticed.",
    )
    REVISION_REUSED = "RevisionReused", "The revision is already registered with another template.", Trait.PATIENT
    ALREADY_EXISTS = (
        "AlreadyExists",
        "The account has a function of this name that this resource did not create.",
        Trait.PATIENT,
    )
    AMBIGUOUS = (
        "Ambiguous",
        "The account has several functions of this name, so adoptionPolicy Adopt cannot choose one.",
        Trait.PATIENT,
    )
    FUNCTION_GONE = (
        "FunctionGone",
        "All versions of the function are gone from NVCF, and with them its id, which clients use as the address; or "
        "the account has no function with the id in the manifest.",
        Trait.PATIENT,
    )
    VERSION_GONE = (
        "VersionGone",
        "NVCF no longer shows the latest version. If that lasts, it is registered again.",
        Trait.WARNS,
    )
    TOO_MANY_VERSIONS = (
        "TooManyVersions",
        "Too many versions of this resource are registered and cannot be deleted, so no more are registered.",
    )
    VERSION_BUSY = (
        "VersionBusy",
        "Another change of the function version is under way, or got no answer, so that NVCF may still make it. The "
        "operator makes one change of a version at a time.",
    )
    IN_USE = "InUse", "A FunctionDeployment uses the function, so it is not deleted.", Trait.AWAITED
    VERSION_DEPLOYED = "VersionDeployed", "A version is still deployed, so it is not deleted."
    DELETING = "Deleting", "The function's versions are being deleted."
    DELETED = "Deleted", "Event: a function version was deleted."
    MUTABLE_IMAGE = (
        "MutableImage",
        "Event: the image has a tag that may be moved. NVCF then runs different content without a new version.",
    )

    CREATED = "Created", "Event: a deployment was requested and NVCF accepted the request."
    ADOPTED = "Adopted", "Event: an existing deployment or function version was adopted."
    UPDATED = "Updated", "Event: the deployment, or a version of the function, was changed in place."
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
    UNKNOWN_NAME = (
        "UnknownName",
        "Event: NVCF's catalogue does not have a GPU, instance type, cluster, region or attribute that the manifest "
        "names, or not together; the message suggests what may be meant. The deployment was requested all the same.",
    )
    DRIFT = "Drift", "Event: the deployment, or a version of the function, was changed or removed by somebody else."
    NO_INSTANCES = (
        "NoInstances",
        "Event: NVCF reports the version as ACTIVE and runs no instance of it, though minInstances is 1 or more.",
    )
    RELEASED = (
        "Released",
        "Event: the resource was deleted and nothing was undeployed, because the deployment is not this resource's.",
    )
    LEFT_BEHIND = (
        "LeftBehind",
        "Event: the named ids may still be running and incurring cost, and no resource manages them.",
    )
    DELETION_BLOCKED = "DeletionBlocked", "The deployment cannot be removed; the message says how to unblock it."


def reasons_with(trait: Trait) -> frozenset[Reason]:
    """All reasons that have a trait."""
    return frozenset(reason for reason in Reason if trait in reason.traits)
