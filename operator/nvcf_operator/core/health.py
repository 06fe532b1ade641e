"""What NVCF says about instances that did not come up, made fit for a status."""

from nvcf_operator.core.situation import Listed, Present, Situation

MAX_MESSAGES, MAX_CHARACTERS = 10, 512


def of(situation: Situation, seen: Present | Listed) -> tuple[str, ...]:
    """The messages of a deployment just read; with the list alone, those on record."""
    if isinstance(seen, Listed):
        return situation.resource.status.health
    texts = {" ".join(item.error.split())[:MAX_CHARACTERS] for item in seen.deployment.health_info or () if item.error}
    return tuple(sorted(text for text in texts if text)[:MAX_MESSAGES])
