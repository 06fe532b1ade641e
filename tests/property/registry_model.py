"""The functions API of an account, in memory: versions that POSTs register, some of them late, changes of their rows,
and what lists show."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nvcf_operator.core.functions.model.mark import Mark, mark_of
from tests.property.cluster_model import START
from tests.property.nvcf_model import ACCOUNT, Account
from tests.property.row_races import Rows

LATEST = 500.0
"""Seconds after which the row of a POST whose caller hung up is there at the latest: beyond the operator's settle."""
HANGS_UP = 120.0
"""Seconds after which the client gives up a registration."""
DEFAULTS: dict[str, Any] = {
    "functionType": "DEFAULT",
    "apiBodyFormat": "CUSTOM",
    "health": {
        "protocol": "HTTP",
        "uri": "/v2/health/ready",
        "port": 8000,
        "timeout": "PT10S",
        "expectedStatusCode": 200,
    },
}
"""What the server fills in."""
ECHOED_ELSEWHERE = ("name", "description", "tags", "rateLimit", "secrets")
"""Members of a version that are not of its template."""
NOT_GIVEN: dict[str, Any] = {"exemptedNcaIds": [], "perNcaIdRate": {}}
"""What a read adds to a rate limit."""


@dataclass(slots=True)
class Version:
    """One version that was registered, or will be."""

    function_id: str
    version_id: str
    body: dict[str, Any]
    visible_from: float
    made_for: str
    """The uid of the object that its POST was for; empty for a stranger's."""
    process: int
    """Which process asked for it."""
    asked_at: float
    secrets: dict[str, Any] = field(default_factory=dict)
    """The values of its secrets by name, which nothing shows."""
    touched_at: float = float("-inf")
    """When its tags or rate limit were changed last by somebody else, or by a call of long ago."""

    @property
    def tags(self) -> frozenset[str]:
        """Its tags, marks among them."""
        return frozenset(self.body.get("tags") or ())

    @property
    def rate_limit(self) -> dict[str, Any] | None:
        """Its rate limit by meaning."""
        return meaning_of_limit(self.body.get("rateLimit"))

    @property
    def mark(self) -> Mark | None:
        """The operator's tag on it."""
        return mark_of(self.body.get("tags", ()))

    @property
    def content(self) -> dict[str, Any]:
        """Its template with the server's defaults, for a comparison."""
        return content_of(self.body)


def content_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A template, or the body of a POST, as the server would show it."""
    return DEFAULTS | {name: value for name, value in body.items() if name not in ECHOED_ELSEWHERE}


def meaning_of_limit(limit: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A rate limit without what says nothing: spelling of rates, order of accounts, members that are empty."""
    if limit is None:
        return None
    found = {name: value for name, value in limit.items() if value not in (None, [], {}, ())}
    for name, value in found.items():
        match value:
            case str():
                found[name] = frozenset(rate.strip() for rate in value.split(","))
            case Mapping():
                found[name] = {key: frozenset(rate.strip() for rate in text.split(",")) for key, text in value.items()}
            case list() | tuple():
                found[name] = frozenset(value)
    return found


@dataclass(slots=True)
class Registry:
    """All versions, by id, in the order of their POSTs."""

    nvcf: Account
    rows: dict[str, Version] = field(default_factory=dict)
    unpushed: set[str] = field(default_factory=set)
    """Images that the registry of images does not have (yet)."""
    lost: list[str] = field(default_factory=list)
    """What becomes of the next POSTs: "runs on" or "not done"; the caller hears nothing."""
    made: int = 0
    slow: list[str] = field(default_factory=list)
    """What becomes of the next changes of rows: "runs on" or "not done"; the caller hears nothing."""
    races: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.races = Rows(self.nvcf, self.rows)
        self.nvcf.beside.append(self.races)

    @property
    def chance(self) -> random.Random:
        """The story's."""
        return self.nvcf.chance

    @property
    def visible(self) -> Iterator[Version]:
        """The versions that a list shows."""
        return (item for item in self.rows.values() if item.visible_from <= self.nvcf.now)

    @property
    def coming(self) -> list[Version]:
        """The versions whose POSTs still run."""
        return [item for item in self.rows.values() if item.visible_from > self.nvcf.now]

    def there(self, version_id: str) -> Version | None:
        """A version that a read of it shows."""
        found = self.rows.get(version_id)
        return found if found is not None and found.visible_from <= self.nvcf.now else None

    def register(
        self, function_id: str | None, body: dict[str, Any], *, made_for: str, process: int, after: float = 0.0
    ) -> Version | None:
        """Register a version, visible after so many seconds; None where there is no such function."""
        if function_id is not None and all(item.function_id != function_id for item in self.visible):
            return None
        self.made += 1
        function_id = function_id or f"f0000000-0000-4000-8000-{self.made:012}"
        now, body = self.nvcf.now, dict(body)
        secrets = {item["name"]: item["value"] for item in body.pop("secrets", ())}
        version_id = f"7c1e0000-0000-4000-8000-{self.made:012}"
        made = Version(function_id, version_id, body, now + after, made_for, process, now, secrets)
        self.rows[made.version_id] = made
        self.nvcf.functions[made.version_id] = function_id
        if "broken" in body.get("containerImage", ""):
            self.nvcf.fates[made.version_id] = "fail"
        return made

    def delete(self, version_id: str) -> bool:
        """Delete a version, and with it its deployment; False when it is not there."""
        if self.there(version_id) is None:
            return False
        del self.rows[version_id]
        self.nvcf.rows.pop(version_id, None)
        return True

    def set_secrets(self, item: Version, values: Mapping[str, Any]) -> bool:
        """Merge values by name; False where the first ones come too late. No row is written."""
        if not item.secrets and item.version_id in self.nvcf.rows:
            return False
        item.secrets |= values
        return True

    def change_outside(self, item: Version, **fields: Any) -> None:
        """Somebody else's change of tags or rate limit."""
        item.body.update(fields)
        item.touched_at = self.nvcf.now

    def shown(self, item: Version) -> dict[str, Any]:
        """A version as NVCF's lists show it."""
        deployment = self.nvcf.rows.get(item.version_id)
        limit = item.body.get("rateLimit")
        moment = START + timedelta(seconds=item.visible_from)
        return {
            "description": item.body.get("name"),
            **DEFAULTS,
            **{name: value for name, value in item.body.items() if value not in (None, [])},
            **({"rateLimit": NOT_GIVEN | limit} if limit else {}),
            "id": item.function_id,
            "versionId": item.version_id,
            "ncaId": ACCOUNT,
            "ownedByDifferentAccount": False,
            "status": deployment.status if deployment is not None else "INACTIVE",
            "createdAt": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "lüftung": ["unknown", None, {"a": 1}],
        }
