"""The catalogue in words: what a manifest names that is unknown, what is free of what it orders, and the quota."""

from collections.abc import Sequence

from nvcf_client.text import shorten
from nvcf_operator.core.catalogue.checks import Finding, Specification, findings, offers_meant
from nvcf_operator.core.catalogue.model import Catalogue, gpus_per_instance, same, total
from nvcf_operator.core.catalogue.names import listed, quoted
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.events import EventNote

MOST_FINDINGS = 3
"""So many findings are in one text."""

LONGEST = 700
"""No text about findings is longer, in characters: an Event holds 1,024."""


def advise(specifications: Sequence[Specification], catalogue: Catalogue) -> tuple[str, ...]:
    """All that the catalogue says of a manifest's specifications, one sentence each: for people, before it is applied.

    What is free changes while nobody does anything, so none of it may go into a status.
    """
    unknown = findings(specifications, catalogue)
    wrong = {finding.index for finding in unknown}
    lines = [f"{finding}" for finding in unknown]
    for index, item in enumerate(specifications):
        if index not in wrong and (text := _free(index, item, catalogue)) is not None:
            lines.append(text)
    return (*lines, *_quota(specifications, catalogue))


def summary(unknown: Sequence[Finding]) -> str:
    """What of a manifest the catalogue does not have, in one text that stays the same while both do."""
    more = f"; and {len(unknown) - MOST_FINDINGS} more" if len(unknown) > MOST_FINDINGS else ""
    return shorten("; ".join(map(str, unknown[:MOST_FINDINGS])) + more, LONGEST)


def after_refusal(unknown: Sequence[Finding]) -> str:
    """The sentence that follows NVCF's words to a refused POST; empty if the catalogue has all that is named."""
    return f" By NVCF's catalogue: {_ended(summary(unknown))}" if unknown else ""


def unknown_names(unknown: Sequence[Finding]) -> EventNote:
    """The Event about names that the catalogue does not have. The deployment is requested all the same."""
    text = (
        f"NVCF's catalogue does not have all that the manifest names: {_ended(summary(unknown))} The deployment is "
        "requested nevertheless. If a name is misspelt, correct the manifest; NVCF itself may not report it."
    )
    return EventNote(True, Reason.UNKNOWN_NAME, text)


def _ended(text: str) -> str:
    return text if text.endswith(("?", "…")) else f"{text.rstrip('.')}."


def _free(index: int, item: Specification, catalogue: Catalogue) -> str | None:
    """How much is free of what a specification orders, where the catalogue says so."""
    clusters = {name.strip().casefold() for name in item.clusters or ()}
    regions = {name.strip().casefold() for name in item.regions or ()}
    free = total(
        place.available
        for offer in offers_meant(item, catalogue)
        for place in offer.places
        if (not clusters or (place.cluster or "").casefold() in clusters)
        and (not regions or (place.region or "").casefold() in regions)
    )
    if free is None:
        return None
    what = quoted(item.instance_type) if item.instance_type else quoted(item.gpu)
    where = " in the places that it names" if clusters or regions else ""
    lack = ", fewer than minInstances" if free < item.min_instances else ""
    return (
        f"deploymentSpecifications[{index}]: orders {_range(item)} of {what}; {free} {'is' if free == 1 else 'are'} "
        f"free{where}{lack}"
    )


def _range(item: Specification) -> str:
    if item.min_instances == item.max_instances:
        return f"{item.max_instances} instance{'s' if item.max_instances != 1 else ''}"
    return f"{item.min_instances} to {item.max_instances} instances"


def _quota(specifications: Sequence[Specification], catalogue: Catalogue) -> tuple[str, ...]:
    """For each GPU with a quota, how many the specifications order at most, and the limits."""
    lines: list[str] = []
    seen: list[str] = []
    for item in specifications:
        if any(same(item.gpu, gpu) for gpu in seen):
            continue
        seen.append(item.gpu)
        of_gpu = [other for other in specifications if same(other.gpu, item.gpu)]
        counts = [(other, gpus_per_instance(catalogue, other.gpu, other.instance_type)) for other in of_gpu]
        ordered = sum(other.max_instances * (count or 1) for other, count in counts)
        least = "at least " if any(count is None for _, count in counts) else ""
        limits = []
        for quota in catalogue.quotas_of(item.gpu):
            limits += [f"{quota.limit} in all"] if quota.limit is not None else []
            limits += [f"{limit} on {listed(names) or 'some clusters'}" for names, limit in quota.clusters]
        if limits:
            lines.append(f"orders {least}{ordered} GPUs {quoted(item.gpu)} at most; the quota is {', '.join(limits)}")
    return tuple(lines)
