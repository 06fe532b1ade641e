"""Bugs that have the operator believe what it must not: other objects' records, strangers' answers, clocks, old words.

They are planted like those of `tests.support.planted`, which lists them too.
"""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from nvcf_client.endpoints import deployments
from nvcf_client.endpoints.deployments import CREATE_TIMEOUT
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.branches import deployed, redeployment, undeploying
from nvcf_operator.core.diff import fields
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Timing
from nvcf_operator.core.rules import ownership
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import RequestTarget
from nvcf_operator.reconcile.act.actuator import Undeploys
from nvcf_operator.reconcile.context import Context
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state import managed_state
from nvcf_operator.state.deployments import PresenceHistory, Sent, SentPost, Target
from nvcf_operator.state.local_state import LocalState
from tests.support.disruptions import status_not_taken, wall_clock_from_file


def any_uid_believed() -> None:
    """A status counts whichever object it was written for."""
    original = Resource.read.__func__  # type: ignore[attr-defined]

    def read(cls: type[Resource], obj: Mapping[str, Any]) -> Resource:
        status, uid = dict(obj.get("status") or {}), obj["metadata"]["uid"]
        if "uid" in status:
            status["uid"] = uid
        if "intent" in status:
            status["intent"] = {**status["intent"], "uid": uid}
        resource: Resource = original(cls, {**obj, "status": status})
        return resource

    Resource.read = classmethod(read)  # type: ignore[method-assign, assignment]


def not_asked_before_a_delete() -> None:
    """Who holds a version is known from the beginning of the reconcile, and not asked again right before the DELETE."""
    original = Undeploys.undeploy

    async def nobody(*_: Any) -> None:
        return None

    async def undeploy(self: Undeploys, *given: Any) -> Outcome[Context]:
        careless = copy.copy(self)
        careless._claims = copy.copy(self._claims)
        careless._claims.ensure_unclaimed = nobody  # type: ignore[method-assign, assignment]
        return await original(careless, *given)

    Undeploys.undeploy = undeploy  # type: ignore[method-assign, assignment]


def any_drain_counts() -> None:
    """A recorded drain counts for whatever deployment of its version is there."""
    undeploying._is_of = lambda item, deployment_id: True


def old_redeploy_obeyed() -> None:
    """A request to deploy again counts for an adopted deployment, and where its answer is lost."""
    redeployment.is_for_an_earlier_deployment = lambda situation: False


def sent_is_forgotten() -> None:
    """What was sent to NVCF is forgotten with the object that it was sent for."""

    def take(self: Sent, uid: str, now: float) -> list[SentPost]:
        self._posts = [post for post in self._posts if post.resource.uid != uid]
        return []

    Sent.take = take  # type: ignore[method-assign]


def settle_of_one_specification() -> None:
    """A POST is thought to take as long as one of a single specification, and is given as long."""
    Timing.create_settle_of = lambda self, specifications: self.create_settle  # type: ignore[method-assign]
    _opened(deployments).create_timeout = lambda count: CREATE_TIMEOUT


def stale_row_taken_for_ours() -> None:
    """An earlier deployment's row in place of a new one is taken for the new one."""
    for module in (ownership, deployed):
        _opened(module).lost_deployment = lambda situation, version, seen: None


def any_404_is_absence() -> None:
    """A 404 means that the object is gone, whoever says it."""
    RequestTarget.is_missing_by = lambda self, answer: True  # type: ignore[method-assign]


def status_compared_by_bytes() -> None:
    """A status is written only in place of one that is spelt as we would spell it."""
    original = KubeClient._write

    async def write(self: KubeClient, kind: str, method: str, path: str, content: str, body: Any) -> dict[str, Any]:
        if kind in ("status", "intent"):
            stored = (await self._read("get", path.removesuffix("/status"))).get("status")
            body = [{"op": "test", "path": "/status", "value": stored}, *body]
        return await original(self, kind, method, path, content, body)

    KubeClient._write = write  # type: ignore[method-assign, assignment]


def limits_from_the_cluster_alone() -> None:
    """What limits repetition counts only as far as it is in the cluster, where no status can be written."""
    status_not_taken()
    original = LocalState.view

    def view(self: LocalState, *given: Any) -> Resource:
        self.record = None
        return original(self, *given)

    LocalState.view = view  # type: ignore[method-assign, assignment]


def spans_by_the_wall_clock() -> None:
    """How long something lasts is read from the wall clock, which may be set meanwhile."""
    wall_clock_from_file()
    SteadyClock.now = lambda self: datetime.fromtimestamp(self._wall(), UTC)  # type: ignore[method-assign]


def nulls_differ() -> None:
    """A member that is null in free-form values differs from one that is not there."""
    _opened(fields)._normal = lambda value: value


def old_force_counts() -> None:
    """force-delete counts whenever it is there, however long before the deletion it was set."""
    _opened(managed_state).force_delete_is_stale = lambda resource, *, seen_without: False


def _opened(place: object) -> Any:
    """A module as one whose names may be replaced, those too that it has from elsewhere."""
    return place


def contradicted_404_believed() -> None:
    """A 404 counts, whatever the account's list shows of the version."""

    def contradicted(self: PresenceHistory, target: Target, now: float, *, agrees: bool) -> bool:
        return False

    PresenceHistory.contradicted = contradicted  # type: ignore[method-assign]


MISBELIEFS: Final = (
    any_uid_believed,
    not_asked_before_a_delete,
    any_drain_counts,
    old_redeploy_obeyed,
    sent_is_forgotten,
    settle_of_one_specification,
    stale_row_taken_for_ours,
    any_404_is_absence,
    contradicted_404_believed,
    status_compared_by_bytes,
    limits_from_the_cluster_alone,
    spans_by_the_wall_clock,
    nulls_differ,
    old_force_counts,
)
