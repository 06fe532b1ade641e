"""Under a CRD that is older than the operator nothing is deployed without a record, and it is reported."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.crd import crd
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Denied, KubeError
from nvcf_operator.runtime.crd_fields import CONFIRM, SOON, CrdFields
from tests.support.virtual_time import Clock, run
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "echo")


class Stage(OneResource):
    """One resource, and the operator's own loop over models of its two servers."""

    def __init__(self) -> None:
        super().__init__(ECHO)

    def reconcile(self, times: int = 1) -> float:
        """Reconcile so many times, each when the last reconcile wanted it; give the pause after the last one."""
        for _ in range(times):
            self.operator.loop.run_until_complete(self.operator.informer.relist())
            self.cluster.now = self.nvcf.now
            self.operator.reconciling = ECHO
            reconcile = self.operator.loop.run_until_complete(self.operator.reconciler.reconcile(ECHO, Priority.LOW))
            self.operator.door.reconcile_ends()
            delay = reconcile.requeue[1] if reconcile.requeue is not None else 0.0
            self.nvcf.advance(delay)
        return delay

    @property
    def object(self) -> dict[str, Any]:
        found = self.cluster.read(ECHO)
        assert found is not None
        return found

    @property
    def ready(self) -> dict[str, str]:
        conditions = self.object["status"].get("conditions", [])
        found: dict[str, str] = next(item for item in conditions if item["type"] == "Ready")
        return found

    @property
    def asked(self) -> list[str]:
        """What was asked of NVCF that changes something."""
        return [write.kind for write in self.operator.writes]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.operator.loop.close()


PRUNED = [("intent",), ("intent.token",), ("intent.specifications",), ("uid",), ("uid", "intent", "retiring", "retry")]


@pytest.mark.parametrize("pruned", PRUNED, ids=lambda pruned: " ".join(pruned))
def test_nothing_is_deployed_while_the_cluster_drops_the_record_of_it(stage: Stage, pruned: tuple[str, ...]) -> None:
    stage.cluster.prunes = pruned
    stage.reconcile(6)
    assert stage.asked == []
    assert stage.ready["reason"] == "WriteRefused"
    assert f"status.{pruned[0]}" in stage.ready["message"]
    assert "kubectl apply -k crds" in stage.ready["message"]
    version = stage.cluster.version
    assert stage.reconcile(6) > 60.0, "the pauses grow"
    assert stage.cluster.version == version, "a try in vain changes nothing"
    assert stage.asked == []
    stage.cluster.prunes = ()
    stage.reconcile(3)
    assert stage.asked == ["POST"]
    assert stage.object["status"]["intent"]["answered"] is True


def test_a_webhook_that_supports_no_dry_run_keeps_nothing_from_being_deployed_afterwards(stage: Stage) -> None:
    stage.cluster.prunes, stage.cluster.refuses = ("intent",), "trials"
    stage.reconcile(6)
    assert stage.asked == []
    assert "status.intent" in stage.ready["message"]
    stage.cluster.prunes = ()
    stage.reconcile(3)
    assert stage.asked == ["POST"]


def test_a_field_that_is_only_shown_keeps_nothing_from_being_deployed(stage: Stage) -> None:
    stage.cluster.prunes = ("functionName", "instances", "health")
    stage.reconcile(4)
    assert stage.asked == ["POST"]


def test_a_field_that_this_deployment_does_not_need_does_not_keep_it(stage: Stage) -> None:
    missing(stage, "status.retry.message")
    stage.reconcile(4)
    assert stage.asked == ["POST"]


def missing(stage: Stage, *fields: str) -> None:
    """The published schema lacks these fields."""
    stage.operator.unrecorded = fields


def test_what_serves_is_not_taken_down_for_what_could_not_be_recorded(stage: Stage) -> None:
    stage.reconcile(4)
    missing(stage, "status.intent", "status.retiring")
    stage.cluster.annotate(ECHO, names.REDEPLOY_REQUESTED_ANNOTATION, "now")
    stage.reconcile(4)
    assert stage.asked == ["POST"]
    assert (stage.ready["reason"], "status.retiring" in stage.ready["message"]) == ("WriteRefused", True)
    missing(stage)
    stage.reconcile(2)
    assert stage.asked == ["POST", "DELETE"]


def test_a_deletion_needs_no_newer_crd(stage: Stage) -> None:
    stage.reconcile(4)
    missing(stage, "status.intent", "status.retiring")
    stage.cluster.prunes = ("intent", "retiring")
    stage.cluster.delete(ECHO)
    stage.reconcile(2)
    assert stage.asked == ["POST", "DELETE"]


# The published schema.


class Published:
    """The API server's schema: each read gives the next one, and the last one for ever."""

    def __init__(self, *schemas: Mapping[str, Any] | KubeError) -> None:
        self.schemas = list(schemas)
        self.reads = 0

    async def served_schema(self, kind: Kind) -> Mapping[str, Any]:
        self.reads += 1
        self.kind = kind
        found = self.schemas.pop(0) if len(self.schemas) > 1 else self.schemas[0]
        if isinstance(found, KubeError):
            raise found
        return found


def schema(*, without: str = "", of: str = "status", kind: Kind = FUNCTION_DEPLOYMENT) -> Mapping[str, Any]:
    found: dict[str, Any] = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found["properties"][of]["properties"].pop(without, None)
    return found


def followed(seconds: float, *schemas: Mapping[str, Any] | KubeError) -> tuple[CrdFields, list[int]]:
    """Follow what is published for so long; give what is known then, and what the metric showed."""
    shown: list[int] = []
    fields = CrdFields(cast(KubeClient, Published(*schemas)), shown=shown.append)

    async def main(clock: Clock) -> None:
        try:
            async with asyncio.timeout(seconds):
                await fields.follow()
        except TimeoutError:
            pass

    run(main)
    return fields, shown


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if "crd_fields" in record.name]


def test_an_older_crd_is_reported_once_with_the_fields_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    fields, shown = followed(1000.0, schema(without="intent"))
    assert fields.unrecorded == fields.missing == ("status.intent",)
    assert shown == [1]
    ((level, text),) = logged(caplog)
    assert level == "ERROR"
    assert "status.intent" in text
    assert "kubectl apply -k crds" in text


def test_an_older_crd_of_functions_is_reported_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    published = Published(schema(without="intent", kind=CLOUD_FUNCTION))
    kube = cast(KubeClient, published)
    fields = CrdFields(kube, kind=CLOUD_FUNCTION, recorded=frozenset({"intent"}), shown=lambda count: None)

    async def main(clock: Clock) -> None:
        await fields.check()

    run(main)
    assert (published.kind, fields.unrecorded) == (CLOUD_FUNCTION, ("status.intent",))
    ((level, text),) = logged(caplog)
    assert (level, "the CRD cloudfunctions.nvcf-operator.io is older" in text) == ("ERROR", True)


def test_a_manifests_field_that_the_crd_lacks_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    fields, shown = followed(1000.0, schema(without="rollout", of="spec"))
    assert (fields.missing, fields.unrecorded, shown) == (("spec.rollout",), (), [1])
    ((level, text),) = logged(caplog)
    assert (level, "spec.rollout" in text) == ("WARNING", True)


def test_a_crd_that_was_installed_meanwhile_is_noticed_within_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    old = schema(without="intent")
    with caplog.at_level(logging.INFO):
        fields, shown = followed(CONFIRM + SOON + 1.0, old, old, schema())
    assert (fields.missing, shown) == ((), [1, 0])
    assert [level for level, _ in logged(caplog)] == ["ERROR", "INFO"]


def test_a_schema_that_lags_behind_its_crd_for_a_moment_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    fields, shown = followed(CONFIRM + 1.0, schema(without="intent"), schema())
    assert (fields.missing, shown, logged(caplog)) == ((), [], [])


ODD = {"properties": {"status": {"properties": ["of another form"]}}}


@pytest.mark.parametrize("answer", [Denied("forbidden", status=403), ODD], ids=["forbidden", "odd"])
def test_a_schema_that_cannot_be_read_says_nothing_and_is_reported_once(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        fields, shown = followed(5000.0, answer)
    assert (fields.missing, shown) == ((), [])
    assert [level for level, _ in logged(caplog)] == ["INFO"]
