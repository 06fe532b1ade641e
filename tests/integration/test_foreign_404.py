"""A 404 that does not speak of the object says nothing about it: a load balancer, an aggregator or a start gave it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support.faulty import PLAIN_404, FaultyApiServer
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

CREATED = ("createDeployment", 200)

SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]

FOREIGN: dict[str, dict[str, Any]] = {
    "plain": PLAIN_404,
    "page": {**PLAIN_404, "body": "<html><h1>404 – nicht gefunden & weg</h1></html>", "content_type": "text/html"},
    "another object": {
        **PLAIN_404,
        "body": json.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "NotFound",
                "details": {"name": "some", "kind": "services"},
                "code": 404,
            }
        ),
        "content_type": "application/json",
    },
}
each_answer = pytest.mark.parametrize("answer", FOREIGN.values(), ids=list(FOREIGN))


@pytest.fixture
def api(control_plane: ControlPlane, sandbox: Sandbox, tmp_path: Path) -> Iterator[FaultyApiServer]:
    """The API server as the operator sees it."""
    with FaultyApiServer.start(control_plane, sandbox.identity, sandbox.namespace.name, tmp_path) as server:
        yield server


@contextmanager
def operator(sandbox: Sandbox, api: FaultyApiServer, bug: str | None = None) -> Iterator[Operator]:
    """Run the operator behind that API server."""
    name = sandbox.namespace.name
    with Operator.start(api.kubeconfig, sandbox.simulator.url, sandbox.log, bug=bug, namespaces=name) as running:
        yield running


def apply(sandbox: Sandbox) -> None:
    """Apply the manifest."""
    sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))


@each_answer
def test_to_the_status_write_after_the_post_it_does_not_undeploy(
    sandbox: Sandbox, api: FaultyApiServer, answer: dict[str, Any]
) -> None:
    rule = api.rule(
        lambda r: r.method == "PATCH" and r.path.endswith("/status") and bool(sandbox.simulator.deployments()), **answer
    )
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
    assert rule.met == 1
    assert sandbox.writes() == [CREATED]


def test_an_operator_that_believes_any_404_undeploys_by_it(sandbox: Sandbox, api: FaultyApiServer) -> None:
    api.rule(
        lambda r: r.method == "PATCH" and r.path.endswith("/status") and bool(sandbox.simulator.deployments()),
        **PLAIN_404,
    )
    with operator(sandbox, api, "any_404_is_absence"):
        apply(sandbox)
        eventually(sandbox.writes, lambda writes: len(writes) > 1, within=30, what="the planted bug's change")
    assert sandbox.writes()[:2] == [CREATED, ("deleteDeployment", 200)]


def test_to_the_first_status_writes_it_brings_no_second_post(sandbox: Sandbox, api: FaultyApiServer) -> None:
    rule = api.object("PATCH", "/status", **{**PLAIN_404, "count": 2})
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
    assert rule.met == 2
    assert sandbox.writes() == [CREATED]


@each_answer
def test_to_the_read_before_a_change_it_does_not_hold_the_edit_up(
    sandbox: Sandbox, api: FaultyApiServer, answer: dict[str, Any]
) -> None:
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
        rule = api.object("GET", **answer)
        first, second = SEVERAL
        sandbox.namespace.edit("echo", deploymentSpecifications=[{**first, "maxInstances": 4}, second])
        sandbox.ready()
    assert rule.met == 1
    assert sandbox.writes() == [CREATED, ("updateGpuSpecification", 200)]


def test_to_the_write_of_the_finalizer_it_does_not_hold_the_deployment_up(
    sandbox: Sandbox, api: FaultyApiServer
) -> None:
    rule = api.object("PATCH", **PLAIN_404)
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
    assert rule.met == 1
    assert sandbox.writes() == [CREATED]


@each_answer
def test_to_the_finalizers_removal_it_does_not_keep_the_resource(
    sandbox: Sandbox, api: FaultyApiServer, answer: dict[str, Any]
) -> None:
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
        rule = api.rule(
            lambda r: r.method == "PATCH" and r.path.endswith("/echo") and not sandbox.simulator.deployments(), **answer
        )
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    assert rule.met == 1
    assert sandbox.simulator.allocations() == []


def test_to_the_read_of_a_secret_it_does_not_count_as_a_missing_one(sandbox: Sandbox, api: FaultyApiServer) -> None:
    rule = api.rule(lambda r: r.method == "GET" and "/secrets/" in r.path, **{**PLAIN_404, "count": 2})
    with operator(sandbox, api):
        apply(sandbox)
        sandbox.ready()
        eventually(
            lambda: {reason for _, reason, _ in sandbox.namespace.events("echo")},
            lambda reported: "Active" in reported,
            within=20,
            what="the Event of the end",
        )
        reported = {reason for _, reason, _ in sandbox.namespace.events("echo")}
    assert rule.met == 2
    assert reported & {"NoCredentials", "SecretNotFound"} == set()
    assert sandbox.writes() == [CREATED]
