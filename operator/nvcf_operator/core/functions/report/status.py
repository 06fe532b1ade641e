"""The status of a CloudFunction after a decision. The same situation and decision always give the same status."""

from typing import Any

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.conditions import merge
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES, CloudFunctionStatus, FunctionPhase
from nvcf_operator.core.functions.model.decision import FunctionDecision, FunctionRecordUpdate
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import asked_for
from nvcf_operator.core.functions.report.secrets import condition_of_secrets
from nvcf_operator.core.model.decision import ConditionSet
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.conditions import credentials_of, stated_of, with_odd_words


def report(situation: FunctionSituation, decision: FunctionDecision) -> CloudFunctionStatus:
    """Report in status what was seen and decided. Equal to the recorded status when there is no news."""
    resource, record = situation.resource, decision.record
    assert record is not None, "decide() records every decision that is reported"
    old, condition_set = resource.status, decision.condition_set
    if condition_set is not None and decision.action is None:  # not beside an intent, whose write no Event follows
        condition_set = with_odd_words(resource, condition_set)
    new: dict[str, Any] = vars(old) | {"uid": resource.uid} | _account(situation, record)
    new |= {
        name: getattr(record, name)
        for name in ("function_id", "latest", "versions", "intent", "failed", "last_write", "retry")
    }
    new["last_handled_new_version_at"] = record.new_version_handled
    new["last_handled_new_function_at"] = record.new_function_handled
    new["last_handled_secrets_at"] = record.secrets_handled
    if decision.seen and (token := resource.reconcile_requested):
        new["last_handled_reconcile_at"] = token
    if condition_set is None:
        anew = (kinds.CREDENTIALS_VALID, kinds.SECRETS_SYNCED)
        stated = [item for item in old.conditions if item.type not in anew]
    else:
        new["observed_generation"] = resource.generation
        new["phase"] = _phase(condition_set, record)
        registered = record.latest is not None
        reason = Reason.REGISTERED if registered else Reason.NOT_REGISTERED
        stated = stated_of(resource, condition_set, kinds.REGISTERED, registered, reason)
    answered = situation.account is not None and situation.unlisted is None
    credentials = credentials_of(resource, situation.credential_failure, answered=answered)
    others = (credentials, condition_of_secrets(situation, record))
    conditions = [*stated, *(item for item in others if item is not None)]
    new["conditions"] = merge(old.conditions, conditions, situation.now, FUNCTION_CONDITION_TYPES)
    return CloudFunctionStatus.model_validate(new)


def _phase(condition_set: ConditionSet, record: FunctionRecordUpdate) -> str:
    """The phase; where the manifest is not in force, but a version is there to be followed: Degraded."""
    failed = condition_set.phase == FunctionPhase.FAILED
    return FunctionPhase.DEGRADED if failed and record.latest is not None else str(condition_set.phase)


def _account(situation: FunctionSituation, record: FunctionRecordUpdate) -> dict[str, Any]:
    """The account that holds the function, and the key that has shown it."""
    status, view, made = situation.resource.status, situation.account, asked_for(situation)
    if record.function_id is None:
        return {}
    account = status.account_id or (made.account_id if made is not None else None)
    account = account or (view.account_id if view is not None else None)
    proven = {item for item in (view and view.account_id, made and made.account_id) if item}
    found: dict[str, Any] = {"account_id": account}
    if view is not None and view.fingerprint is not None and account in proven and situation.believes_absence:
        found["credential"] = view.fingerprint
    return found
