"""What an account's list shows of the versions that CloudFunctions have to do with.

A list holds thousands of versions of others. So only what a CloudFunction of this cluster asks for is kept: versions
that bear its mark, those of its function, and the ids of functions that have its name. Without one nothing is kept.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from nvcf_client.models import Function, FunctionDetails
from nvcf_client.responses import FunctionsResponse
from nvcf_operator.core.functions.model.identity import meaning_of_version
from nvcf_operator.core.functions.model.mark import Mark, mark_of, parse
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.rate_limit import form_of


class Interest(NamedTuple):
    """What one CloudFunction asks of a list."""

    uid: str
    """Of the object, as 32 hex digits."""
    name: str
    """Of the function."""
    function_id: str | None = None
    """The function on record, else that which the manifest names."""
    adopts: bool = False
    """Whether a function of that name may be adopted, so that all its versions are kept."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One list's part for CloudFunctions."""

    versions: Mapping[str, VersionSeen] = field(default_factory=dict, repr=False)
    """By version id."""
    ids_by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """The private functions of each name that was asked for, sorted."""
    interests: frozenset[Interest] = field(default=frozenset(), repr=False)
    """What was asked for. Of anything else it shows nothing."""
    by_owner: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """The versions with an object's mark by its uid, and those of a function by its id."""
    unreadable: frozenset[str] = field(default=frozenset(), repr=False)
    """The uids of the objects whose mark is on an entry that cannot be read: what the list lacks may be there."""

    @classmethod
    def of(cls, answer: FunctionsResponse, interests: Iterable[Interest], before: "Registered") -> "Registered":
        """Read the answer of the call. What cannot change is read once for each version, tags and rate limit always."""
        wanted = frozenset(interests)
        if not wanted:
            return NOTHING_REGISTERED
        uids, functions = {item.uid for item in wanted}, {item.function_id for item in wanted}
        ids: dict[str, set[str]] = {item.name: set() for item in wanted}
        adopted = {item.name for item in wanted if item.adopts}
        if adopted:
            functions |= {item.id for item in answer.functions if item.name in adopted}
        found: list[tuple[Function, Mark | None]] = []
        for item in answer.functions:
            if item.owned_by_different_account:
                continue
            if item.name in ids:
                ids[item.name].add(item.id)
            mark = mark_of(item.tags) if item.tags is not None else None
            if (mark is not None and mark.uid in uids) or item.id in functions:
                found.append((item, mark))
        known = {version: seen.meaning for version, seen in before.versions.items()}
        new = [item.version_id for item, _ in found if item.version_id not in known]
        known |= {details.version_id: meaning_of_version(details) for details in (answer.details(new) if new else ())}
        versions = {
            item.version_id: _seen(
                item, mark, known.get(item.version_id, ""), answer.unreadable.get(item.version_id, frozenset())
            )
            for item, mark in found
        }
        owned: dict[str, list[str]] = {}
        for version, seen in versions.items():
            for owner in {seen.function_id, seen.mark.uid if seen.mark is not None else seen.function_id}:
                owned.setdefault(owner, []).append(version)
        return cls(
            versions,
            {name: tuple(sorted(of_name)) for name, of_name in ids.items()},
            wanted,
            {owner: tuple(of_owner) for owner, of_owner in owned.items()},
            frozenset(mark.uid for tag in answer.skipped_tags if (mark := parse(tag)) is not None) & uids,
        )

    def covers(self, interest: Interest) -> bool:
        """Whether it shows what that CloudFunction asks for."""
        return interest in self.interests

    def shown_to(self, interest: Interest, on_record: Collection[str] = ()) -> tuple[VersionSeen, ...]:
        """The versions with that object's mark, those of its function, and others on its record, the oldest first.

        While it may adopt a function of its name, those of all functions of that name are among them.
        """
        owners = (interest.uid, interest.function_id or "", *(self.named_alike(interest) if interest.adopts else ()))
        mine = {version for owner in owners for version in self.by_owner.get(owner, ())}
        mine |= {version for version in on_record if version in self.versions}
        return tuple(sorted((self.versions[version] for version in mine), key=_age))

    def named_alike(self, interest: Interest) -> tuple[str, ...]:
        """The functions of the manifest's name without a version that bears this object's mark."""
        own = {self.versions[version].function_id for version in self.by_owner.get(interest.uid, ())}
        return tuple(item for item in self.ids_by_name.get(interest.name, ()) if item not in own)


NOTHING_REGISTERED = Registered()


def version_seen(details: FunctionDetails) -> VersionSeen:
    """A version as a read of it, or the answer to its registration, shows it."""
    found = _seen(details, mark_of(details.tags), meaning_of_version(details), details.unreadable)
    return replace(found, secret_names=frozenset(details.secrets)) if details.secrets is not None else found


IN_PLACE = frozenset({"tags", "rateLimit"})
"""Fields that can change, by NVCF's names."""


def _seen(item: Function, mark: Mark | None, meaning: str, unreadable: frozenset[str]) -> VersionSeen:
    return VersionSeen(
        function_id=item.id,
        version_id=item.version_id,
        name=item.name or "",
        status=item.status,
        mark=mark,
        meaning=meaning,
        created_at=_moment(item.created_at),
        account_id=item.nca_id,
        tags=frozenset(map(sys.intern, item.tags or ())),  # thousands of versions have the same ones
        rate_limit=form_of(item.rate_limit),
        unreadable=unreadable & IN_PLACE,
    )


def _age(seen: VersionSeen) -> tuple[datetime, str]:
    return seen.created_at or datetime.max.replace(tzinfo=UTC), seen.version_id


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
