"""The status after a decision: what was seen, what was done, and the table row that the verdict names.

`report` is pure and total; the same situation and decision always give the same status, so that "nothing changed" is
an equality and a converged resource is never written.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nvcf_client.models import Deployment
from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.conditions import Condition, merge
from nvcf_operator.api.status import (
    FunctionDeploymentStatus,
    Incoming,
    Intent,
    LastWrite,
    ObservedGpuSpecification,
    Retiring,
    Retry,
)
from nvcf_operator.core import (
    compare,
    failed_deployment,
    health,
    oddities,
    redeployment,
    unanswered,
    version_records,
    words,
)
from nvcf_operator.core.deadline import progress_since
from nvcf_operator.core.decision import ConditionSet, Decision
from nvcf_operator.core.flap_guard import counted
from nvcf_operator.core.ownership import is_stranger, may_undeploy
from nvcf_operator.core.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.resource import OF_A_COPY, is_version_id
from nvcf_operator.core.settles import posts_specifications
from nvcf_operator.core.situation import Absent, Failure, FunctionStatus, Listed, Present, Scope, Situation, Unknown
from nvcf_operator.core.waiting import REFUSALS

OUTAGES, TIMED = reasons_with(Trait.OUTAGE), reasons_with(Trait.TIMED)

GONE: dict[str, Any] = {"deployment_id": None, "gpu_specifications": (), "instances": None, "health": ()}
"""What status tells of a deployment that is not there."""


def report(situation: Situation, decision: Decision) -> FunctionDeploymentStatus:
    """Tell in status what was seen and decided. Equal to the recorded status when there is nothing to tell."""
    resource = situation.resource
    old, condition_set = resource.status, decision.condition_set
    if condition_set is not None and decision.action is None:
        # In front, where no limit of a message cuts it off. Not beside an intent, whose write is followed by no Event.
        odd = (sentence for sentence in words.ignored(resource.annotations) if sentence not in condition_set.message)
        condition_set = replace(condition_set, message=" ".join((*odd, condition_set.message)))
    new: dict[str, Any] = dict(old)
    retiring = version_records.retiring(situation, decision)
    main = version_records.main_version(situation, retiring)
    new |= _seen(situation, main)
    new["retiring"] = retiring
    new["incoming"] = version_records.incoming(situation, decision, main)
    new["uid"] = resource.uid
    new["intent"] = (
        situation.answered_intent
        or _answered_by_sight(situation, _named(new))
        or old.intent
        or _suspected(situation, _named(new))
    )
    new["failed"] = version_records.failed(situation, decision)
    new["last_write"] = _last_write(situation)
    redeploys = redeployment.is_answered(situation)
    if redeploys:  # a person's word: what was counted before it counts no more
        new["last_handled_redeploy_at"], new["last_write"] = resource.redeploy_requested, None
    new["retry"] = decision.retry if redeploys else _retry(situation, decision)
    if decision.seen and (token := resource.reconcile_requested):
        new["last_handled_reconcile_at"] = token
    if condition_set is None:
        stated = [c for c in old.conditions if c.type != kinds.CREDENTIALS_VALID]
    else:
        new["observed_generation"] = resource.generation
        new["phase"] = str(condition_set.phase)
        new["progressing_since"] = _progressing_since(situation, condition_set, new["retry"])
        stated = _stated(situation, condition_set)
    credentials = _credentials(situation)
    new["conditions"] = merge(old.conditions, [*stated, *([credentials] if credentials else [])], situation.now)
    return FunctionDeploymentStatus.model_validate(new)


def _seen(situation: Situation, version: str | None) -> dict[str, Any]:
    """What status tells of the version that serves, or is to serve while none does."""
    resource = situation.resource
    if version is None:
        return {}
    moves = resource.status.function_version_id not in (None, version) and not resource.deleting
    nothing = {"function_version_id": version, "function_status": None, **GONE} if moves else {}
    return nothing | _shown(situation, version)


def _shown(situation: Situation, version: str) -> dict[str, Any]:
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
        "health": () if deployment.function_status == FunctionStatus.ACTIVE else health.of(situation, seen),
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
    if not oddities.all_listed(deployment):  # what is on record of them is nearer to the truth than a part
        shown |= {name: getattr(resource.status, name) for name in ("instances", "gpu_specifications")}
    if not ours(situation, version):
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


def ours(situation: Situation, version: str) -> bool:
    """Whether a deployment that was seen is this resource's: on record, asked for by it, or adopted just now."""
    resource, seen = situation.resource, situation.observation(version)
    if resource.deleting:  # what is on record is undeployed
        return not isinstance(seen, Present) or may_undeploy(situation, version, seen)
    if not is_stranger(situation):
        return True
    if resource.paused or resource.spec is None or resource.observes:
        return False
    return resource.spec.adoption_policy == "Adopt" and (resource.has_finalizer or resource.keeps_deployment)


def _answered_by_sight(situation: Situation, named: set[str | None]) -> Intent | None:
    """An open intent whose deployment is there: it is answered, though the answer itself was lost.

    Only if the status names that version from now on: nothing else but the open intent would know of it.
    """
    intent = situation.resource.open_intent
    seen = situation.observation(intent.function_version_id) if intent is not None else None
    if intent is None or not isinstance(seen, Present) or intent.function_version_id not in named:
        return None
    return answered(intent, seen.deployment)


def _suspected(situation: Situation, named: set[str | None]) -> Intent | None:
    """An intent in place of one that was lost with the status: our finalizer says that a POST may be under way.

    With the first status that is written the object does not count as one without a record any more, so it has to be
    in that one, whatever that is about. A deployment that is there and is only shown is no sign of whose it is.
    """
    resource = situation.resource
    seen = situation.observation(resource.wanted_version)
    known = situation.local.finalizer_found_for is None or resource.wanted_version in named
    if known or not is_version_id(resource.wanted_version) or (isinstance(seen, Present) and not resource.paused):
        return None
    no_sign = resource.is_copy or isinstance(seen, Present)
    return Intent(
        uid=resource.uid,
        function_version_id=resource.wanted_version,
        token=f"{OF_A_COPY if no_sign else 'lost-'}{resource.uid[:8]}",
        specifications=posts_specifications(situation),
    )


def answered(intent: Intent, deployment: Deployment | None = None) -> Intent:
    """The intent once the answer to its POST is known; with the deployment that it made, if it made one."""
    known: dict[str, Any] = {"answered": True, "deployment_id": None, "last_updated_at": None}
    if deployment is not None:
        known |= {"deployment_id": deployment.deployment_id, "last_updated_at": deployment.last_updated_at}
    return intent.model_copy(update=known)


def _named(status: Mapping[str, Any]) -> set[str | None]:
    """The versions that a new status names."""
    incoming: Incoming | None = status["incoming"]
    retiring: tuple[Retiring, ...] = status["retiring"]
    coming = {incoming.function_version_id} if incoming is not None else set()
    return {status["function_version_id"], *coming, *(item.function_version_id for item in retiring)}


def _last_write(situation: Situation) -> LastWrite | None:
    """The count of the last change; as it is stored while it counts the same, whatever has become of its time."""
    old, stored = situation.resource.status.last_write, situation.resource.recorded.get("lastWrite")
    new = (counted(situation, situation.wrote) if situation.wrote is not None else None) or old
    if new is not None and isinstance(stored, Mapping):
        known = LastWrite.model_validate(stored)
        return known if (known.digest, known.count) == (new.digest, new.count) else new
    return new


def _retry(situation: Situation, decision: Decision) -> Retry | None:
    if decision.retry is not None:
        return decision.retry
    if (posts := unanswered.counted(situation)) is not None and situation.unanswered is not None:
        return posts  # also where NVCF could not be read afterwards
    condition_set, resource = decision.condition_set, situation.resource
    if condition_set is None:
        return resource.status.retry
    if condition_set.ready:
        return None
    # What keeps us from asking says nothing of what NVCF refused; a manifest that has changed since starts anew.
    current = resource.status.observed_generation == resource.generation
    kept = situation.refused is not None or credential_failure(situation) is not None
    if current and (condition_set.reason in OUTAGES or kept or _pauses(situation)):
        return resource.status.retry
    return unanswered.counted(situation) or failed_deployment.under_way(situation)


def _pauses(situation: Situation) -> bool:
    """Whether the pause after a refused request still runs, which another resource's claim may outlast."""
    retry = situation.resource.status.retry
    if retry is None or retry.next_attempt_time is None or retry.reason not in (*REFUSALS, Reason.NO_CAPACITY):
        return False
    return retry.next_attempt_time > situation.now


def _progressing_since(situation: Situation, condition_set: ConditionSet, retry: Retry | None) -> Any:
    status, resource = situation.resource.status, situation.resource
    write_failed = condition_set.reason in OUTAGES and situation.failure is not None and bool(situation.failure.words)
    post_failed = retry is not None and retry.reason == Reason.AWAITING_ANSWER
    if condition_set.reason in TIMED or write_failed or post_failed:
        return progress_since(situation)
    keeps = condition_set.reason in (*OUTAGES, Reason.PENDING) and status.observed_generation == resource.generation
    return status.progressing_since if keeps else None


def _stated(situation: Situation, condition_set: ConditionSet) -> list[Condition]:
    resource = situation.resource
    available = resource.is_true(kinds.AVAILABLE) if condition_set.available is None else condition_set.available

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
        condition(kinds.AVAILABLE, available, Reason.SERVING if available else Reason.NOT_SERVING),
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


def _credentials(situation: Situation) -> Condition | None:
    resource = situation.resource
    failure = credential_failure(situation)
    answered = any(isinstance(seen, Present | Listed | Absent) for seen in situation.observations.values())
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


def credential_failure(situation: Situation) -> Failure | None:
    """What is wrong with the credentials, as far as this situation shows."""
    troubles = [situation.access, situation.failure]
    troubles += [seen.failure for seen in situation.observations.values() if isinstance(seen, Unknown)]
    return next((item for item in troubles if item is not None and item.scope == Scope.CREDENTIAL), None)
