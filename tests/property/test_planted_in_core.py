"""Bugs put into the operator on purpose: random stories find each within a bounded number of steps."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase

from nvcf_operator import backoff
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.branches import deployed, not_deployed, record_update, rollout, undeploying
from nvcf_operator.core.diff.compare import Comparison
from nvcf_operator.core.model import decision, versions
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Absent, Observation, Unknown
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation, Timing
from nvcf_operator.core.model.versions import versions_held
from nvcf_operator.core.report import instances, messages
from nvcf_operator.core.rules import ownership, retries
from nvcf_operator.reconcile.act.actuator import Undeploys
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.context import Claims, Context
from nvcf_operator.reconcile.instances import InstanceReads
from nvcf_operator.reconcile.observe import Observer, Reads
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.deployments import Sent
from nvcf_operator.state.local_state import LocalState
from nvcf_operator.state.managed_state import AnyLocalState
from tests.property.hindered import Failing, Refused
from tests.property.referring import Following
from tests.property.running import Emptied, Watched
from tests.property.story import (
    Deletions,
    Hands,
    Limits,
    Lost,
    Policies,
    Rows,
    Story,
)
from tests.property.story_runs import run_stories

pytestmark = pytest.mark.timeout(900)

Patch = pytest.MonkeyPatch


def no_create_settle(patch: Patch) -> None:
    patch.setattr(versions, "create_settle_left", lambda situation, version: 0.0)


def no_redeploy_settle(patch: Patch) -> None:
    patch.setattr(versions, "redeploy_settle_left", lambda situation, nothing: 0.0)


def intent_forgotten(patch: Patch) -> None:
    patch.setattr(Resource, "open_intent", property(lambda self: None))
    patch.setattr(Situation, "open_intent", property(lambda self: None))


def incoming_forgotten(patch: Patch) -> None:
    patch.setattr(record_update, "incoming_version", lambda situation, decision, main: None)


def finalizer_dropped_at_once(patch: Patch) -> None:
    patch.setattr("nvcf_operator.core.branches.undeploying.versions_held", lambda resource: ())


def observe_writes(patch: Patch) -> None:
    patch.setattr(Resource, "observes", property(lambda self: False))


def pause_ignored(patch: Patch) -> None:
    patch.setattr(Resource, "paused", property(lambda self: False))


def unseen_is_absent(patch: Patch) -> None:
    original = Reads.deployment

    async def deployment(self: Reads, context: Context, version: str) -> Observation:
        seen = await original(self, context, version)
        return Absent(1000.0) if isinstance(seen, Unknown) else seen

    patch.setattr(Reads, "deployment", deployment)


def another_accounts_404_believed(patch: Patch) -> None:
    for module in (not_deployed, undeploying):
        patch.setattr(module, "doubted", lambda situation: None)


def stale_manifest_acted_on(patch: Patch) -> None:
    async def believe(self: KubernetesCluster, resource: AnyResource, local: AnyLocalState) -> None:
        return None

    patch.setattr(KubernetesCluster, "prove_current", believe)


def last_version_taken_down(patch: Patch) -> None:
    patch.setattr(rollout, "replaced", lambda situation, decision, kept: True)
    patch.setattr(rollout, "serves_beside", lambda situation, version: True)


def gone_is_never_believed(patch: Patch) -> None:
    original = undeploying.undeployed

    def undeployed(*of: Any, **more: Any) -> Decision:
        return original(*of, **more) or Decision(requeue=5.0)

    patch.setattr("nvcf_operator.core.branches.undeploying.undeployed", undeployed)


def what_never_reached_nvcf_is_kept(patch: Patch) -> None:
    original = undeploying.deletion

    def keeps(situation: Situation) -> Decision:
        return original(situation) if versions_held(situation.resource) else Decision(requeue=5.0)

    patch.setattr("nvcf_operator.core.decide.deletion", keeps)


def changes_that_are_none(patch: Patch) -> None:
    def change(found: Comparison, *, patch_supported: bool, put_supported: bool) -> decision.Patch:
        pair = found.pairs[0]
        return decision.Patch(
            gpu_specification_id=pair.found.gpu_specification_id or "",
            gpu=pair.found.gpu,
            min_instances=pair.wanted.min_instances,
            max_instances=pair.wanted.max_instances,
        )

    patch.setattr(deployed, "next_change", change)


def time_in_a_message(patch: Patch) -> None:
    original = messages.active
    patch.setattr(messages, "active", lambda version: f"{original(version)} {os.urandom(4).hex()}")


def nobody_else_asked_before_delete(patch: Patch) -> None:
    original, holders = Undeploys.undeploy, Claims.holders

    async def at_once(*of: Any) -> None:
        return None

    async def undeploy(self: Undeploys, *of: Any) -> Outcome[Context]:
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr(Claims, "ensure_unclaimed", at_once)
            return await original(self, *of)

    async def of_the_wanted(self: Claims, resource: Resource, base_url: str | None) -> dict[str, Any]:
        found = {} if resource.deleting else await holders(self, resource, base_url)
        return {version: key for version, key in found.items() if version == resource.wanted_version}

    patch.setattr(Undeploys, "undeploy", undeploy)
    patch.setattr(Claims, "holders", of_the_wanted)


def create_settle_not_grown(patch: Patch) -> None:
    patch.setattr(Timing, "create_settle_of", lambda self, specifications: self.create_settle)


def sent_forgotten_with_the_object(patch: Patch) -> None:
    original = Sent.take

    def take(self: Sent, uid: str, now: float) -> list[Any]:
        original(self, uid, now)
        self._posts = [post for post in self._posts if post.resource.uid != uid]
        return []

    patch.setattr(Sent, "take", take)


def stale_row_taken_for_ours(patch: Patch) -> None:
    for module in (ownership, deployed):
        patch.setattr(module, "lost_deployment", lambda situation, version, seen: None)


def limits_believed_from_the_cluster_alone(patch: Patch) -> None:
    original = LocalState.view

    def view(self: LocalState, *of: Any) -> Resource:
        self.record = None
        return original(self, *of)

    patch.setattr(LocalState, "view", view)


def wall_clock_believed_for_spans(patch: Patch) -> None:
    patch.setattr(SteadyClock, "now", lambda self: datetime.fromtimestamp(self._wall(), UTC))


def force_delete_obeyed_though_set_before(patch: Patch) -> None:
    patch.setattr("nvcf_operator.state.managed_state.force_delete_is_stale", lambda resource, *, seen_without: False)


def pauses_do_not_grow(patch: Patch) -> None:
    patch.setattr(backoff, "short", lambda attempts: backoff.SHORT.first)
    patch.setattr(backoff, "refused_by_cluster", lambda attempts: backoff.SHORT.first)


def refusal_taken_for_news(patch: Patch) -> None:
    # `Guard` stretches a wait of zero, so that the bug would show only by chance; 0.1 s gets past it.
    patch.setattr("nvcf_operator.reconcile.requeue.backoff.refused_by_cluster", lambda attempts: 0.1)


def odd_entry_taken_for_absence(patch: Patch) -> None:
    original = Observer._observe_version

    async def observe(self: Observer, context: Context, version: str) -> Observation:
        seen = await original(self, context, version)
        resource, listing = context.resource, context.nvcf.listing
        missing = listing is not None and not listing.entry(resource.function_id, resource.wanted_version)
        return Absent(1000.0) if missing else seen

    patch.setattr(Observer, "_observe_version", observe)


def outage_is_not_reported(patch: Patch) -> None:
    patch.setattr(retries, "_kept_from_work", lambda situation, failure, phase: None)


def registration_not_awaited(patch: Patch) -> None:
    patch.setattr(FollowedFunction, "is_registered", property(lambda self: self.latest is not None))


def instances_read_at_each_reconcile(patch: Patch) -> None:
    patch.setattr(InstanceReads, "_is_due", lambda self, context, *of, **more: not context.resource.deleting)


def none_running_believed_at_once(patch: Patch) -> None:
    patch.setattr(instances, "is_certain", lambda situation, seen: True)


INVARIANTS: dict[str, tuple[Callable[[Patch], None], ...]] = {
    "1 one deployment, and the account ends as the manifests say": (
        no_create_settle,
        no_redeploy_settle,
        intent_forgotten,
        incoming_forgotten,
        last_version_taken_down,
        create_settle_not_grown,
        sent_forgotten_with_the_object,
        stale_row_taken_for_ours,
        limits_believed_from_the_cluster_alone,
        wall_clock_believed_for_spans,
    ),
    "2 nothing is left after Delete, nothing touched under Observe": (
        finalizer_dropped_at_once,
        observe_writes,
        pause_ignored,
        force_delete_obeyed_though_set_before,
    ),
    "3 converged is silent": (time_in_a_message, changes_that_are_none, instances_read_at_each_reconcile),
    "4 no write on a guess, nor on an old manifest": (
        unseen_is_absent,
        another_accounts_404_believed,
        stale_manifest_acted_on,
        none_running_believed_at_once,
    ),
    "6 nothing goes that is not ours": (nobody_else_asked_before_delete,),
    "8 what follows a function changes with it": (registration_not_awaited,),
    "5 every finalizer is released": (gone_is_never_believed, what_never_reached_nvcf_is_kept),
    "7 what cannot go on goes slowly, reports why, and goes on": (
        pauses_do_not_grow,
        refusal_taken_for_news,
        odd_entry_taken_for_absence,
        outage_is_not_reported,
    ),
}


ABOUT: dict[Callable[[Patch], None], type[Story]] = {
    no_create_settle: Lost,
    intent_forgotten: Lost,
    create_settle_not_grown: Lost,
    sent_forgotten_with_the_object: Lost,
    incoming_forgotten: Hands,
    stale_row_taken_for_ours: Rows,
    limits_believed_from_the_cluster_alone: Limits,
    force_delete_obeyed_though_set_before: Deletions,
    another_accounts_404_believed: Deletions,
    gone_is_never_believed: Deletions,
    what_never_reached_nvcf_is_kept: Deletions,
    finalizer_dropped_at_once: Deletions,
    nobody_else_asked_before_delete: Hands,
    pauses_do_not_grow: Refused,
    refusal_taken_for_news: Refused,
    odd_entry_taken_for_absence: Failing,
    outage_is_not_reported: Failing,
    observe_writes: Policies,
    pause_ignored: Policies,
    registration_not_awaited: Following,
    instances_read_at_each_reconcile: Watched,
    none_running_believed_at_once: Emptied,
}
"""The stories that find a bug soonest, where those about everything take long."""


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
        run_stories(ABOUT.get(bug, Story), 1500, phases=(Phase.generate,))
