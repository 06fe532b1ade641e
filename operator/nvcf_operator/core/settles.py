"""How long a 404 must last before a version may be asked for again, or before it counts as gone.

NVCF can make a deployment long after its POST was given up, and can bring one back after its DELETE (facts on NVCF,
section 5, races 2, 4 and 5).
"""

from nvcf_operator.core.situation import Absent, Situation


def create_settle_left(situation: Situation) -> float:
    """Seconds for which the POST of an open intent may still be running in the server (race 2 of the facts).

    It is the intent's version that has to stay away, which is another one when the manifest has changed since: one
    intent is never written over another that may still be answered.
    """
    settle, intent = situation.timing.create_settle, situation.open_intent
    if intent is None:
        return 0.0
    nothing = situation.sighting(intent.function_version_id)
    if not isinstance(nothing, Absent):
        return settle
    return max(0.0, settle - min(nothing.absent_for, situation.memory.intent_settled_for))


def redeploy_settle_left(situation: Situation, nothing: Absent) -> float:
    """Seconds for which the row of an earlier deployment may still come back or overwrite a new one (races 4, 5)."""
    if not deployed_before(situation):
        return 0.0
    return max(0.0, situation.timing.redeploy_settle - nothing.absent_for)


def deployed_before(situation: Situation) -> bool:
    """Whether status, an intent, or this process knows of an earlier deployment of the wanted version.

    With the status lost, an intent of the version says that there may have been one; not the intent of a POST that NVCF
    has refused just now, before there was a status.
    """
    resource = situation.resource
    version, status, intent = resource.wanted_version, resource.status, resource.intent
    held = {status.function_version_id if resource.holds else None}
    held |= {item.function_version_id for item in status.retiring}
    held |= {item.function_version_id for item in (status.incoming, status.failed) if item is not None}
    lost = intent is not None and intent.function_version_id == version and status.observed_generation < 0
    if intent is not None and intent.token == situation.answered_intent:
        lost = False
    return version in held or lost or situation.memory.version_seen_lately
