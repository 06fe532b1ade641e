"""What keeps tags and rate limits as manifests say, one write of a version at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nvcf_operator.core.functions.branches import in_place
from nvcf_operator.core.functions.model import rate_limit
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.functions.model.metadata import Metadata
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.state import version_writes
from nvcf_operator.state.version_writes import Call, VersionWrites
from tests.property.functions.focused import Deploying, Limits, Overlaps, Returns, Tags
from tests.property.functions.story import FunctionStory
from tests.property.functions.wanted import foreign

Patch = pytest.MonkeyPatch


def foreign_tags_lost(patch: Patch) -> None:
    def only_ours(self: Metadata, shown: Any, mark: Mark) -> frozenset[str]:
        return frozenset((*(self.tags or ()), mark.tag))

    patch.setattr(Metadata, "tags_with", only_ours)


def mark_not_put_back(patch: Patch) -> None:
    def has_tags(self: Metadata, shown: frozenset[str], uid: str) -> bool:
        return self.tags is None or foreign(shown) == self.tags

    patch.setattr(Metadata, "_has_tags", has_tags)


def rate_limit_compared_literally(patch: Patch) -> None:
    patch.setattr(rate_limit, "_rate", lambda text: text)
    patch.setattr(rate_limit, "is_met", lambda wanted, shown: wanted == shown)


def changed_during_a_deployment(patch: Patch) -> None:
    patch.setattr(in_place, "locked", lambda situation, seen: None)
    patch.setattr(version_writes, "LOCKED_BY", {call: frozenset({Call.CHANGE}) for call in Call})


def doubt_ignored(patch: Patch) -> None:
    patch.setattr(VersionWrites, "doubt", lambda self, target, seconds, call=None: None)


def way_back_not_brought_up_to_date(patch: Patch) -> None:
    original = in_place._changes

    def of_deployed(situation: FunctionSituation) -> Iterator[in_place.Change]:
        return (change for change in original(situation) if change.seen.is_deployed)

    patch.setattr(in_place, "_changes", of_deployed)


BUGS: dict[Callable[[Patch], None], tuple[type[FunctionStory], str]] = {
    foreign_tags_lost: (Tags, "which changes the foreign tags"),
    mark_not_put_back: (Tags, r"tags of \w+ of CloudFunction team/\w+ are not up to date"),
    rate_limit_compared_literally: (Limits, "(which changes nothing|is not Ready: Updating)"),
    changed_during_a_deployment: (Deploying, "while the POST of its deployment"),
    doubt_ignored: (Overlaps, "while a(nother)? change of (it|the version) may still be running"),
    way_back_not_brought_up_to_date: (Returns, "POST of the deployment of .* not up to date"),
}
