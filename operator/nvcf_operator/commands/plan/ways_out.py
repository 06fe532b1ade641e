"""What a user can do about what the operator would refuse."""

from collections.abc import Mapping

from nvcf_operator.core.model.reasons import Reason

WAYS_OUT: Mapping[str, tuple[str, ...]] = {
    Reason.IMMUTABLE_FIELD_CHANGED: (
        "Revert the fields.",
        "Set rollout.immutableChange: Redeploy; nothing serves while it is undeployed and deployed again.",
        "Roll out another version of the function instead.",
    ),
    Reason.ALREADY_DEPLOYED: ("Set adoptionPolicy: Adopt to manage the deployment.", "Undeploy it."),
    Reason.ALREADY_EXISTS: (
        "Set adoptionPolicy: Adopt to adopt the function.",
        "Choose another spec.name.",
    ),
    Reason.AMBIGUOUS: ("Set spec.functionId to the function to adopt.", "Choose another spec.name."),
    Reason.CONFLICT: ("Delete one of the two resources.", "Use another function or version in one of them."),
    Reason.FUNCTION_NOT_FOUND: ("Correct spec.functionId and spec.functionVersionId.", "Use the account's own key."),
    Reason.FUNCTION_MISSING: ("Add the CloudFunction to the manifests.", "Correct spec.functionRef.name."),
    Reason.REVISION_MISSING: ("Correct spec.functionRef.revision.", "Set spec.revision of the CloudFunction to it."),
    Reason.FUNCTION_GONE: (
        "Set the annotation nvcf-operator.io/new-function-requested-at for a new function with another id.",
    ),
    Reason.REVISION_REUSED: ("Change spec.revision together with the template.", "Revert the template."),
    Reason.PUBLIC_FUNCTION: ("Name a function of the key's own account.",),
    Reason.ACCOUNT_MISMATCH: ("Use a key of the account that the deployment belongs to.",),
    Reason.MASS_ABSENCE: (
        "Check the key and the account, then set the annotation nvcf-operator.io/reconcile-requested-at.",
    ),
    Reason.ROLLOUT_FAILED: (
        "Correct the manifest or the function.",
        "Set the annotation nvcf-operator.io/reconcile-requested-at to try again.",
    ),
    Reason.DEPLOYMENT_FAILED: (
        "Correct the manifest or the function.",
        "Set the annotation nvcf-operator.io/reconcile-requested-at to try again.",
    ),
    Reason.NOT_CONVERGING: (
        "Find out what reverts the change, then set the annotation nvcf-operator.io/reconcile-requested-at.",
    ),
    Reason.TOO_MANY_VERSIONS: ("Undeploy or delete versions of the function.", "Raise spec.history.limit."),
    Reason.NOT_SUPPORTED: ("Revert the manifest.",),
    Reason.INVALID_SPEC: ("Correct the manifest.",),
}
"""By the reason of Ready. The condition's message says more about the very case."""
