"""What a CloudFunction's manifest and the cluster's Secrets ask of a version in place."""

import json
from collections.abc import Iterable
from typing import Any

from nvcf_operator.core.functions.model.mark import PREFIX, compact, mark_of
from tests.property.cluster_model import own_status
from tests.property.function_writes import RowAsItWas
from tests.property.registry_model import meaning_of_limit
from tests.property.secrets_model import Place, SecretStore

OURS = PREFIX.split(":", maxsplit=1)[0] + ":"
"""How the tags begin that belong to the operator."""


def foreign(tags: Iterable[str]) -> frozenset[str]:
    """The tags that are not the operator's."""
    return frozenset(tag for tag in tags if not tag.startswith(OURS))


def marked(tags: Iterable[str], obj: dict[str, Any]) -> bool:
    """Whether the one mark among the tags is that object's."""
    found = mark_of(tags)
    return found is not None and found.uid == compact(obj["metadata"]["uid"])


def limit_of(spec: dict[str, Any]) -> dict[str, Any] | None:
    """The rate limit that a manifest asks for, by meaning."""
    return meaning_of_limit(spec.get("rateLimit"))


def has_limit(spec: dict[str, Any], limit: dict[str, Any] | None) -> bool:
    """Whether a rate limit is as the manifest says."""
    wanted = limit_of(spec)
    if wanted is None:
        return limit is None or spec.get("rateLimitPolicy") != "Unlimited"
    if limit is None:
        return False
    return wanted == {name: value for name, value in limit.items() if name in wanted or name != "syncCheck"}


def has_tags(spec: dict[str, Any], tags: Iterable[str], obj: dict[str, Any]) -> bool:
    """Whether the tags are as the manifest says, and the mark is there."""
    given = spec.get("tags")
    return marked(tags, obj) and (given is None or foreign(tags) == frozenset(given))


def holds(obj: dict[str, Any], version: str) -> bool:
    """Whether a CloudFunction has a version on record."""
    return any(item["versionId"] == version for item in own_status(obj).get("versions", ()))


def place_of(obj: dict[str, Any], secret: dict[str, Any]) -> Place:
    """Which Secret holds the value of a secret."""
    return obj["metadata"]["namespace"], secret["secretRef"]["name"]


def values_of(obj: dict[str, Any], store: SecretStore) -> dict[str, Any] | None:
    """The values that the Secrets hold by now; None where one is missing or does not consent."""
    found: dict[str, Any] = {}
    for item in obj["spec"].get("secrets") or ():
        secret = store.there.get(place_of(obj, item))
        value = secret.data.get(item["secretRef"]["key"]) if secret is not None else None
        if secret is None or value is None or not secret.consents_to(obj["metadata"]["name"]):
            return None
        found[item["name"]] = read(value, item)
    return found


def read(value: bytes, secret: dict[str, Any]) -> Any:
    """A value as it is sent."""
    return json.loads(value) if secret.get("format") == "JSON" else value.decode()


def differs(row: RowAsItWas, obj: dict[str, Any], store: SecretStore) -> list[str]:
    """In what a version is not as the manifest and the Secrets say."""
    spec, wrong = obj["spec"], []
    if not has_tags(spec, row.tags, obj):
        wrong.append("tags")
    if not has_limit(spec, row.rate_limit):
        wrong.append("rate limit")
    values = values_of(obj, store) or {}
    return wrong + [
        f"secret {name}" for name in sorted(set(values) & set(row.secrets)) if values[name] != row.secrets[name]
    ]
