"""What a FunctionDeployment waits for before it deploys a version: that its CloudFunction has brought it up to date."""

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.model.observed import Absent
from nvcf_operator.core.model.situation import PendingUpdate
from nvcf_operator.reconcile.context import Context, Environment


def pending_update(environment: Environment, context: Context, now: float) -> PendingUpdate | None:
    """The CloudFunction that has to bring the wanted version up to date, or may have to; None where none has.

    Only what is not deployed waits for that.
    """
    resource, local, version = context.resource, context.local, context.resource.wanted_version
    reference = resource.reference
    if reference is None or not reference.updates or resource.deleting or version != reference.version:
        return None
    if not isinstance(context.situation.observation(version), Absent):
        return None
    function = Key(resource.key.namespace, reference.name, CLOUD_FUNCTION)
    if not environment.up_to_date.awaits(resource.key, function, reference.uid, reference.generation, version):
        local.update_seen = None
        return None
    seen = (version, reference.uid, reference.generation)
    if seen != local.update_seen:
        local.update_seen, local.update_seen_at = seen, now
    return PendingUpdate(reference.name, now - local.update_seen_at)
