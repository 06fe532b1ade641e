"""Bugs put into the pure decisions on purpose: random stories find each within a bounded number of steps."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from nvcf_operator.core import absence, changes, deletion, messages, presence, rollout, settles, tracks, undeploying
from nvcf_operator.core.compare import Comparison
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Absent, Situation, Unseen
from nvcf_operator.core.versions import versions_held
from property import operator_model
from property.test_random_stories import STEPS, Story

Patch = pytest.MonkeyPatch


def no_create_settle(patch: Patch) -> None:
    patch.setattr(settles, "create_settle_left", lambda situation: 0.0)


def no_redeploy_settle(patch: Patch) -> None:
    patch.setattr(settles, "redeploy_settle_left", lambda situation, nothing: 0.0)


def intent_forgotten(patch: Patch) -> None:
    patch.setattr(Resource, "open_intent", property(lambda self: None))
    patch.setattr(Situation, "open_intent", property(lambda self: None))


def incoming_forgotten(patch: Patch) -> None:
    patch.setattr(tracks, "incoming", lambda situation, decision, main: None)


def finalizer_dropped_at_once(patch: Patch) -> None:
    patch.setattr("nvcf_operator.core.deletion.versions_held", lambda resource: ())


def observe_writes(patch: Patch) -> None:
    patch.setattr("nvcf_operator.core.decide.ManagementPolicy", SimpleNamespace(OBSERVE="never"))


def pause_ignored(patch: Patch) -> None:
    patch.setattr(Resource, "paused", property(lambda self: False))


def unseen_is_absent(patch: Patch) -> None:
    original = operator_model.Operator._get

    def get(self: operator_model.Operator, version: str) -> tuple[object, bool]:
        seen, doubt = original(self, version)
        return (Absent(1000.0) if isinstance(seen, Unseen) else seen), doubt

    patch.setattr(operator_model.Operator, "_get", get)


def another_accounts_404_believed(patch: Patch) -> None:
    patch.setattr(absence, "unproven", lambda situation: None)
    patch.setattr(undeploying, "doubted", lambda situation: None)


def stale_manifest_acted_on(patch: Patch) -> None:
    patch.setattr(operator_model.Operator, "_prove_current", lambda self, name, resource: None)


def last_version_taken_down(patch: Patch) -> None:
    patch.setattr(rollout, "replaced", lambda situation, decision, kept: True)
    patch.setattr(rollout, "serves_beside", lambda situation, version: True)


def gone_is_never_believed(patch: Patch) -> None:
    original = undeploying.undeployed

    def undeployed(*of: Any, **more: Any) -> Decision:
        return original(*of, **more) or Decision(requeue=5.0)

    patch.setattr("nvcf_operator.core.deletion.undeployed", undeployed)


def what_never_reached_nvcf_is_kept(patch: Patch) -> None:
    original = deletion.deletion

    def keeps(situation: Situation) -> Decision:
        return original(situation) if versions_held(situation.resource) else Decision(requeue=5.0)

    patch.setattr("nvcf_operator.core.decide.deletion", keeps)


def changes_that_are_none(patch: Patch) -> None:
    def change(found: Comparison, *, patch_supported: bool) -> changes.Patch:
        pair = found.pairs[0]
        return changes.Patch(
            gpu_specification_id=pair.found.gpu_specification_id or "",
            gpu=pair.found.gpu,
            min_instances=pair.wanted.min_instances,
            max_instances=pair.wanted.max_instances,
        )

    patch.setattr(presence, "next_change", change)


def time_in_a_message(patch: Patch) -> None:
    original = messages.active
    patch.setattr(messages, "active", lambda version: f"{original(version)} {os.urandom(4).hex()}")


INVARIANTS: dict[str, tuple[Callable[[Patch], None], ...]] = {
    "1 one deployment, and the account ends as the manifests say": (
        no_create_settle,
        no_redeploy_settle,
        intent_forgotten,
        incoming_forgotten,
        last_version_taken_down,
    ),
    "2 nothing is left after Delete, nothing touched under Observe": (
        finalizer_dropped_at_once,
        observe_writes,
        pause_ignored,
    ),
    "3 converged is silent": (time_in_a_message, changes_that_are_none),
    "4 no write on a guess, nor on an old manifest": (
        unseen_is_absent,
        another_accounts_404_believed,
        stale_manifest_acted_on,
    ),
    "5 every finalizer is released": (gone_is_never_believed, what_never_reached_nvcf_is_kept),
}


@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(bug, id=f"{invariant.split()[0]} {bug.__name__}")
        for invariant, bugs in INVARIANTS.items()
        for bug in bugs
    ],
)
def test_a_planted_bug_is_found(bug: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Story,
            settings=settings(
                max_examples=1500,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
