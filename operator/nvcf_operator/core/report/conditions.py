"""The status after a decision: what was seen, what was done, and a row of the table of conditions.

`report` is pure and total; the same situation and decision always give the same status, so that "nothing changed" is
an equality and a converged resource is never written. The table has one function a row; the design's section 2 shows
the same one.

=============================================== ========= ===== =========== =======
situation                                       Available Ready Reconciling Stalled
=============================================== ========= ===== =========== =======
`in_force`: ACTIVE as specified                 T         T     F           F
`progressing`: first DEPLOYING, raise of min    as served F     T           F
`stalled`: refused, failed, needs a user        as served F     F           T
`unwell`: DEGRADING, DEGRADED before deadline   T / F     F     F           F
`at_rest`: Suspended, Observing                 as served match F           F
=============================================== ========= ===== =========== =======
"""

from dataclasses import replace
from typing import Any

from nvcf_client.text import shorten
from nvcf_operator.api import status as kinds
from nvcf_operator.api.status import (
    CONDITION_TYPES,
    Condition,
    FunctionDeploymentStatus,
    ObservedGpuSpecification,
    Phase,
    merge,
)
from nvcf_operator.core.diff import compare
from nvcf_operator.core.model import manifests
from nvcf_operator.core.model.decision import ConditionSet, Decision, RecordUpdate
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Absent, Failure, FunctionStatus, Listed, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import instances


def in_force(message: str) -> ConditionSet:
    """The manifest is fully in force."""
    return ConditionSet(Phase.ACTIVE, Reason.ACTIVE, message, ready=True, available=True)


def progressing(phase: str, reason: Reason, message: str, *, available: bool | None = None) -> ConditionSet:
    """The operator or NVCF is at work, and it will go on automatically."""
    return ConditionSet(phase, reason, message, reconciling=True, available=available)


def stalled(reason: Reason, message: str, *, available: bool | None = None) -> ConditionSet:
    """It does not go on without a user, or only slowly."""
    return ConditionSet(Phase.FAILED, reason, message, stalled=True, available=available)


def unwell(reason: Reason, message: str, *, available: bool) -> ConditionSet:
    """NVCF is expected to heal it; nothing is to be done."""
    return ConditionSet(Phase.DEGRADED, reason, message, available=available)


def at_rest(phase: str, reason: Reason, message: str, *, ready: bool, available: bool | None) -> ConditionSet:
    """Nothing is written by request of the manifest."""
    return ConditionSet(phase, reason, message, ready=ready, available=available)


MAX_MESSAGES, MAX_CHARACTERS = 10, 512
"""Of what NVCF says about instances that did not come up, as far as a status holds it."""

GONE: dict[str, Any] = {"deployment_id": None, "gpu_specifications": (), "instances": None, "health": ()}
"""What status says of a deployment that is not there."""


def report(situation: Situation, decision: Decision) -> FunctionDeploymentStatus:
    """Report in status what was seen and decided. Equal to the recorded status when there is no news."""
    resource, record = situation.resource, decision.record
    assert record is not None, "decide() records every decision that is reported"
    old, condition_set = resource.status, decision.condition_set
    if condition_set is not None and decision.action is None:  # not beside an intent, whose write no Event follows
        condition_set = with_odd_words(resource, condition_set)
    new: dict[str, Any] = vars(old) | _seen(situation, record)
    new |= {"uid": resource.uid, "incoming": record.incoming, "retiring": record.retiring, "failed": record.failed}
    new |= {"intent": record.intent, "retry": record.retry, "last_write": record.last_write}
    new |= {"last_handled_redeploy_at": record.redeploy_handled, "function_ref": record.function_ref}
    if record.function_ref is not None:
        new["function_id"] = resource.function_id or None  # with it, a deletion needs no CloudFunction
    if decision.seen and (token := resource.reconcile_requested):
        new["last_handled_reconcile_at"] = token
    if condition_set is None:
        stated = [c for c in old.conditions if c.type != kinds.CREDENTIALS_VALID]
    else:
        new["observed_generation"] = resource.generation
        new["phase"] = str(condition_set.phase)
        new["progressing_since"] = record.progressing_since
        available = resource.is_true(kinds.AVAILABLE) if condition_set.available is None else condition_set.available
        reason = Reason.SERVING if available else Reason.NOT_SERVING
        stated = stated_of(resource, condition_set, kinds.AVAILABLE, available, reason)
    answered = any(isinstance(seen, Present | Listed | Absent) for seen in situation.observations.values())
    credentials = credentials_of(resource, situation.credential_failure, answered=answered)
    new["conditions"] = merge(
        old.conditions, [*stated, *([credentials] if credentials else [])], situation.now, CONDITION_TYPES
    )
    status = FunctionDeploymentStatus.model_validate(new)
    running = instances.running(situation, record.main_version, status)
    return status if running == status.running else status.model_copy(update={"running": running})


def _seen(situation: Situation, record: RecordUpdate) -> dict[str, Any]:
    """What status says of the version that serves, or is to serve while none does."""
    resource, version = situation.resource, record.main_version
    if version is None:
        return {}
    moves = resource.status.function_version_id not in (None, version) and not resource.deleting
    nothing = {"function_version_id": version, "function_status": None, **GONE} if moves else {}
    return nothing | _shown(situation, version, is_ours=record.is_ours)


def _shown(situation: Situation, version: str, *, is_ours: bool) -> dict[str, Any]:
    resource = situation.resource
    seen = situation.observation(version)
    if isinstance(seen, Listed):
        return {"function_status": seen.status}
    if isinstance(seen, Absent):
        if situation.believes_absence and resource.status.function_version_id is None:
            return {"function_status": None, "instances": None}  # of somebody else's, which was shown
        if not situation.believes_absence or not resource.holds or resource.status.function_version_id != version:
            return {}
        return {"function_status": FunctionStatus.INACTIVE, **GONE}
    if not isinstance(seen, Present):
        return {}
    deployment = seen.deployment
    shown: dict[str, Any] = {
        "function_status": deployment.function_status,
        "deployment_id": deployment.deployment_id,
        "function_name": deployment.function_name or resource.status.function_name,
        "instances": compare.instances(deployment.deployment_specifications),
        "health": () if deployment.function_status == FunctionStatus.ACTIVE else health_of(situation, seen),
        "gpu_specifications": tuple(
            ObservedGpuSpecification(
                gpu_specification_id=item.gpu_specification_id,
                gpu=item.gpu,
                instance_type=item.instance_type,
                min_instances=item.min_instances,
                max_instances=item.max_instances,
            )
            for item in sorted(deployment.deployment_specifications, key=lambda item: item.gpu_specification_id or "")
        ),
    }
    if not compare.all_listed(deployment):  # what is on record of them is nearer to the truth than a part
        shown |= {name: getattr(resource.status, name) for name in ("instances", "gpu_specifications")}
    if not is_ours:
        return {"function_status": deployment.function_status, "instances": shown["instances"]}
    view = situation.account
    shown |= {"function_id": resource.function_id, "function_version_id": version}
    shown["account_id"] = resource.status.account_id or deployment.nca_id or (view.account_id if view else None)
    if (
        view is not None
        and view.fingerprint is not None
        and shown["account_id"] in (deployment.nca_id, view.account_id)
    ):
        shown["credential"] = view.fingerprint
    return shown


def health_of(situation: Situation, seen: Present | Listed) -> tuple[str, ...]:
    """The messages of a deployment just read; with the list alone, those on record."""
    if isinstance(seen, Listed):
        return situation.resource.status.health
    texts = {
        shorten(" ".join(item.error.split()), MAX_CHARACTERS)
        for item in seen.deployment.health_info or ()
        if item.error
    }
    return tuple(sorted(text for text in texts if text)[:MAX_MESSAGES])


def with_odd_words(resource: AnyResource, condition_set: ConditionSet) -> ConditionSet:
    """The condition set with a sentence about each annotation that says nothing, in front, where no limit cuts it."""
    odd = [sentence for sentence in manifests.ignored(resource.annotations) if sentence not in condition_set.message]
    return replace(condition_set, message=" ".join((*odd, condition_set.message))) if odd else condition_set


def stated_of(
    resource: AnyResource, condition_set: ConditionSet, aspect: str, holds: bool, reason: Reason
) -> list[Condition]:
    """The conditions that a condition set gives.

    Args:
        resource: whose they are.
        condition_set: what Ready, Reconciling and Stalled say.
        aspect: the type of the condition that its kind has beside them.
        holds: whether that one is True.
        reason: why.

    """

    def condition(kind: str, holds: bool, reason: Reason = condition_set.reason, message: str = "") -> Condition:
        return Condition(
            type=kind,
            status="True" if holds else "False",
            reason=reason,
            message=message,
            observed_generation=resource.generation,
        )

    stated = [
        condition(kinds.READY, condition_set.ready, message=condition_set.message),
        condition(aspect, holds, reason),
        condition(
            kinds.RECONCILING,
            condition_set.reconciling,
            message=condition_set.message if condition_set.reconciling else "",
        ),
        condition(kinds.STALLED, condition_set.stalled, message=condition_set.message if condition_set.stalled else ""),
    ]
    if resource.deleting:
        stated.append(
            condition(
                kinds.DELETION_BLOCKED,
                condition_set.blocked,
                message=condition_set.message if condition_set.blocked else "",
            )
        )
    return stated


def credentials_of(resource: AnyResource, failure: Failure | None, *, answered: bool) -> Condition | None:
    """What CredentialsValid says.

    Args:
        resource: whose it is.
        failure: what is wrong with the credentials, as far as was seen.
        answered: whether NVCF answered.

    """
    if failure is not None:
        status, reason, message = "False", failure.reason, failure.message
    elif answered:
        status, reason, message = "True", Reason.CREDENTIALS_VALID, ""
    else:
        return resource.condition(kinds.CREDENTIALS_VALID)
    known = resource.condition(kinds.CREDENTIALS_VALID)
    said = (status, reason, message, resource.generation)
    if known is not None and said == (known.status, known.reason, known.message, known.observed_generation):
        return known
    return Condition.model_validate(
        {
            "type": kinds.CREDENTIALS_VALID,
            "status": status,
            "reason": reason,
            "message": message,
            "observed_generation": resource.generation,
        }
    )
