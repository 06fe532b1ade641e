"""The closed list of reasons that conditions and Events carry.

A reason is one CamelCase word that a script may rely on (Kubernetes API conventions, "Typical status properties");
the message beside it is for users. Nothing else than a member of this list is ever written.
"""

from enum import Flag, StrEnum, auto


class Trait(Flag):
    """What the decisions ask about a reason. Each reason states its traits, so that none is forgotten."""

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

    traits: Trait
    meaning: str

    def __new__(cls, value: str, traits: Trait = Trait.NONE, meaning: str = "") -> "Reason":
        """Make the member a plain string and keep its traits and its meaning beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.traits = traits
        member.meaning = meaning
        return member

    ACTIVE = "Active", Trait.CONFIRMED, "NVCF runs what the manifest says."
    SERVING = "Serving", Trait.NONE, "A version of the function is serving requests."
    NOT_SERVING = "NotServing", Trait.NONE, "No version managed by this resource is serving requests."

    PENDING = "Pending", Trait.NONE, "The operator has seen the resource and is working on it."
    DEPLOYING = (
        "Deploying",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT,
        "NVCF has the deployment and is waiting for its instances.",
    )
    SCALING_UP = (
        "ScalingUp",
        Trait.COMING_UP | Trait.TIMED | Trait.PATIENT,
        "minInstances was raised and the new instances are not running yet.",
    )
    UPDATING = (
        "Updating",
        Trait.NONE,
        "The deployment, or a version of the function, is being updated in place.",
    )
    ROLLING_OUT = (
        "RollingOut",
        Trait.TIMED,
        "Another version is starting alongside the one that serves, or the former one is being undeployed.",
    )
    DRAINING = "Draining", Trait.NONE, "The deployment is serving its last requests before it is removed."
    AWAITING_ANSWER = (
        "AwaitingAnswer",
        Trait.NONE,
        "A deployment was requested, and the response was lost or was a server error (5xx): NVCF may still create it, "
        "so it is not requested again yet.",
    )
    SETTLING = (
        "Settling",
        Trait.WARNS,
        "The version was deployed before; the operator gives NVCF time to forget it before deploying it again.",
    )

    DEGRADING = (
        "Degrading",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT | Trait.WARNS,
        "Some instances are gone; the function still serves requests, and NVCF repairs it automatically.",
    )
    DEGRADED = (
        "Degraded",
        Trait.CONFIRMED | Trait.COMING_UP | Trait.TIMED | Trait.PATIENT | Trait.WARNS,
        "No instance is running; NVCF tries to repair it automatically.",
    )
    DEPLOYMENT_FAILED = (
        "DeploymentFailed",
        Trait.PATIENT | Trait.WARNS,
        "The deployment failed (status ERROR). It is deployed again a few times, with backoff.",
    )
    ROLLOUT_FAILED = (
        "RolloutFailed",
        Trait.PATIENT,
        "The requested version did not come up and was undeployed; the former one stays in place.",
    )
    MASS_ABSENCE = (
        "MassAbsence",
        Trait.PATIENT,
        "Many of the account's deployments disappeared at the same time; none of them is redeployed until somebody "
        "requests it.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        Trait.TIMED | Trait.PATIENT,
        "The deployment did not reach the state that the manifest asks for within rollout.progressDeadlineSeconds.",
    )
    UNKNOWN_STATUS = (
        "UnknownStatus",
        Trait.COMING_UP | Trait.TIMED | Trait.WARNS,
        "NVCF reports a status that this operator version does not recognise.",
    )

    IMMUTABLE_FIELD_CHANGED = (
        "ImmutableFieldChanged",
        Trait.PATIENT,
        "The manifest differs from the deployment in fields that NVCF cannot change in place.",
    )
    ALREADY_DEPLOYED = (
        "AlreadyDeployed",
        Trait.PATIENT,
        "Somebody else deployed this version and adoptionPolicy is Refuse.",
    )
    CONFLICT = "Conflict", Trait.AWAITED, "Another resource holds the same function version."
    NOT_CONVERGING = (
        "NotConverging",
        Trait.PATIENT,
        "The same change was made several times within an hour and was reverted each time.",
    )
    NO_CAPACITY = (
        "NoCapacity",
        Trait.TIMED,
        "NVCF has no cluster with capacity for it at the moment; the operator keeps retrying.",
    )
    REJECTED = "Rejected", Trait.REFUSAL, "NVCF rejected the request; the message says why."
    ARTIFACT_REJECTED = (
        "ArtifactRejected",
        Trait.REFUSAL | Trait.WARNS,
        "NVCF cannot get an image, chart, model or resource of the template from its registry.",
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        Trait.REFUSAL | Trait.WARNS,
        "The account has as many function versions as NVCF allows.",
    )
    FUNCTION_NOT_FOUND = (
        "FunctionNotFound",
        Trait.REFUSAL | Trait.UNABLE | Trait.AWAITED,
        "The account has no such function version.",
    )
    FUNCTION_MISSING = (
        "FunctionMissing",
        Trait.AWAITED,
        "There is no CloudFunction with the name in functionRef; only in-place changes are made.",
    )
    FUNCTION_NOT_READY = (
        "FunctionNotReady",
        Trait.NONE,
        "The current manifest of the CloudFunction in functionRef is not registered, the CloudFunction has to bring "
        "the version up to date first, or one of the two resources has just changed; only in-place changes are made.",
    )
    REVISION_MISSING = (
        "RevisionMissing",
        Trait.AWAITED,
        "The CloudFunction has no version with the revision in functionRef; only in-place changes are made.",
    )
    PUBLIC_FUNCTION = (
        "PublicFunction",
        Trait.REFUSAL | Trait.UNABLE,
        "The function belongs to another account; it can be neither deployed nor managed here.",
    )
    FORBIDDEN = "Forbidden", Trait.REFUSAL | Trait.UNABLE, "The key is valid, but not for this function."
    INVALID_SPEC = (
        "InvalidSpec",
        Trait.UNABLE,
        "The stored manifest cannot be read, or breaks a rule that the API server cannot check.",
    )
    NOT_SUPPORTED = (
        "NotSupported",
        Trait.NONE,
        "The manifest asks for something that this version of the operator does not do.",
    )
    SUSPENDED = "Suspended", Trait.PATIENT, "Nothing is written to NVCF until the resource is resumed."
    OBSERVING = (
        "Observing",
        Trait.NONE,
        "managementPolicy is Observe: the operator reports the deployment and never changes it.",
    )

    CREDENTIALS_VALID = "CredentialsValid", Trait.NONE, "NVCF accepts this key."
    NO_CREDENTIALS = (
        "NoCredentials",
        Trait.AWAITED,
        "No Secret is named, none has the default name, and this namespace may not use an operator key.",
    )
    SECRET_NOT_FOUND = "SecretNotFound", Trait.AWAITED, "The Secret that spec.credentials names does not exist."
    SECRET_NOT_PERMITTED = "SecretNotPermitted", Trait.AWAITED, "The operator may not read a Secret of that name."
    SECRET_UNREADABLE = "SecretUnreadable", Trait.NONE, "The Kubernetes API did not return the Secret."
    SECRET_INVALID = (
        "SecretInvalid",
        Trait.AWAITED,
        "The Secret lacks the key, or its value cannot be an API key, or not be sent as a secret of a function.",
    )
    SECRET_MISSING = (
        "SecretMissing",
        Trait.AWAITED,
        "A Secret that spec.secrets names does not exist, or lacks the key.",
    )
    SECRET_NOT_CONSENTING = (
        "SecretNotConsenting",
        Trait.AWAITED,
        "A Secret that spec.secrets names does not allow this CloudFunction to use it, so nothing of it is sent.",
    )
    SECRETS_SYNCED = "SecretsSynced", Trait.NONE, "The versions in use have the values of all secrets."
    BASE_URL_NOT_ALLOWED = (
        "BaseURLNotAllowed",
        Trait.NONE,
        "The Secret's NVCF_BASE_URL is not in --allowed-base-urls, or cannot be used.",
    )
    UNAUTHORIZED = "Unauthorized", Trait.AWAITED, "NVCF does not accept the key."
    MISSING_SCOPE = "MissingScope", Trait.AWAITED, "The key lacks a scope that the operator needs."
    ACCOUNT_MISMATCH = "AccountMismatch", Trait.UNABLE, "The key belongs to a different account than the deployment."
    ACCOUNT_UNPROVEN = (
        "AccountUnproven",
        Trait.UNABLE,
        "Nothing shows that the key belongs to the deployment's account.",
    )

    THROTTLED = "Throttled", Trait.OUTAGE, "NVCF is rate limiting this account (429)."
    NVCF_UNAVAILABLE = (
        "NVCFUnavailable",
        Trait.OUTAGE,
        "NVCF is unreachable, does not respond in time, or returns errors (5xx).",
    )
    WRITE_REFUSED = (
        "WriteRefused",
        Trait.TIMED | Trait.WARNS,
        "The API server rejects a write of the operator to the resource, for example because of an admission policy, "
        "a webhook or a quota; the message quotes it. Or it drops fields that the operator must record, because the "
        "CRD is older than the operator; the message names them.",
    )
    INVALID_ANSWER = (
        "InvalidAnswer",
        Trait.OUTAGE,
        "The response did not come from the NVCF API: it is not JSON, or not in the documented form.",
    )

    REGISTERED = "Registered", Trait.NONE, "The template of this generation is registered as a function version."
    NOT_REGISTERED = "NotRegistered", Trait.NONE, "No version of this resource is registered."
    REGISTERING = "Registering", Trait.NONE, "A version is being registered."
    AWAITING_REGISTRATION = (
        "AwaitingRegistration",
        Trait.NONE,
        "A registration was requested, and the response was lost or was a server error (5xx): NVCF may still register "
        "the version, so it is not requested again yet.",
    )
    AWAITING_FOLLOWERS = (
        "AwaitingFollowers",
        Trait.NONE,
        "The version is registered. For a few seconds the operator waits until the FunctionDeployments that follow it "
        "show that they have noticed.",
    )
    REVISION_REUSED = (
        "RevisionReused",
        Trait.PATIENT,
        "The revision is already registered with another template.",
    )
    ALREADY_EXISTS = (
        "AlreadyExists",
        Trait.PATIENT,
        "The account has a function of this name that this resource did not create.",
    )
    AMBIGUOUS = (
        "Ambiguous",
        Trait.PATIENT,
        "The account has several functions of this name, so adoptionPolicy Adopt cannot choose one.",
    )
    FUNCTION_GONE = (
        "FunctionGone",
        Trait.PATIENT,
        "All versions of the function are gone from NVCF, and with them its id, which clients use as the address; or "
        "the account has no function with the id in the manifest.",
    )
    VERSION_GONE = (
        "VersionGone",
        Trait.WARNS,
        "NVCF no longer shows the latest version. If that lasts, it is registered again.",
    )
    TOO_MANY_VERSIONS = (
        "TooManyVersions",
        Trait.NONE,
        "Too many versions of this resource are registered and cannot be deleted, so no more are registered.",
    )
    VERSION_BUSY = (
        "VersionBusy",
        Trait.NONE,
        "Another change of the function version is under way, or got no answer, so that NVCF may still make it. The "
        "operator makes one change of a version at a time.",
    )
    IN_USE = "InUse", Trait.AWAITED, "A FunctionDeployment uses the function, so it is not deleted."
    VERSION_DEPLOYED = "VersionDeployed", Trait.NONE, "A version is still deployed, so it is not deleted."
    DELETING = "Deleting", Trait.NONE, "The function's versions are being deleted."
    DELETED = "Deleted", Trait.NONE, "Event: a function version was deleted."
    MUTABLE_IMAGE = (
        "MutableImage",
        Trait.NONE,
        "Event: the image has a tag that may be moved. NVCF then runs different content without a new version.",
    )

    CREATED = "Created", Trait.NONE, "Event: a deployment was requested and NVCF accepted the request."
    ADOPTED = "Adopted", Trait.NONE, "Event: an existing deployment or function version was adopted."
    UPDATED = (
        "Updated",
        Trait.NONE,
        "Event: the deployment, or a version of the function, was changed in place.",
    )
    UNDEPLOYED = "Undeployed", Trait.NONE, "Event: the deployment is gone from NVCF."
    RETAINED = (
        "Retained",
        Trait.NONE,
        "Event: the resource was deleted and its deployment retained in NVCF (deletionPolicy Retain).",
    )
    ANNOTATION_IGNORED = (
        "AnnotationIgnored",
        Trait.NONE,
        "Event: an annotation has a value that the operator does not recognise, so it is ignored; the message says "
        "which.",
    )
    UNKNOWN_NAME = (
        "UnknownName",
        Trait.NONE,
        "Event: NVCF's catalogue does not have a GPU, instance type, cluster, region or attribute that the manifest "
        "names, or not together; the message suggests what may be meant. The deployment was requested all the same.",
    )
    DRIFT = (
        "Drift",
        Trait.NONE,
        "Event: the deployment, or a version of the function, was changed or removed by somebody else.",
    )
    NO_INSTANCES = (
        "NoInstances",
        Trait.NONE,
        "Event: NVCF reports the version as ACTIVE and runs no instance of it, though minInstances is 1 or more.",
    )
    RELEASED = (
        "Released",
        Trait.NONE,
        "Event: the resource was deleted and nothing was undeployed, because the deployment is not this resource's.",
    )
    LEFT_BEHIND = (
        "LeftBehind",
        Trait.NONE,
        "Event: the named ids may still be running and incurring cost, and no resource manages them.",
    )
    DELETION_BLOCKED = (
        "DeletionBlocked",
        Trait.NONE,
        "The deployment cannot be removed; the message says how to unblock it.",
    )


def reasons_with(trait: Trait) -> frozenset[Reason]:
    """All reasons that have a trait."""
    return frozenset(reason for reason in Reason if trait in reason.traits)
