"""What leaves to others what is theirs, or is in use."""

from collections.abc import Callable

import pytest

from nvcf_operator.core.functions.branches import collecting
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.reconcile.functions.delete import Deletions
from nvcf_operator.state import version_writes
from nvcf_operator.state.version_writes import Call
from tests.property.functions.focused import Adoptions, Intents, Outside, Wiped
from tests.property.functions.planted.registering import HELD
from tests.property.functions.story import FunctionStory

Patch = pytest.MonkeyPatch


def function_made_where_one_is_named(patch: Patch) -> None:
    patch.setattr(CloudFunction, "given_function", property(lambda self: None))


def taken_under_refuse(patch: Patch) -> None:
    patch.setattr(CloudFunction, "adopts_by_name", property(lambda self: self.claimed_function is None))


def wiped_mark_collected(patch: Patch) -> None:
    def own(self: FunctionSituation) -> tuple[VersionSeen, ...]:
        uid, recorded = self.resource.mark_uid, self.resource.recorded_ids
        return tuple(seen for seen in self.shown if seen.version_id in recorded or (seen.mark and seen.mark.uid == uid))

    patch.setattr(FunctionSituation, "own", property(own))
    patch.setattr(Deletions, "_ensure_unused", lambda self, context, action, seen: None)


def deployed_version_deleted(patch: Patch) -> None:
    patch.setattr(collecting, "_wait", lambda situation, seen: 0.0)
    patch.setattr(Deletions, "_ensure_unused", lambda self, context, action, seen: None)


def open_intent_in_nobodys_way(patch: Patch) -> None:
    patch.setattr(Follower, "holds", lambda self, version: version in self.named - self.intended)
    patch.setattr(version_writes, "LOCKED_BY", dict.fromkeys(Call, frozenset({Call.CHANGE})))


BUGS: dict[Callable[[Patch], None], tuple[type[FunctionStory], str]] = {
    function_made_where_one_is_named: (Adoptions, "POST of another function than that of the manifest"),
    taken_under_refuse: (Adoptions, "(under Refuse|which is not the object's)"),
    wiped_mark_collected: (Wiped, "which does not bear the object's mark"),
    deployed_version_deleted: (Outside, "which is deployed"),
    open_intent_in_nobodys_way: (Intents, HELD),
}
