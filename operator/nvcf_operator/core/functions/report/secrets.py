"""The condition SecretsSynced: whether the versions in use have the values of all secrets, and why not."""

from nvcf_operator.api.conditions import SECRETS_SYNCED, Condition
from nvcf_operator.core.functions.model.decision import FunctionRecordUpdate
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.unsent import out_of_reach, unsent
from nvcf_operator.core.functions.model.versions import in_use
from nvcf_operator.core.functions.report import secret_messages as messages
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.core.model.reasons import Reason


def condition_of_secrets(situation: FunctionSituation, record: FunctionRecordUpdate) -> Condition | None:
    """What SecretsSynced says; None where the manifest names no secrets."""
    resource, secrets = situation.resource, situation.secrets
    if not resource.secret_names:
        return None
    known = resource.condition(SECRETS_SYNCED)
    if secrets is None:  # nothing may be sent, so nothing is read
        return known
    if secrets.failure is not None:
        outage = secrets.failure.scope == Scope.SERVER and known is not None
        return known if outage else _condition(situation, secrets.failure.reason, secrets.failure.message)
    if unknown := out_of_reach(situation):
        return _condition(situation, Reason.MISSING_SCOPE, messages.unknown(seen.version_id for seen in unknown))
    current = record.latest.version_id if record.latest is not None else None
    names = next((item.secret_names for item in record.versions if item.version_id == current), None)
    if names != digest_of_names(resource.secret_names):
        return _condition(situation, Reason.NOT_REGISTERED, messages.NOT_REGISTERED)
    lacking = [seen.version_id for seen in in_use(situation) if unsent(situation, seen) is not None]
    if lacking:
        return _condition(situation, Reason.UPDATING, messages.lacking(lacking))
    return _condition(situation, Reason.SECRETS_SYNCED, messages.LARGE if secrets.large else "")


def _condition(situation: FunctionSituation, reason: Reason, message: str) -> Condition:
    return Condition(
        type=SECRETS_SYNCED,
        status="True" if reason == Reason.SECRETS_SYNCED else "False",
        reason=reason,
        message=message,
        observed_generation=situation.resource.generation,
    )
