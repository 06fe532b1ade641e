"""An account's list of functions."""

from dataclasses import dataclass, field

from nvcf_client.responses import FunctionsResponse
from nvcf_operator.core.poll_rules import Entry


@dataclass(frozen=True, slots=True)
class Listing:
    """All function versions that the key may see, as of one answer."""

    asked_at: float
    """Monotonic time at which it was asked for: it says nothing about writes that ended later."""
    entries: dict[str, Entry] = field(repr=False)
    """By version id."""
    account_ids: frozenset[str]
    """The accounts of the key's own private functions."""
    skipped: frozenset[str] = frozenset()
    """Version ids of entries that could not be read; an empty one where not even the id could. They are not absent."""

    @classmethod
    def of(cls, answer: FunctionsResponse, asked_at: float) -> "Listing":
        """Read the answer of the call."""
        entries = {
            item.version_id: Entry(item.id, item.status, item.nca_id, not item.owned_by_different_account)
            for item in answer.functions
        }
        ids = frozenset(item.account_id for item in entries.values() if item.ours and item.account_id)
        return cls(asked_at, entries, ids, answer.skipped_versions)

    def entry(self, function_id: str, version: str) -> Entry | None:
        """The entry of a version of that very function."""
        found = self.entries.get(version)
        return found if found is not None and found.function_id == function_id else None
