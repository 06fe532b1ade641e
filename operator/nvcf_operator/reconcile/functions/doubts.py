"""Changes of tags and rate limit that got no answer: NVCF may still make them, so that the version stays locked."""

from collections.abc import Iterable

from nvcf_client import errors as nvcf_errors
from nvcf_operator.core.functions.branches.in_place import due
from nvcf_operator.core.functions.model import rate_limit
from nvcf_operator.core.functions.model.decision import RemoveRateLimit, UpdateVersion
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.state.function_state import DoubtedChange


def doubt(
    environment: FunctionEnvironment,
    context: FunctionContext,
    action: UpdateVersion | RemoveRateLimit,
    error: nvcf_errors.NvcfError,
) -> None:
    """Lock a version if NVCF may still make a change of it."""
    if error.maybe_done:
        _doubt(environment, context, action)


def doubt_earlier_changes(environment: FunctionEnvironment, context: FunctionContext) -> None:
    """Lock what an earlier process may have changed a moment ago, when this one first sees the versions on record.

    That is each version which is not as the manifest says. One that is deployed is changed at once: the same change
    twice does no harm, and no POST of its deployment is to come.
    """
    local, recorded = context.local, context.resource.recorded_ids
    if local.earlier_changes_doubted:
        return
    local.earlier_changes_doubted = True
    inactive = {seen.version_id for seen in context.situation.shown if seen.known_status == FunctionStatus.INACTIVE}
    for action in due(context.situation):
        if isinstance(action, UpdateVersion | RemoveRateLimit) and action.version_id in inactive & {*recorded}:
            _doubt(environment, context, action)


def _doubt(environment: FunctionEnvironment, context: FunctionContext, action: UpdateVersion | RemoveRateLimit) -> None:
    if isinstance(action, RemoveRateLimit):
        sent = DoubtedChange(None, None, limits=True)
    else:
        limit = context.resource.metadata.rate_limit if action.rate_limit else None
        sent = DoubtedChange(action.tags, limit, limits=action.rate_limit)
    context.local.doubted[action.version_id] = sent
    target = context.target(action.function_id, action.version_id)
    environment.version_writes.doubt(target, context.situation.timing.write_settle)


def settle(environment: FunctionEnvironment, context: FunctionContext, shown: Iterable[VersionSeen]) -> None:
    """Unlock the versions that show what was sent. They were read after that was."""
    for seen in shown:
        sent = context.local.doubted.get(seen.version_id)
        if sent is not None and _shows(seen, sent):
            del context.local.doubted[seen.version_id]
            environment.version_writes.seen(context.target(seen.function_id, seen.version_id))


def _shows(seen: VersionSeen, sent: DoubtedChange) -> bool:
    if seen.unreadable or sent.tags not in (None, seen.tags):
        return False
    if sent.rate_limit is not None:
        return rate_limit.is_met(sent.rate_limit, seen.rate_limit)
    return not sent.limits or seen.rate_limit is None
