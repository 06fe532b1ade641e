"""A namespace that takes no Events keeps nobody else's from being written."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace
from tests.support.faulty import FaultyApiServer
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

TOO_MANY = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests", "code": 429}


@pytest.fixture
def refusing(control_plane: ControlPlane, namespace: str) -> Iterator[Namespace]:
    """A second namespace, with a good key, whose Events are answered by 429."""
    found = Namespace(control_plane, f"{namespace}-refusing")
    control_plane.kubectl("create", "namespace", found.name)
    found.secret(KEY)
    yield found
    control_plane.kubectl("delete", "namespace", found.name, "--wait=false")


def test_events_that_one_namespace_refuses_hold_up_no_other(
    sandbox: Sandbox, refusing: Namespace, tmp_path: Path
) -> None:
    mine, (function, version) = sandbox.namespace, sandbox.simulator.add_function("other")
    assert isinstance(mine.plane, ControlPlane)
    with FaultyApiServer.start(mine.plane, sandbox.identity, mine.name, tmp_path) as api:
        refused = api.rule(
            lambda request: f"/namespaces/{refusing.name}/events" in request.path,
            status=429,
            body=json.dumps(TOO_MANY),
            headers={"Retry-After": "30"},
        )
        both = f"{mine.name},{refusing.name}"
        with Operator.start(api.kubeconfig, sandbox.simulator.url, sandbox.log, namespaces=both):
            body = sandbox.manifest()
            refusing.apply({**body, "spec": {**body["spec"], "functionId": function, "functionVersionId": version}})
            refusing.wait_for("echo")
            eventually(lambda: refused.met, bool, within=20, what="a refused Event")
            mine.apply(sandbox.manifest())
            sandbox.ready()
            shown = {"Created", "Active"}
            eventually(
                lambda: {reason for _, reason, _ in mine.events("echo")},
                lambda seen: shown <= seen,
                within=10,
                what="its Events",
            )
