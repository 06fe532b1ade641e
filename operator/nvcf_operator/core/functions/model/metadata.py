"""What a manifest says of a version that NVCF can change in place: its tags and its rate limit."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from nvcf_operator.api.function_spec import MARK_PREFIX, RateLimitPolicy
from nvcf_operator.core.functions.model import rate_limit
from nvcf_operator.core.functions.model.mark import Mark, parse

MOST_TAGS = 64
"""Tags that NVCF allows on a version."""

TAGS, RATE_LIMIT = "tags", "rateLimit"
"""The fields by NVCF's names, which are those of the manifest too."""


class Shown(Protocol):
    """What a list shows of a version's metadata."""

    @property
    def tags(self) -> frozenset[str]:
        """All its tags, a mark among them."""

    @property
    def rate_limit(self) -> str | None:
        """Its rate limit in the form of `rate_limit.form_of`; None where it has none."""

    @property
    def unreadable(self) -> frozenset[str]:
        """Of the fields, what is shown in a form that is not known."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a manifest says. What it leaves out is the server's, but for the operator's own mark."""

    tags: frozenset[str] | None = None
    """All tags but the mark; None: those that are there."""
    rate_limit: str | None = None
    """In the form of `rate_limit.form_of`; None: that which is there, if it may have any."""
    unlimited: bool = False
    """Whether it must have no rate limit."""

    @property
    def needed(self) -> frozenset[str]:
        """The fields that the manifest says something of."""
        limits = self.rate_limit is not None or self.unlimited
        return frozenset(name for name, said in ((TAGS, self.tags is not None), (RATE_LIMIT, limits)) if said)

    def differs(self, shown: Shown, uid: str) -> tuple[str, ...]:
        """The fields in which a version is not as the manifest says. What cannot be read is not compared.

        Args:
            shown: the version.
            uid: of the object whose mark it has to bear, as marks hold it.

        """
        found = []
        if TAGS not in shown.unreadable and not self._has_tags(shown.tags, uid):
            found.append(TAGS)
        if RATE_LIMIT not in shown.unreadable and not self._has_limit(shown.rate_limit):
            found.append(RATE_LIMIT)
        return tuple(found)

    def tags_with(self, shown: Iterable[str], mark: Mark) -> frozenset[str]:
        """All tags that a version is to have.

        Args:
            shown: those that it has.
            mark: its mark.

        """
        theirs = self.tags if self.tags is not None else (tag for tag in shown if not tag.startswith(MARK_PREFIX))
        return frozenset((*theirs, mark.tag))

    def _has_tags(self, shown: frozenset[str], uid: str) -> bool:
        ours = [tag for tag in shown if tag.startswith(MARK_PREFIX)]
        if len(ours) != 1 or (mark := parse(ours[0])) is None or mark.uid != uid:
            return False
        return self.tags is None or shown.difference(ours) == self.tags

    def _has_limit(self, shown: str | None) -> bool:
        if self.unlimited:
            return shown is None
        return self.rate_limit is None or rate_limit.is_met(self.rate_limit, shown)


def metadata_of(tags: Iterable[str] | None, limit: Mapping[str, Any] | None, policy: str | None) -> Metadata:
    """What a manifest says by these fields. Manifests that say the same share one."""
    text = json.dumps(limit, sort_keys=True) if limit is not None else None
    return _metadata(
        frozenset(map(sys.intern, tags)) if tags is not None else None, text, policy == RateLimitPolicy.UNLIMITED
    )


@lru_cache(maxsize=1024)
def _metadata(tags: frozenset[str] | None, limit: str | None, unlimited: bool) -> Metadata:
    form = rate_limit.form_of(json.loads(limit)) if limit is not None else None
    return Metadata(tags, form, unlimited and form is None)
