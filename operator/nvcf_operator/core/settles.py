"""How long a 404 must last before a version may be asked for again, or before it counts as gone.

NVCF can make a deployment long after its POST was given up, and can bring one back after its DELETE (facts on NVCF,
section 5, races 2, 4 and 5).
"""

from nvcf_client.endpoints.deployments import allocating
from nvcf_operator.core.situation import Absent, Situation
from nvcf_operator.core.versions import on_record


def create_settle_left(situation: Situation, version: str) -> float:
    """Seconds for which a POST of that version may still be running in the server (race 2 of the facts).

    Such a POST is known by its open intent, by this process having sent it whatever became of the record, or, where the
    object has our finalizer and no record, it cannot be excluded.
    """
    local, intent = situation.local, situation.open_intent
    left = local.posts_may_run_for.get(version, 0.0)
    nothing = situation.observation(version)
    absent_for = nothing.absent_for if isinstance(nothing, Absent) else 0.0
    if intent is not None and intent.function_version_id == version:
        settle = situation.timing.create_settle_of(intent.specifications)
        left = max(left, settle - min(absent_for, local.intent_settled_for))
    elif local.finalizer_found_for is not None and version == situation.resource.wanted_version:
        settle = situation.timing.create_settle_of(posts_specifications(situation))
        left = max(left, settle - min(absent_for, local.finalizer_found_for))
    return left


def next_post_allowed_in(situation: Situation) -> float:
    """Seconds until the wanted version may be asked for, as far as earlier POSTs are concerned.

    The intent's version has to stay away as well, though it is another one when the manifest has changed since: one
    intent is never written over another that may still be answered.
    """
    intent = situation.open_intent
    versions = {situation.resource.wanted_version} | ({intent.function_version_id} if intent is not None else set())
    return max(create_settle_left(situation, version) for version in versions)


def redeploy_settle_left(situation: Situation, nothing: Absent) -> float:
    """Seconds for which the row of an earlier deployment may still come back or overwrite a new one (races 4, 5).

    It is a wait, and no proof: a slow pass of the server's loop outlasts it. What comes of that is recognised by
    `ownership.lost_deployment`.
    """
    if not deployed_before(situation):
        return 0.0
    return max(0.0, situation.timing.redeploy_settle - nothing.absent_for)


def deployed_before(situation: Situation) -> bool:
    """Whether status, an intent, or this process knows of an earlier deployment of the wanted version.

    Where an object has our finalizer and no record, there may have been one.
    """
    resource, intent = situation.resource, situation.intent
    version, failed = resource.wanted_version, resource.status.failed
    held = {*on_record(resource), *([failed.function_version_id] if failed is not None else [])}
    if intent is not None and (not intent.answered or intent.deployment_id is not None):
        held.add(intent.function_version_id)
    return version in held or situation.local.finalizer_found_for is not None or situation.local.version_seen_lately


def posts_specifications(situation: Situation) -> int:
    """How many specifications of a POST by this manifest ask for instances."""
    spec = situation.resource.spec
    return allocating(spec.deployment_specifications) if spec is not None else 1
