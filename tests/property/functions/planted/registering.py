"""What registers one version for one template, and deletes only what nobody needs."""

from collections.abc import Callable
from typing import Any

import pytest

from nvcf_operator.core.functions import decide
from nvcf_operator.core.functions.branches import collecting, deletion, record, registering
from nvcf_operator.core.functions.model import versions
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.reconcile.functions.delete import Deletions
from tests.property.functions.focused import (
    Commits,
    Duplicates,
    Failed,
    Losses,
    Owners,
    Registrations,
    Templates,
    Users,
)
from tests.property.functions.story import FunctionStory

Patch = pytest.MonkeyPatch


def no_intent(patch: Patch) -> None:
    patch.setattr(FunctionSituation, "open_intent", property(lambda self: None))


def no_search_by_mark(patch: Patch) -> None:
    def own(self: FunctionSituation) -> tuple[VersionSeen, ...]:
        known = {self.answer.version_id} if self.answer is not None else set[str]()
        return tuple(seen for seen in self.shown if seen.version_id in known | set(self.resource.recorded_ids))

    patch.setattr(FunctionSituation, "own", property(own))


def no_register_settle(patch: Patch) -> None:
    for module in (registering, decide, deletion):
        patch.setattr(module, "search_left", lambda situation: 0.0)


def duplicate_used(patch: Patch) -> None:
    original = versions.matching

    def newest(situation: FunctionSituation) -> VersionSeen | None:
        found = original(situation)
        if found is None:
            return None
        label = versions.label_of(situation, found)
        same = [seen for seen in situation.own if versions.label_of(situation, seen) == label]
        return max([found, *same], key=versions.by_age)

    for module in (registering, decide, collecting, record):
        if hasattr(module, "matching"):
            patch.setattr(module, "matching", newest)


def hash_alone(patch: Patch) -> None:
    patch.setattr(versions, "_means_the_same", lambda situation, seen: False)


def mark_ignored_before_deletion(patch: Patch) -> None:
    patch.setattr(FunctionSituation, "own", property(lambda self: self.shown))
    patch.setattr(Deletions, "_ensure_unused", lambda self, context, action, seen: None)


def users_ignored_before_deletion(patch: Patch) -> None:
    patch.setattr(FunctionSituation, "is_held", lambda self, version: False)
    patch.setattr(collecting, "is_pinned", lambda situation, seen: False)
    patch.setattr(Deletions, "_ensure_unused", lambda self, context, action, seen: None)


def deletion_though_in_use(patch: Patch) -> None:
    patch.setattr(deletion, "_unused", lambda situation: None)
    patch.setattr(Deletions, "_ensure_unused", lambda self, context, action, seen: None)


def lost_address_replaced(patch: Patch) -> None:
    patch.setattr(registering, "_vanished", lambda situation: None)


def old_version_redeployed(patch: Patch) -> None:
    def unheld(situation: Any, decision: Decision) -> Decision:
        return decision

    patch.setattr("nvcf_operator.core.decide.references.held_changes", unheld)


def finalizer_dropped_at_once(patch: Patch) -> None:
    patch.setattr(deletion, "_deleted", lambda situation: None)
    patch.setattr(deletion, "_gone", lambda situation: None)


def pause_ignored(patch: Patch) -> None:
    patch.setattr(CloudFunction, "paused", property(lambda self: False))


RUNNING = "after one that may still be running"
HELD = r"DELETE of \w+, which team/\w+ holds"

BUGS: dict[Callable[[Patch], None], tuple[type[FunctionStory], str]] = {
    no_intent: (Registrations, RUNNING),
    no_search_by_mark: (Registrations, "(does not know of|has the template)"),
    no_register_settle: (Registrations, RUNNING),
    duplicate_used: (Duplicates, "another version of the same template takes the place of one in use"),
    hash_alone: (Templates, r"POST though the latest version \w+ means the same"),
    old_version_redeployed: (Commits, r"redeployment of \w+ while another template is registered"),
    mark_ignored_before_deletion: (Owners, "which does not bear the object's mark"),
    users_ignored_before_deletion: (Failed, HELD),
    deletion_though_in_use: (Users, HELD),
    finalizer_dropped_at_once: (Owners, "are nobody's"),
    pause_ignored: (Templates, "(POST|DELETE) while suspended"),
    lost_address_replaced: (Losses, "POST of another function than"),
}
"""Each bug, with the stories that find it soonest and the words of the violation that it has to be found by."""
