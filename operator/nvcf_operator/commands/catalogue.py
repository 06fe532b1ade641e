"""NVCF's catalogue for the commands: read once, where the base URL has one and the key may read it.

`nvcf-operator check` shows what exists together, what is free, and the quota.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from nvcf_client import endpoints, errors, urls
from nvcf_client.endpoints.catalogue import CAPACITY_RIGHT, QUOTA_RIGHT
from nvcf_client.requests import Request
from nvcf_operator.commands.read_only_client import ReadOnlyClient, error_text
from nvcf_operator.core.catalogue.model import Catalogue, Quota, catalogue_of
from nvcf_operator.settings.options import AccountSettings

T = TypeVar("T")

NO_CATALOGUE = (
    "not available at this base URL. If the account is an organisation of NGC, set --nvcf-catalogue-url to "
    "https://api.ngc.nvidia.com/v2/orgs/NAME/nvcf; everything else works without it"
)


NOTHING = "-"
"""In place of what the catalogue does not say."""


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """What could be read of the catalogue. Each text says why a part could not be; None: it could."""

    catalogue: Catalogue | None
    without_types: str | None = None
    without_capacity: str | None = None
    without_quota: str | None = None


async def read_catalogue(account: AccountSettings, key: str, *, timeout: float) -> CatalogueAnswer:
    """Read the catalogue, its capacity and the quota: three calls, or none where the base URL has no catalogue."""
    url = account.nvcf_catalogue_url or account.nvcf_base_url
    if urls.catalogue_of(url, "v3") is None:
        return CatalogueAnswer(None, NO_CATALOGUE, NO_CATALOGUE, NO_CATALOGUE)
    other = url != account.nvcf_base_url
    at = account.model_copy(update={"nvcf_base_url": url, **({"nvcf_host_header": None} if other else {})})
    async with ReadOnlyClient(at, key, timeout=timeout) as client:
        types, no_types = await _read(client, endpoints.list_available_instance_types(), CAPACITY_RIGHT)
        capacity, no_capacity = await _read(client, endpoints.list_instance_types(), CAPACITY_RIGHT)
        quota, no_quota = await _read(client, endpoints.list_quota_rules(), QUOTA_RIGHT)
    known = types is not None or capacity is not None or quota is not None
    return CatalogueAnswer(catalogue_of(types, capacity, quota) if known else None, no_types, no_capacity, no_quota)


async def _read(client: ReadOnlyClient, request: Request[T], right: str) -> tuple[T | None, str | None]:
    try:
        return await client.call(request), None
    except errors.Forbidden as error:
        words = f"403: {error.detail.rstrip('. ')}"
        return None, f"the key may not read it ({words}). It takes the right {right} with the resource type All Entity"
    except errors.NotFound:
        return None, "there is no catalogue here (404)"
    except errors.NvcfError as error:
        return None, error_text(error)


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
