"""When a version is not to be changed in place, because its deployment is requested, comes up or is taken down.

Each of these rewrites the version's whole row, so that one of the two would be undone, or the deployment ended (facts
on the functions API, section 2.9). Values of secrets are no part of the row.
"""

from nvcf_operator.core.functions.model.situation import FunctionSituation, VersionSeen
from nvcf_operator.core.functions.report import lock_messages
from nvcf_operator.core.model.situation import FunctionStatus
from nvcf_operator.core.report.messages import version_busy
from nvcf_operator.core.rules.version_locks import WAIT, Lock


def locked(situation: FunctionSituation, seen: VersionSeen) -> Lock | None:
    """What keeps tags and rate limit of a version from being changed; None where nothing does, or not for long."""
    version, poll, soon = seen.version_id, situation.timing.poll, situation.timing.busy_poll
    if (left := situation.locked_for.get(version, 0.0)) > WAIT:
        return Lock(min(left, soon), version_busy(version))  # its effect may be seen before
    if requesting := [item.key for item in situation.followers if version in item.intended]:
        return Lock(poll, lock_messages.requested(version, requesting))
    if undeploying := [item.key for item in situation.followers if version in item.undeploying]:
        return Lock(poll, lock_messages.undeployed(version, undeploying))
    if seen.known_status == FunctionStatus.DEPLOYING:
        return Lock(poll, lock_messages.deploying(version))
    return None
