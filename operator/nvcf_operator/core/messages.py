"""What conditions tell a person: what happened, what the operator will do, what they can do.

No clock time stands in a message, and nothing that changes while nothing happens: a text that moves would be a write.
"""

from nvcf_operator.api.key import Key
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Situation

PENDING = "The operator has seen the resource and is about to ask NVCF for it."
ADOPTING = "The deployment that was already there is managed from now on, and is about to be made as the manifest says."
NO_LIST = "NVCF did not answer for the account's list of functions, so a 404 is not believed; it is tried again."
AWAITING_ANSWER = (
    "A deployment was asked for and no answer is on record. NVCF may still be making it, so the operator watches for "
    "it before it asks again."
)
AWAITING_ANSWER_DELETING = (
    "A deployment was asked for and no answer is on record. NVCF may still be making it, so the operator watches for "
    "it before it lets the resource go."
)
FOREIGN_DRAIN = (
    "The deployment is INACTIVE: it is being drained, or just being made. The operator waits for the end of that and "
    "goes on from what is there."
)
SCALING_UP = "The minimum was raised; NVCF starts the new instances."
UPDATING = "A change is being made in place."
ROLLING_ON = "The rollout goes on step by step."
NAMESPACE_ENDS = "Its namespace is being deleted, so no Secret can be created there any more."
MASS_ABSENCE = (
    "A large part of the deployments that this key's account held is gone at once, this one too. That may be a "
    "mistake, and to deploy all of it again costs money, so nothing is deployed again by itself. Find out what "
    "happened; set the annotation nvcf-operator.io/reconcile-requested-at to deploy this one again."
)
NOT_CONVERGING = (
    "The same change was made 3 times within an hour and was undone each time: another operator, cluster or person may "
    "manage this version. Nothing more is written until the manifest changes or reconcile-requested-at is set."
)


def unanswered(words: str | None, pause: float, shown: str | None) -> str:
    """NVCF leaves open what became of a POST.

    Args:
        words: NVCF's answer, or what came in its place.
        pause: seconds between that POST and the next one.
        shown: the function's status in NVCF's list, while it has no deployment; None if that is not known.

    """
    text = (
        f"{words or 'NVCF: create_deployment got no answer'}. It may still be at work, so the operator watches for the "
        f"deployment and asks again after {pause:g} seconds; an edit or the annotation "
        "nvcf-operator.io/reconcile-requested-at shortens that as far as is safe."
    )
    if shown in (None, "INACTIVE"):
        return text
    return (
        f"{text} NVCF shows the function version as {shown} and has no deployment of it: if that stays so, no call of "
        "its API deploys this version any more. Create another version and name it in functionVersionId."
    )


def write_refused(what: str, words: str) -> str:
    """The API server refuses a write of ours.

    Args:
        what: what was to be written, as in "the operator may not ...".
        words: the API server's own.

    """
    return (
        f"The API server does not let the operator {what}: {words.rstrip('. ')}. Change what refuses it (admission "
        "policy, webhook, quota, rights), or change the resource so that it passes. The operator tries again with "
        "growing pauses of up to 5 minutes."
    )


NEWER_CRD = "Install the CRD of this version: kubectl apply -k crds, or nvcf-operator crd | kubectl apply -f -"


def crd_is_older(fields: str) -> str:
    """The API server drops a part of what the operator writes into the status, or would drop it.

    Args:
        fields: what is dropped, as paths.

    """
    return (
        f"The cluster does not keep {fields}, where the operator records what it asks NVCF for, so it asks for no "
        "deployment: after a crash it might ask for it twice. The CustomResourceDefinition is older than the operator "
        f"(or a webhook changes the status). {NEWER_CRD}. The operator tries again with growing pauses of up to 5 "
        "minutes."
    )


def not_in_force(seconds: int, cause: str) -> str:
    """The progress deadline is over, and something keeps the operator from its work."""
    return f"The manifest is not in force after rollout.progressDeadlineSeconds ({seconds}). {cause}"


def asking(version: str) -> str:
    """A POST is about to be sent."""
    return f"NVCF is being asked to deploy version {version}."


def invalid_spec(error: str) -> str:
    """The stored manifest cannot be read."""
    return f"{error}. Correct the manifest; nothing was touched in NVCF."


def cannot_be_undeployed(error: str) -> str:
    """The stored manifest does not tell whether, or by which key, the deployment is to be undeployed."""
    return (
        f"{error}. This version of the operator cannot read the manifest, and it does not guess what it means for the "
        "deployment. Set the field to a value that it knows, or run the version that the manifest was written for."
    )


def conflict(holder: Key, version: str) -> str:
    """Another resource holds the version."""
    return (
        f"Version {version} is held by FunctionDeployment {holder}. This resource writes nothing and takes over when "
        "that one is deleted or lets go of the version."
    )


def rolling_out(resource: Resource, former: str | None, health: tuple[str, ...]) -> str:
    """A version comes up beside another."""
    beside = f" beside {former}, which goes on until then. Both hold their GPUs meanwhile" if former else ""
    return f"Version {resource.wanted_version} comes up{beside}{_said(health)}"


def rollout_failed(resource: Resource, reason: str) -> str:
    """The wanted version was given up."""
    return (
        f"Version {resource.wanted_version} did not come up ({reason.rstrip('.')}). It is taken down and version "
        f"{resource.status.function_version_id} goes on. Change the manifest, or set the annotation "
        "nvcf-operator.io/reconcile-requested-at to try it again."
    )


def settling(seconds: float) -> str:
    """A version deployed before waits for its next deployment."""
    return (
        "The version was deployed before and is gone. NVCF can bring an old deployment back for a while, so the "
        f"operator deploys it again only after {seconds:g} seconds in which it stayed away."
    )


def no_function(spec: FunctionDeploymentSpec) -> str:
    """The account has no such version."""
    return (
        f"The account has no version {spec.function_version_id} of function {spec.function_id}. Check functionId, "
        "functionVersionId and which account the key belongs to, or create the version; it is looked for again."
    )


def public_function(spec: FunctionDeploymentSpec) -> str:
    """The function is another account's."""
    return (
        f"Function {spec.function_id} belongs to another account and can only be invoked, not deployed, with this key."
    )


def account_mismatch(recorded: str, seen: str) -> str:
    """The key is another account's."""
    return (
        f"The deployment belongs to account {recorded}, but the key is of account {seen}. Nothing is written and "
        f"nothing is taken for gone. Put a key of account {recorded} into the Secret."
    )


def account_unproven(recorded: str) -> str:
    """The key shows no function of the account."""
    return (
        f"The deployment belongs to account {recorded}, and the key shows no function of it, so a 404 may come from "
        f"another account. Nothing is written. Use a key of account {recorded} that may list its functions."
    )


def already_deployed(spec: FunctionDeploymentSpec) -> str:
    """Somebody else's deployment, and adoption is refused."""
    return (
        f"Version {spec.function_version_id} was deployed by somebody else and adoptionPolicy is Refuse. Nothing was "
        "touched. Set adoptionPolicy: Adopt to manage it, or undeploy it."
    )


def deployment_failed(attempt: int, most: int, health: tuple[str, ...]) -> str:
    """Status ERROR, and another attempt is planned."""
    return (
        f"NVCF gave the deployment up (ERROR){_said(health)} The operator undeploys it and deploys it again by itself: "
        f"attempt {attempt} of {most} follows. Correct the manifest, or set the annotation "
        "nvcf-operator.io/reconcile-requested-at, to have it at once."
    )


def deployment_given_up(most: int, health: tuple[str, ...]) -> str:
    """Status ERROR after the last attempt."""
    return (
        f"NVCF gave the deployment up (ERROR){_said(health)} It was deployed again {most} times, in vain. Remove the "
        "cause, then change the manifest or set the annotation nvcf-operator.io/reconcile-requested-at."
    )


def immutable(differences: str, *, put_supported: bool = True) -> str:
    """Fields differ that NVCF cannot change in place."""
    why = "" if put_supported else " (this server has no PUT, the one call that changes maxRequestConcurrency in place)"
    return (
        f"NVCF cannot change this in place{why}: {differences}. Nothing was touched and the deployment goes on as it "
        "is. Set the manifest back, or set rollout.immutableChange: Redeploy to have it undeployed and deployed again."
    )


def unsupported_by_server(fields: tuple[str, ...]) -> str:
    """The server is too old for a change."""
    return f"This NVCF server offers no call that changes {', '.join(fields)} in place. Set the manifest back."


def active(version: str) -> str:
    """All is well."""
    return f"Version {version} is ACTIVE as specified."


def deploying(health: tuple[str, ...]) -> str:
    """Instances are awaited."""
    return f"NVCF waits for the instances of the deployment{_said(health)}"


def degraded(status: str, health: tuple[str, ...]) -> str:
    """Instances are missing."""
    what = "No instance runs" if status == "DEGRADED" else "Some instances do not run"
    return f"{what} ({status}). NVCF heals this by itself{_said(health)}"


def unknown_status(status: str) -> str:
    """A status of a newer server."""
    return f"NVCF tells the status {status}, which this version of the operator does not know. It writes nothing."


def deadline_exceeded(status: str, seconds: int, health: tuple[str, ...]) -> str:
    """The progress deadline is over."""
    return (
        f"The deployment is {status} for longer than rollout.progressDeadlineSeconds ({seconds}){_said(health)} "
        "Nothing was deleted and it is watched on. NVCF may never ask for capacity again by itself: check capacity and "
        "the GPU specification; the annotation nvcf-operator.io/redeploy-requested-at asks anew."
    )


def refused_before(reason: str) -> str:
    """What was refused earlier is not asked for yet."""
    return f"NVCF refused the last request ({reason}). Change the manifest, or wait: the operator tries again."


def no_capacity_for(seconds: int, what: str) -> str:
    """NVCF has had no room for longer than the progress deadline."""
    return (
        f"NVCF had no capacity within rollout.progressDeadlineSeconds ({seconds}), and is asked again all the same. "
        f"{what}"
    )


def draining(situation: Situation, version: str, left: float) -> str:
    """A drain of ours."""
    spec = situation.resource.spec
    limit = spec.undeploy.drain_timeout_seconds if spec is not None else 3600
    if left <= 0:
        return (
            f"Version {version} is still draining after undeploy.drainTimeoutSeconds ({limit}) and onDrainTimeout is "
            "Wait. Set undeploy.onDrainTimeout: Force to cut it short; queued requests are then lost."
        )
    return f"Version {version} answers its queued requests, for {limit} seconds at most, before it goes."


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
        f"The deployment cannot be removed from NVCF: {what} It is tried again by itself. Ways out: put working "
        "credentials in place; or set deletionPolicy: Retain to leave the deployment running; or annotate "
        'nvcf-operator.io/force-delete: "true" to release the resource and remove the deployment by hand.'
        + (stale if stale_force_delete else "")
    )


def blocked_in_ending_namespace(what: str, left: str, *, stale_force_delete: bool) -> str:
    """A deletion that cannot go on, where nothing can be created that would help it."""
    stale = (
        " The one that is there was set before that and does not count: remove it first." if stale_force_delete else ""
    )
    return (
        f"The deployment cannot be removed from NVCF: {what} To let the resource and its namespace go, annotate "
        f'nvcf-operator.io/force-delete: "true".{stale} That leaves in NVCF, running and costing: {left}. Undeploy it '
        "there, or apply the manifest in another namespace, which adopts it, and delete it there."
    )


def shown(*, observe: bool, paused_by_annotation: bool, status: str | None, difference: str) -> str:
    """Nothing is written; what NVCF holds."""
    if observe:
        why = "managementPolicy is Observe: nothing is written to NVCF."
    elif paused_by_annotation:
        why = "The annotation nvcf-operator.io/paused stops all writes to NVCF; remove it to go on."
    else:
        why = "spec.suspend stops all writes to NVCF; set it to false to go on."
    what = f"The deployment is {status}" if status is not None else "The version is not deployed"
    return f"{why} {what}" + (f"; it differs from the manifest: {difference}." if difference else ".")


def _said(health: tuple[str, ...]) -> str:
    return f". NVCF says: {'; '.join(health)[:500]}." if health else "."
