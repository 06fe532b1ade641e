"""What conditions say to a user: what happened, what the operator will do, what they can do.

No clock time stands in a message, and nothing that changes while nothing happens: a text that moves would be a write.
"""

from nvcf_client.text import shorten
from nvcf_operator.api.names import Key

PENDING = "The operator has seen the resource and is about to look it up in NVCF."
ADOPTING = "Adopted the existing deployment; it will be updated to match the manifest."
NO_LIST = "NVCF did not return the account's list of functions, so a 404 is not trusted yet; the operator retries."
VERSION_VANISHED = (
    "NVCF shows neither the deployment nor its version any more. Something may hide both for a moment while instances "
    "run, so the 404 is not trusted yet; the operator reads both again."
)
CONTRADICTED = (
    "NVCF does not find the deployment (404) and lists its version as deployed, so the 404 is not trusted yet; the "
    "operator reads both again."
)
AWAITING_ANSWER = (
    "A deployment was requested and no response is on record. NVCF may still be creating it, so the operator watches "
    "for it before it sends the request again."
)
AWAITING_ANSWER_DELETING = (
    "A deployment was requested and no response is on record. NVCF may still be creating it, so the operator watches "
    "for it before it releases the resource."
)
FOREIGN_DRAIN = (
    "The deployment is INACTIVE: NVCF is either draining or creating it. The operator waits until that finishes, then "
    "reconciles."
)
SCALING_UP = "minInstances was raised; NVCF is starting the new instances."
UPDATING = "The deployment is being updated in place."
ROLLING_ON = "The rollout is in progress."
NAMESPACE_ENDS = "Its namespace is being deleted, so no Secret can be created there any more."
MASS_ABSENCE = (
    "Many of this account's deployments disappeared at the same time, including this one. This may be accidental, and "
    "redeploying all of them costs money, so none is redeployed automatically. Find out what happened; to redeploy "
    "this one, set the annotation nvcf-operator.io/reconcile-requested-at."
)
NOT_CONVERGING = (
    "The same change was made 3 times within an hour and was reverted each time: another operator, cluster or person "
    "may be managing this version. The operator makes no more changes until the manifest changes or "
    "reconcile-requested-at is set."
)


def unanswered(words: str | None, pause: float, shown: str | None) -> str:
    """NVCF leaves open what became of a POST.

    Args:
        words: NVCF's answer, or what came in its place.
        pause: seconds between that POST and the next one.
        shown: the function's status in NVCF's list, while it has no deployment; None if it is not known, or INACTIVE.

    """
    text = (
        f"{words or 'NVCF: create_deployment got no response'}. NVCF may still be creating the deployment, so the "
        f"operator watches for it and sends the request again after {pause:g} seconds; an edit or the annotation "
        "nvcf-operator.io/reconcile-requested-at shortens that as far as is safe."
    )
    if shown is None:
        return text
    return (
        f"{text} NVCF shows the function version as {shown} but has no deployment of it: if that persists, no API "
        "call can deploy this version again. Create another version and set functionVersionId to it."
    )


def write_refused(what: str, words: str) -> str:
    """The API server refuses a write of ours.

    Args:
        what: what was to be written, as in "the operator may not ...".
        words: the API server's own.

    """
    return (
        f"The API server does not let the operator {what}: {words.rstrip('. ')}. Change what rejects it (admission "
        "policy, webhook, quota, permissions), or change the resource so that it passes. The operator retries with "
        "backoff, at most 5 minutes apart."
    )


def not_in_force(seconds: int, cause: str) -> str:
    """The progress deadline is over, and something keeps the operator from its work."""
    return f"The manifest has not taken effect after rollout.progressDeadlineSeconds ({seconds}). {cause}"


def asking(version: str) -> str:
    """A POST is about to be sent."""
    return f"NVCF is being asked to deploy version {version}."


def invalid_spec(error: str) -> str:
    """The stored manifest cannot be read."""
    return f"{error}. Correct the manifest; nothing was changed in NVCF."


def cannot_be_undeployed(error: str) -> str:
    """The stored manifest does not say whether, or by which key, the deployment is to be undeployed."""
    return (
        f"{error}. This version of the operator cannot read the manifest and does not guess what to do with the "
        "deployment. Set the field to a value that it supports, or run the operator version that the manifest was "
        "written for."
    )


def conflict(holder: Key, version: str) -> str:
    """Another resource holds the version."""
    return (
        f"Version {version} is held by FunctionDeployment {holder}. This resource makes no changes and takes over "
        "once that resource is deleted or no longer uses this version."
    )


def rolling_out(new: str, former: str | None, health: tuple[str, ...]) -> str:
    """A version comes up beside another."""
    until = f"which keeps serving until {new} is ready. Both use GPUs in the meantime"
    beside = f" alongside {former}, {until}" if former else ""
    return f"Version {new} is starting{beside}{_said(health)}"


def rollout_failed(version: str, kept: str | None, reason: str) -> str:
    """The wanted version was given up."""
    return (
        f"Version {version} did not come up ({reason.rstrip('.')}). It is undeployed, and version "
        f"{kept} stays in place. Change the manifest, or set the annotation "
        "nvcf-operator.io/reconcile-requested-at to try it again."
    )


def settling(seconds: float) -> str:
    """A version deployed before waits for its next deployment."""
    return (
        "The version was deployed before and is gone. NVCF can bring an old deployment back for a while, so the "
        f"operator deploys it again only after it has been absent for {seconds:g} seconds."
    )


def no_function(function_id: str, version: str) -> str:
    """The account has no such version."""
    return (
        f"The account has no version {version} of function {function_id}. Check functionId, "
        "functionVersionId and which account the key belongs to, or create the version; the operator keeps checking."
    )


def public_function(function_id: str) -> str:
    """The function is another account's."""
    return f"Function {function_id} belongs to another account and can only be invoked, not deployed, with this key."


def account_mismatch(recorded: str, seen: str) -> str:
    """The key is another account's."""
    return (
        f"The deployment belongs to account {recorded}, but this API key belongs to account {seen}. The operator "
        f"makes no changes and does not treat the deployment as deleted. Put a key of account {recorded} into the "
        "Secret."
    )


def account_unproven(recorded: str) -> str:
    """The key shows no function of the account."""
    return (
        f"The deployment belongs to account {recorded}, but the API key shows no function of it, so a 404 may come "
        f"from another account. The operator makes no changes. Use a key of account {recorded} that may list its "
        "functions."
    )


def already_deployed(version: str) -> str:
    """Somebody else's deployment, and adoption is refused."""
    return (
        f"Version {version} was deployed by somebody else and adoptionPolicy is Refuse. Nothing was "
        "changed. Set adoptionPolicy: Adopt to manage it, or undeploy it."
    )


def deployment_failed(attempt: int, most: int, health: tuple[str, ...]) -> str:
    """Status ERROR, and another attempt is planned."""
    return (
        f"The deployment failed (status ERROR){_said(health)} The operator will undeploy it and deploy it again "
        f"automatically (attempt {attempt} of {most}). To retry now, correct the manifest or set the annotation "
        "nvcf-operator.io/reconcile-requested-at."
    )


def deployment_given_up(most: int, health: tuple[str, ...]) -> str:
    """Status ERROR after the last attempt."""
    return (
        f"The deployment failed (status ERROR){_said(health)} Redeploying it {most} times did not help. Fix the "
        "cause, then change the manifest or set the annotation nvcf-operator.io/reconcile-requested-at."
    )


def immutable(differences: str, *, put_supported: bool = True) -> str:
    """Fields differ that NVCF cannot change in place."""
    why = "" if put_supported else " (this server has no PUT, the one call that changes maxRequestConcurrency in place)"
    return (
        f"NVCF cannot change this in place{why}: {differences}. Nothing was changed, and the deployment keeps running "
        "as it is. Revert the manifest, or set rollout.immutableChange: Redeploy to have it undeployed and deployed "
        "again."
    )


def unsupported_by_server(fields: tuple[str, ...]) -> str:
    """The server is too old for a change."""
    return f"This NVCF server offers no call that changes {', '.join(fields)} in place. Revert the manifest."


def active(version: str) -> str:
    """All is well."""
    return f"Version {version} is ACTIVE as specified."


def deploying(health: tuple[str, ...]) -> str:
    """Instances are awaited."""
    return f"NVCF is waiting for the deployment's instances{_said(health)}"


def degraded(status: str, health: tuple[str, ...], *, serving: bool) -> str:
    """Instances are missing."""
    what = "Some instances are not running" if serving else "No instance is running"
    return f"{what} ({status}). NVCF repairs this automatically{_said(health)}"


def unknown_status(status: str) -> str:
    """A status of a newer server."""
    return (
        f"NVCF reports status {status}, which this operator version does not recognise. The operator makes no changes."
    )


def deadline_exceeded(status: str, seconds: int, health: tuple[str, ...]) -> str:
    """The progress deadline is over."""
    return (
        f"The deployment has been {status} for longer than rollout.progressDeadlineSeconds ({seconds}){_said(health)} "
        "Nothing was deleted, and the operator keeps watching. NVCF may never request capacity again on its own: "
        "check capacity and the GPU specification; to request capacity again, set the annotation "
        "nvcf-operator.io/redeploy-requested-at."
    )


def no_capacity_for(seconds: int, what: str) -> str:
    """NVCF has had no room for longer than the progress deadline."""
    return (
        f"NVCF had no capacity within rollout.progressDeadlineSeconds ({seconds}); the operator keeps retrying. {what}"
    )


def no_instances(version: str, least: int) -> str:
    """NVCF reports a version ACTIVE and shows no instance of it."""
    ordered = "1 instance" if least == 1 else f"{least} instances"
    return (
        f"NVCF reports version {version} as ACTIVE but runs no instance of it, and the deployment orders at least "
        f"{ordered}. Requests wait or fail. The operator keeps reading the instances and changes nothing. If none "
        "starts, redeploy the version by the annotation nvcf-operator.io/redeploy-requested-at."
    )


def draining(version: str, limit: int, left: float, queued: int | None = None) -> str:
    """A drain of ours, with the requests queued when it began: NVCF shows no queue of a version that drains."""
    if left <= 0:
        return (
            f"Version {version} is still draining after undeploy.drainTimeoutSeconds ({limit}) and onDrainTimeout is "
            "Wait. Set undeploy.onDrainTimeout: Force to cut it short; queued requests are then lost."
        )
    known = f" ({queued} when the drain began)" if queued is not None else ""
    return (
        f"Version {version} is serving its queued requests{known}, for at most {limit} seconds, before it is removed."
    )


def undeploying(version: str) -> str:
    """A DELETE was sent."""
    return f"NVCF was asked to undeploy version {version}."


def blocked(what: str, *, stale_force_delete: bool) -> str:
    """A deletion that cannot go on."""
    stale = (
        " The annotation force-delete was set before the deletion was blocked and does not count: remove it and set it "
        "again."
    )
    return (
        f"The deployment cannot be removed from NVCF: {what} The operator keeps retrying. To unblock: restore valid "
        "credentials; or set deletionPolicy: Retain to leave the deployment running; or annotate "
        'nvcf-operator.io/force-delete: "true" to release the resource and remove the deployment by hand.'
        + (stale if stale_force_delete else "")
    )


def blocked_in_ending_namespace(what: str, left: str, *, stale_force_delete: bool) -> str:
    """A deletion that cannot go on, where nothing can be created that would help it."""
    stale = " The existing one was set before that and does not count: remove it first." if stale_force_delete else ""
    return (
        f"The deployment cannot be removed from NVCF: {what} To release the resource and its namespace, annotate "
        f'nvcf-operator.io/force-delete: "true".{stale} That leaves in NVCF, still running and incurring cost: '
        f"{left}. Undeploy it there, or apply the manifest in another namespace, which adopts it, and delete it there."
    )


def shown(*, observe: bool, paused_by_annotation: bool, status: str | None, difference: str) -> str:
    """Nothing is written; what NVCF holds."""
    if observe:
        why = "managementPolicy is Observe: nothing is written to NVCF."
    elif paused_by_annotation:
        why = "The annotation nvcf-operator.io/paused stops all writes to NVCF; remove it to resume."
    else:
        why = "spec.suspend stops all writes to NVCF; set it to false to resume."
    what = f"The deployment is {status}" if status is not None else "The version is not deployed"
    return f"{why} {what}" + (f"; it differs from the manifest: {difference}." if difference else ".")


def _said(health: tuple[str, ...]) -> str:
    return f". NVCF says: {shorten('; '.join(health), 500)}." if health else "."


def version_busy(version: str) -> str:
    """Another call writes the function version."""
    return (
        f"Another change of version {version} is under way, or got no answer, so that NVCF may still make it. The "
        "operator goes on when that is over, or its effect is seen."
    )
