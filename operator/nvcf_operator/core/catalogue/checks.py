"""What of GPU specifications the catalogue does not have: unknown names, and names that do not exist together.

NVCF compares names in any letter case, wants a cluster that is one of `clusters`, in one of `regions`, and that has all
`attributes`, and reports a misspelt place by GPU and instance type alone, or not at all where `minInstances` is 0
(facts on NVCF, section 5). A list that the catalogue does not give is not checked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nvcf_operator.core.catalogue.model import Catalogue, Offer, same
from nvcf_operator.core.catalogue.names import listed, quoted, suggestion


class Specification(Protocol):
    """A GPU specification, of a manifest or of a request."""

    @property
    def gpu(self) -> str:
        """Name of the GPU."""

    @property
    def instance_type(self) -> str | None:
        """Name of the instance type."""

    @property
    def clusters(self) -> Iterable[str] | None:
        """Clusters of which one is to have it."""

    @property
    def regions(self) -> Iterable[str] | None:
        """Regions of which one is to have it."""

    @property
    def attributes(self) -> Iterable[str] | None:
        """Attributes that its cluster is to have."""

    @property
    def min_instances(self) -> int:
        """Instances that always run."""

    @property
    def max_instances(self) -> int:
        """Instances that run at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a specification names and the catalogue does not have."""

    index: int
    field: str
    text: str
    """What is wrong, and what may be meant."""

    def __str__(self) -> str:
        return f"deploymentSpecifications[{self.index}].{self.field}: {self.text}"


def findings(specifications: Sequence[Specification], catalogue: Catalogue) -> tuple[Finding, ...]:
    """All that is unknown, in the order of the specifications. Nothing where the catalogue is empty."""
    if not catalogue.offers:
        return ()
    return tuple(
        Finding(index, field, text)
        for index, item in enumerate(specifications)
        for field, text in _of_specification(item, catalogue)
    )


def offers_meant(item: Specification, catalogue: Catalogue) -> tuple[Offer, ...]:
    """The offers that a specification may be served by: of its instance type, or of its GPU where it names none."""
    if item.instance_type is None or not item.instance_type.strip():
        return catalogue.of_gpu(item.gpu)
    return catalogue.of_type(item.gpu, item.instance_type)


def _of_specification(item: Specification, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    of_gpu = catalogue.of_gpu(item.gpu)
    if not of_gpu:
        yield "gpu", _unknown_gpu(item, catalogue)
    elif (text := _unknown_type(item, catalogue, of_gpu)) is not None:
        yield "instanceType", text
    meant = offers_meant(item, catalogue)
    everything = meant or of_gpu or catalogue.offers
    together = f"{quoted(item.gpu)} and {quoted(item.instance_type)}" if item.instance_type else quoted(item.gpu)
    for field, wanted in (
        ("clusters", item.clusters),
        ("regions", item.regions),
        ("attributes", item.attributes),
    ):
        for name in wanted or ():
            text = _unknown_place(field, name, everything, catalogue, together if meant else None)
            if text is not None:
                yield field, text
    if meant and (text := _apart(item, meant)) is not None:
        yield "regions", text


def _unknown_gpu(item: Specification, catalogue: Catalogue) -> str:
    gpus = [offer.gpu for offer in catalogue.offers]
    text = f"the catalogue has no GPU {quoted(item.gpu)}"
    if item.instance_type is not None:
        owners = sorted({o.gpu for o in catalogue.offers if same(o.instance_type, item.instance_type)})
        if owners:
            return f"{text}; instance type {quoted(item.instance_type)} is one of {listed(owners)}"
    return text + suggestion(item.gpu, gpus, what="its GPUs")


def _unknown_type(item: Specification, catalogue: Catalogue, of_gpu: Sequence[Offer]) -> str | None:
    name = item.instance_type
    if name is None or not name.strip() or any(same(offer.instance_type, name) for offer in of_gpu):
        return None
    for offers in (of_gpu, catalogue.offers):
        meant = sorted({offer.instance_type for offer in offers if offer.value is not None and same(offer.value, name)})
        if meant:
            return f"{quoted(name)} is a value of the catalogue, not a name; NVCF wants the name: {listed(meant)}"
    text = f"the catalogue has no instance type {quoted(name)} of GPU {quoted(item.gpu)}"
    others = sorted({offer.gpu for offer in catalogue.offers if same(offer.instance_type, name)})
    if others:
        text += f"; it is one of GPU {listed(others)}"
    return text + suggestion(name, [offer.instance_type for offer in of_gpu], what=f"those of {quoted(item.gpu)}")


def _names(field: str, offers: Iterable[Offer]) -> list[str]:
    return [name for offer in offers for name in getattr(offer, field)]


def _unknown_place(
    field: str, name: str, offers: Sequence[Offer], catalogue: Catalogue, together: str | None
) -> str | None:
    """What is wrong with a cluster, region or attribute; None if it is known, or the catalogue gives no such list."""
    here = _names(field, offers)
    if not here or not all(getattr(offer, field) for offer in offers) or any(same(other, name) for other in here):
        return None
    what, shown = field[:-1], quoted(name)
    if any(same(other, name) for other in _names(field, catalogue.offers)):
        if together is None:
            return None  # of what it is to be the place is unknown, and reported
        return f"{what} {shown} does not have {together}{suggestion(name, here, what='those that do')}"
    return f"the catalogue has no {what} {shown}{suggestion(name, here, what=f'its {field}')}"


def _apart(item: Specification, offers: Sequence[Offer]) -> str | None:
    """What is wrong where no wanted cluster is in a wanted region, each of which is known."""
    clusters, regions = tuple(item.clusters or ()), tuple(item.regions or ())
    if not clusters or not regions:
        return None
    found: dict[str, set[str]] = {}
    for offer in offers:
        for place in offer.places:
            if place.cluster is not None and place.region is not None:
                found.setdefault(place.cluster.casefold(), set()).add(place.region)
    where = [found.get(cluster.strip().casefold()) for cluster in clusters]
    if any(place is None for place in where):
        return None
    known = {region.casefold() for place in found.values() for region in place}
    wanted = {region.strip().casefold() for region in regions}
    if not wanted <= known or any(region.casefold() in wanted for place in where if place for region in place):
        return None
    at = sorted({region for place in where if place for region in place})
    return f"none of the clusters {listed(clusters)} is in {listed(regions)}; they are in {listed(at)}"
