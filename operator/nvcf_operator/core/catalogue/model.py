"""NVCF's catalogue as plain data: what is offered, how much of it is free, and the account's quota."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nvcf_client.answers import one_line
from nvcf_client.catalogue import AvailableInstanceTypesResponse, InstanceTypesResponse, QuotaRulesResponse
from nvcf_client.models.catalogue import InstanceTypeCapacity, OfferedInstanceType

LONGEST_NAME = 100
"""No name of the catalogue is shown longer, in characters."""

_COUNT_IN_NAME = re.compile(r"_(\d{1,3})x(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """One cluster that has an instance type. What the catalogue does not say is None."""

    cluster: str | None
    region: str | None
    active: int | None = None
    available: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance type of one GPU, and where it is. An empty list says nothing: the catalogue did not give it."""

    gpu: str
    instance_type: str
    value: str | None = None
    gpu_count: int | None = None
    clusters: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    @property
    def gpus(self) -> int | None:
        """GPUs of one instance, as the catalogue says, or the name of the instance type."""
        return self.gpu_count or gpus_in_name(self.instance_type)

    @property
    def free(self) -> int | None:
        """How many more instances there can be on all clusters; None where the catalogue does not say."""
        return total(place.available for place in self.places)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many of a GPU the account may use: in all, and on some clusters."""

    gpu: str
    limit: int | None
    clusters: tuple[tuple[tuple[str, ...], int], ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the account can deploy."""

    offers: tuple[Offer, ...] = ()
    quotas: tuple[Quota, ...] = ()

    def of_gpu(self, gpu: str) -> tuple[Offer, ...]:
        """The offers of a GPU, in any letter case, as NVCF compares names."""
        return tuple(offer for offer in self.offers if same(offer.gpu, gpu))

    def of_type(self, gpu: str, instance_type: str) -> tuple[Offer, ...]:
        """The offers of an instance type of a GPU."""
        return tuple(offer for offer in self.of_gpu(gpu) if same(offer.instance_type, instance_type))

    def quotas_of(self, gpu: str) -> tuple[Quota, ...]:
        """The rules about a GPU."""
        return tuple(quota for quota in self.quotas if same(quota.gpu, gpu))


def catalogue_of(
    available: AvailableInstanceTypesResponse | None = None,
    capacity: InstanceTypesResponse | None = None,
    quota: QuotaRulesResponse | None = None,
) -> Catalogue:
    """The catalogue that answers show. A name is known if any of them has it: an answer may leave out what is full."""
    offers: dict[tuple[str, str], Offer] = {}
    for gpu, offered in (available.gpus if available is not None else {}).items():
        for item in offered:
            if item.name is not None:
                offer = _offered(gpu, item.name, item)
                offers[offer.gpu.casefold(), offer.instance_type.casefold()] = offer
    for gpu, used in (capacity.gpus if capacity is not None else {}).items():
        for kind in used:
            if kind.instance_name is not None:
                key = (_shown(gpu).casefold(), _shown(kind.instance_name).casefold())
                offers[key] = _with_capacity(offers.get(key) or Offer(_shown(gpu), _shown(kind.instance_name)), kind)
    rules = tuple(
        Quota(
            _shown(rule.name),
            rule.limit,
            tuple((tuple(map(_shown, part.names)), part.limit) for part in rule.clusters if part.limit is not None),
        )
        for rule in (quota.gpus if quota is not None else ())
        if rule.name is not None
    )
    ordered = sorted(offers.values(), key=lambda offer: (offer.gpu.casefold(), offer.instance_type.casefold()))
    return Catalogue(tuple(ordered), rules)


def gpus_per_instance(catalogue: Catalogue | None, gpu: str, instance_type: str | None) -> int | None:
    """How many GPUs an instance has: as the catalogue says, or a name that ends like `_8x`; None where neither does."""
    if instance_type is None:
        return None
    counts = {offer.gpus for offer in catalogue.of_type(gpu, instance_type)} if catalogue is not None else set()
    if len(counts) > 1:
        return None
    return next(iter(counts), None) or gpus_in_name(instance_type)


def gpus_in_name(instance_type: str) -> int | None:
    """The number of GPUs that the name of an instance type says, such as 8 of `ON-PREM.GPU.H100_8x`."""
    found = _COUNT_IN_NAME.findall(instance_type)
    return int(found[-1]) or None if found else None


def same(one: str, other: str) -> bool:
    """Whether two names are the same to NVCF, which ignores letter case."""
    return one.strip().casefold() == other.strip().casefold()


def total(numbers: Iterable[int | None]) -> int | None:
    """The sum of what is known; None where nothing is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _offered(gpu: str, name: str, item: OfferedInstanceType) -> Offer:
    return Offer(
        _shown(gpu),
        _shown(name),
        _shown(item.value) if item.value is not None else None,
        item.gpu_count or None,
        tuple(map(_shown, item.clusters)),
        tuple(map(_shown, item.regions)),
        tuple(map(_shown, item.attributes)),
    )


def _with_capacity(offer: Offer, kind: InstanceTypeCapacity) -> Offer:
    places: list[Place] = []
    for region in kind.regions:
        name = _shown(region.region_name) if region.region_name is not None else None
        for item in region.clusters:
            cluster = item.cluster_name or item.cluster_group_name or item.cluster_id
            usage = item.usage
            places.append(
                Place(
                    _shown(cluster) if cluster is not None else None,
                    name,
                    usage.active_instances if usage is not None else None,
                    usage.available_instances if usage is not None else None,
                    usage.max_instances if usage is not None else None,
                )
            )
        if not region.clusters and name is not None:
            places.append(Place(None, name))
    return Offer(
        offer.gpu,
        offer.instance_type,
        offer.value or (_shown(kind.value) if kind.value is not None else None),
        offer.gpu_count or kind.gpu_count or None,
        _merged(offer.clusters, (place.cluster for place in places)),
        _merged(offer.regions, (place.region for place in places)),
        offer.attributes,
        (*offer.places, *places),
    )


def _merged(names: tuple[str, ...], more: Iterable[str | None]) -> tuple[str, ...]:
    found: Mapping[str, str] = {
        name.casefold(): name for name in reversed([*names, *(name for name in more if name is not None)])
    }
    return tuple(sorted(found.values(), key=str.casefold))


def _shown(name: str) -> str:
    """A name of the catalogue as texts may show it: one line, of bounded length."""
    return one_line(name, limit=LONGEST_NAME)
