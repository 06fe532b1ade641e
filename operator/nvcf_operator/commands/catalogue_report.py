"""The catalogue as `nvcf-operator check` shows it: what exists together, what is free, and the quota."""

from collections.abc import Iterator
from typing import Any

from nvcf_operator.core.catalogue.model import Catalogue, Quota

NOTHING = "-"
"""In place of what the catalogue does not say."""


def catalogue_tables(catalogue: Catalogue) -> Iterator[list[tuple[str, ...]]]:
    """The tables: instance types by GPU with where they are, and the quota, as far as there is anything."""
    if catalogue.offers:
        heads = ("GPU", "INSTANCE TYPE", "GPUS", "FREE", "CLUSTERS", "REGIONS", "ATTRIBUTES")
        yield [
            heads,
            *(
                (
                    offer.gpu,
                    offer.instance_type,
                    _number(offer.gpus),
                    _number(offer.free),
                    _names(offer.clusters),
                    _names(offer.regions),
                    _names(offer.attributes),
                )
                for offer in catalogue.offers
            ),
        ]
    if catalogue.quotas:
        rows = [row for quota in catalogue.quotas for row in _quota(quota)]
        yield [("GPU", "QUOTA", "CLUSTERS"), *rows]


def catalogue_json(catalogue: Catalogue) -> dict[str, Any]:
    """The same as a JSON object. What the catalogue does not say is null."""
    return {
        "instanceTypes": [
            {
                "gpu": offer.gpu,
                "instanceType": offer.instance_type,
                "value": offer.value,
                "gpus": offer.gpus,
                "free": offer.free,
                "clusters": list(offer.clusters),
                "regions": list(offer.regions),
                "attributes": list(offer.attributes),
            }
            for offer in catalogue.offers
        ],
        "quota": [
            {
                "gpu": quota.gpu,
                "limit": quota.limit,
                "clusters": [{"names": list(names), "limit": limit} for names, limit in quota.clusters],
            }
            for quota in catalogue.quotas
        ],
    }


def _quota(quota: Quota) -> Iterator[tuple[str, str, str]]:
    if quota.limit is not None or not quota.clusters:
        yield quota.gpu, _number(quota.limit), "all"
    for names, limit in quota.clusters:
        yield quota.gpu, str(limit), _names(names)


def _number(number: int | None) -> str:
    return NOTHING if number is None else str(number)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or NOTHING
