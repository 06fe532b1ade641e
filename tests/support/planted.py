"""The operator with a bug put in, to show that a test would catch it: `python -m tests.support.planted BUG run ...`.

Each bug takes one safeguard out of our own code, in the process that is started and nowhere else.
"""

import itertools
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nvcf_client import errors, requests
from nvcf_client.answers import explain
from nvcf_operator import logs
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.api.names import Key
from nvcf_operator.api.status import Intent
from nvcf_operator.core import decide
from nvcf_operator.core.branches import deployed
from nvcf_operator.core.diff import compare
from nvcf_operator.core.diff.compare import Comparison
from nvcf_operator.core.model import versions
from nvcf_operator.core.model.decision import Create, Decision, DropFinalizer, Patch, Undeploy, act
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Absent, Failure, Observation, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.core.rules import credentials as rules
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.event_queue import EventRecord
from nvcf_operator.queue.delay_queue import DelayQueue
from nvcf_operator.reconcile import record
from nvcf_operator.reconcile.access import Access
from nvcf_operator.reconcile.act import create, intents
from nvcf_operator.reconcile.act.actuator import Changes
from nvcf_operator.reconcile.act.create import Creates
from nvcf_operator.reconcile.act.finalizer import Finalizers
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.context import Claims, Context
from nvcf_operator.reconcile.observe import Observer, Reads
from nvcf_operator.reconcile.record import Reporter
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.managed_state import AnyLocalState
from tests.support.disruptions import CLOCK_OFFSET_FILE, DISRUPTIONS, late_watch
from tests.support.impatience import IMPATIENCE
from tests.support.misbeliefs import MISBELIEFS

log = logging.getLogger(__name__)

__all__ = ["BUGS", "CLOCK_OFFSET_FILE"]


def no_intent() -> None:
    """An intent whose answer is not on record counts as none: a lost POST is made again at once."""
    Resource.open_intent = property(lambda self: None)  # type: ignore[method-assign, assignment]
    Situation.open_intent = property(lambda self: None)  # type: ignore[method-assign, assignment]


def no_settle() -> None:
    """404 is believed at once, though an earlier POST or deployment may still come to light."""
    versions.create_settle_left = lambda situation, version: 0.0
    versions.redeploy_settle_left = lambda situation, nothing: 0.0


def blind_retry() -> None:
    """A POST whose outcome is unknown is made again without a read."""
    original = Creates._not_created

    async def again(
        self: Creates, context: Context, action: Create, error: errors.NvcfError, intent: Intent
    ) -> Outcome[Context]:
        spec = context.resource.spec
        if not error.maybe_done or spec is None:
            return await original(self, context, action, error, intent)
        body = compare.create_body(spec.deployment_specifications)
        action = Create(action.function_version_id, body)
        return await self.create(context, action, decide.asking(context.situation, action))

    Creates._not_created = again  # type: ignore[method-assign]


def claims_ignored() -> None:
    """Of two resources of one version neither considers the other."""

    async def nobody(self: Claims, *_: Any) -> None:
        return None

    Claims.holder = nobody  # type: ignore[method-assign, assignment]


def retain_ignored() -> None:
    """A manifest's Retain is read as Delete."""
    _misread(deletion_policy="Delete")


def observe_writes() -> None:
    """A manifest's Observe is read as Manage."""
    _misread(management_policy="Manage")


def delete_answer_believed() -> None:
    """A DELETE that was answered counts as done: no 404 is waited for."""
    original = _opened(decide).deletion

    def believed(situation: Situation) -> Decision:
        answered = isinstance(situation.wrote, Undeploy)
        decision: Decision = act(DropFinalizer()) if answered else original(situation)
        return decision

    _opened(decide).deletion = believed


def status_each_pass() -> None:
    """Each reconcile leaves something in the status."""
    original, numbers = _opened(record).merge_patch, itertools.count()

    def patch(old: Mapping[str, Any], new: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {**(original(old, new, **more) or {}), "health": [f"reconciled, {datetime.now(UTC)}, {next(numbers)}"]}

    _opened(record).merge_patch = patch


def patch_though_equal() -> None:
    """A deployment that is as specified is patched all the same."""
    original = _opened(deployed).next_change

    def change(found: Comparison, **more: Any) -> Any:
        wanted = original(found, **more)
        if wanted is not None or not found.pairs:
            return wanted
        first = found.pairs[0]
        return Patch(
            gpu_specification_id=first.found.gpu_specification_id or "",
            gpu=first.found.gpu,
            min_instances=first.found.min_instances,
            max_instances=first.found.max_instances,
        )

    _opened(deployed).next_change = change


def refusal_is_absence() -> None:
    """A read that was refused, or failed, counts as 404."""
    original = Reads.deployment

    async def deployment(self: Reads, context: Context, version: str) -> Observation:
        seen = await original(self, context, version)
        refused = isinstance(seen, Unknown) and seen.failure.reason in (Reason.FORBIDDEN, Reason.NVCF_UNAVAILABLE)
        return Absent(1e9) if refused else seen

    Reads.deployment = deployment  # type: ignore[method-assign]


def ids_from_status() -> None:
    """A change is addressed by what status remembers instead of what was just read."""
    original = Changes.change

    async def change(self: Changes, context: Context, action: Any, admission: Admission) -> Outcome[Context]:
        known = context.resource.status.gpu_specifications
        if isinstance(action.change, Patch) and known:
            stale = replace(action.change, gpu_specification_id=known[0].gpu_specification_id or "")
            action = replace(action, change=stale)
        return await original(self, context, action, admission)

    Changes.change = change  # type: ignore[method-assign]


def never_deployed_never_released() -> None:
    """A deletion is done only when something was undeployed."""
    original = _opened(decide).deletion

    def stuck(situation: Situation) -> Decision:
        decision: Decision = original(situation)
        resource = situation.resource
        released = isinstance(decision.action, DropFinalizer) and not resource.keeps
        return Decision(requeue=1.0) if released and not resource.holds else decision

    _opened(decide).deletion = stuck


def events_first() -> None:
    """The end is reported before the finalizer goes, and without that the finalizer stays."""
    original = Finalizers.drop

    async def drop(self: Finalizers[Context], context: Context, action: DropFinalizer) -> Outcome[Context]:
        resource, kubernetes = context.resource, _opened(self._cluster)
        record_ = EventRecord.of(
            resource, EventNote(False, Reason.DRAINING, "The deployment is gone from NVCF."), datetime.now(UTC)
        )
        await kubernetes._api.create_event(resource.key.namespace, record_.body(instance="planted"))
        return await original(self, context, action)

    Finalizers.drop = drop  # type: ignore[method-assign, assignment]


def force_delete_ignored() -> None:
    """No annotation releases a deletion that is blocked."""
    versions.released_by_force = lambda resource: False


def crowds_let_in() -> None:
    """However many wait at an account's gate, one more takes a worker with it."""
    Account.saturated = lambda self, *_, **__: False  # type: ignore[method-assign]


def no_user_priority() -> None:
    """What a user waits for queues behind everything else."""
    original = DelayQueue.add

    def add(self: DelayQueue[Any], key: Any, priority: Priority, *rest: Any, **more: Any) -> None:
        original(self, key, Priority.LOW, *rest, **more)

    DelayQueue.add = add  # type: ignore[method-assign]


def answer_hides_edit() -> None:
    """An edit that is in the answer to our own status write is taken for seen; the watch is late."""
    late_watch()
    original = Reporter.report

    async def report(self: Reporter, context: Context, decision: Decision) -> bool:
        await original(self, context, decision)
        return False

    def see(self: Cache, obj: Mapping[str, Any], *, listed: bool) -> News:
        return self._take_in(Key(obj["metadata"]["namespace"], obj["metadata"]["name"]), obj)

    Reporter.report = report  # type: ignore[method-assign, assignment]
    Cache.see = see  # type: ignore[method-assign]


def falls_through() -> None:
    """Where a Secret gives no key, the operator's own speaks."""
    original = Resolver.resolve

    async def resolve(self: Resolver, secret: SecretName, **more: Any) -> Credential | Failure:
        found = await original(self, secret, **more)
        key = self._operator_key.read()
        return Credential(self._base_url, key, "planted") if isinstance(found, Failure) and key else found

    Resolver.resolve = resolve  # type: ignore[method-assign]


def base_url_not_checked() -> None:
    """A key goes wherever its Secret says."""
    original = rules.of_secret

    def of_secret(secret: SecretName, data: Mapping[str, bytes], **more: Any) -> Credential | Failure:
        wanted = data.get(rules.BASE_URL_KEY, b"").decode()
        return original(secret, data, **{**more, "allowed_base_urls": frozenset({wanted})})

    rules.of_secret = of_secret


def manifest_not_proven() -> None:
    """PATCH, PUT and DELETE go out by the resource as it was listed, whatever it is by then."""

    async def prove(self: KubernetesCluster, resource: AnyResource, local: AnyLocalState) -> None:
        return None

    KubernetesCluster.prove_current = prove  # type: ignore[method-assign]


def any_version_patched() -> None:
    """Finalizer and intent are written to whatever object has the name, in whatever state it is."""
    original = KubeClient._write

    async def write(self: KubeClient, kind: str, method: str, path: str, content: str, body: Any) -> dict[str, Any]:
        if kind == "finalizer":
            body = {"metadata": {"finalizers": body["metadata"]["finalizers"]}}
        elif kind == "intent":
            # On another object's status the members that did not change would be missing.
            whole = {"/status/observedGeneration": 1, "/status/phase": "Pending"}
            whole |= {item["path"]: item["value"] for item in body if item["path"].startswith("/status/")}
            body = [{"op": "add", "path": path, "value": value} for path, value in whole.items()]
        return await original(self, kind, method, path, content, body)

    # What the other object does not keep of the intent would stop it, too.
    vars(intents)["not_kept"] = lambda *of, **more: ()
    KubeClient._write = write  # type: ignore[method-assign, assignment]
    _opened(create).not_kept = (
        lambda status, stored, **more: ()
    )  # on another object not all of the record is found again


def steps_back() -> None:
    """An older form of a resource takes the place of a newer one, and the manifest is not proven either."""
    manifest_not_proven()
    original = Cache._take_in

    def take_in(self: Cache, key: Key, obj: Mapping[str, Any]) -> News:
        self.drop(key)
        return original(self, key, obj)

    Cache._take_in = take_in  # type: ignore[method-assign]


def key_logged() -> None:
    """Log lines are not rid of keys, and one of them holds the key that is used."""
    original = Access.credential
    logs.clean = lambda text: text

    async def credential(self: Access, resource: AnyResource, local: Any) -> Any:
        found = await original(self, resource, local)
        log.debug("the key is %s", getattr(found, "api_key", None))
        return found

    Access.credential = credential  # type: ignore[method-assign]


def key_quoted() -> None:
    """The server's words are repeated as they came, also where they hold the key."""
    _opened(requests).explain = lambda answer, key="": explain(answer)


def _opened(place: object) -> Any:
    """A module as one whose names may be replaced, those too that it has from elsewhere."""
    return place


def _misread(**changes: Any) -> None:
    """Have each manifest read with these changes."""
    original = Resource.read.__func__  # type: ignore[attr-defined]

    def read(cls: type[Resource], obj: Mapping[str, Any]) -> Resource:
        resource: Resource = original(cls, obj)
        spec = resource.spec
        return resource if spec is None else replace(resource, spec=spec.model_copy(update=changes))

    Resource.read = classmethod(read)  # type: ignore[method-assign, assignment]


def list_absence_believed() -> None:
    """A version that the account's list does not show counts as not deployed."""
    original = Observer._observe_version

    async def observe(self: Observer, context: Context, version: str) -> Observation:
        resource, listing = context.resource, context.nvcf.listing
        if resource.holds and listing is not None and listing.entry(resource.function_id, version) is None:
            return Absent(1e9)
        return await original(self, context, version)

    Observer._observe_version = observe  # type: ignore[method-assign]


BUGS: Mapping[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        no_intent,
        no_settle,
        blind_retry,
        claims_ignored,
        retain_ignored,
        observe_writes,
        delete_answer_believed,
        status_each_pass,
        patch_though_equal,
        list_absence_believed,
        refusal_is_absence,
        ids_from_status,
        never_deployed_never_released,
        events_first,
        force_delete_ignored,
        crowds_let_in,
        no_user_priority,
        answer_hides_edit,
        falls_through,
        base_url_not_checked,
        manifest_not_proven,
        any_version_patched,
        steps_back,
        key_logged,
        key_quoted,
        *MISBELIEFS,
        *IMPATIENCE,
        *DISRUPTIONS,
    )
}


def main() -> None:
    """Plant the bug named first and run the command with the rest."""
    BUGS[sys.argv.pop(1)]()
    from nvcf_operator.cli import main as command

    command()


if __name__ == "__main__":
    main()
