"""Crashes, restarts, old servers, rotated keys and a missing API server: each test runs an operator of its own."""

import json
import re
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from hack.controlplane.ports import free_ports
from tests.support.cluster import Namespace, condition_of, manifest
from tests.support.installation import install
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import ECHO, KEY, Simulator
from tests.support.waiting import eventually

MARK = "nvapi-the-marked-key"


def test_a_restart_over_what_is_in_order_writes_nothing(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
    before = sandbox.namespace.get("echo")["metadata"]["resourceVersion"]
    with sandbox.operator() as operator:
        eventually(lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= 2, within=20, what="two polls")
    assert sandbox.namespace.get("echo")["metadata"]["resourceVersion"] == before
    assert sandbox.writes() == [("createDeployment", 200)]


def test_a_status_that_was_lost_is_found_again_without_a_second_deployment(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
    sandbox.namespace.plane.kubectl(
        "-n", sandbox.namespace.name, "patch", "fd", "echo", "--subresource=status", "--type=json", "-p",
        '[{"op": "remove", "path": "/status"}]',
    )  # fmt: skip
    with sandbox.operator():
        sandbox.ready()
        assert sandbox.writes() == [("createDeployment", 200)]
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    assert sandbox.simulator.allocations() == []


def test_an_edit_made_while_nobody_ran_is_carried_out_at_the_start(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
    sandbox.namespace.scale("echo", maxInstances=6)
    with sandbox.operator():
        sandbox.ready()
    assert sandbox.namespace.get("echo")["status"]["instances"] == "1-6"


def test_a_resource_deleted_while_its_post_runs_leaves_nothing(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(races={"slowPost": 1.5})
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        eventually(sandbox.simulator.log, lambda log: any(e["mutating"] for e in log), within=20, what="the POST")
    with sandbox.operator():
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo", within=40)
    assert sandbox.simulator.allocations() == []
    assert sandbox.simulator.deployments() == {}


def test_a_post_that_never_arrived_is_made_again_after_the_settle(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
    first, second = sandbox.simulator.log(operation="createDeployment")
    assert second["started"] - first["ended"] >= 2.0
    assert len(sandbox.simulator.allocations()) == 1


def test_a_dependencys_404_is_taken_for_nothing(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.fault(operation="getDeployment", status=404, detail="not found")
        sandbox.simulator.fault(operation="listFunctions", status=404, detail="not found")
        sandbox.namespace.annotate("echo", reconcile_requested_at="now")
        cursor = sandbox.simulator.cursor
        eventually(
            lambda: sandbox.simulator.log(cursor, operation="listFunctions"),
            lambda log: len(log) >= 3,
            within=30,
            what="three more lists",
        )
        assert condition_of(sandbox.namespace.get("echo"), "Ready")["status"] == "True"
        sandbox.simulator.clear_faults()
        sandbox.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "now", what="the answer", within=60
        )
    assert sandbox.writes() == [("createDeployment", 200)]


def test_a_rotated_key_is_used_without_a_restart_and_the_old_one_no_more(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.add_key("second", "nvapi-second")
        sandbox.namespace.secret("nvapi-second")
        eventually(
            lambda: sandbox.simulator.log(key="second"), lambda log: len(log) >= 3, within=30, what="use of the new key"
        )
        cursor = sandbox.simulator.cursor
        sandbox.simulator.change_key("default", revoked=True)
        sandbox.namespace.scale("echo", maxInstances=4)
        sandbox.ready()
        assert sandbox.simulator.log(cursor, key="default") == []


def test_a_revoked_key_is_reported_and_its_return_too(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.change_key("default", revoked=True)
        found = sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized")
        assert condition_of(found, "Ready")["status"] == "True"
        sandbox.simulator.change_key("default", revoked=False)
        sandbox.namespace.wait_for("echo", "CredentialsValid", within=60)
    assert sandbox.writes() == [("createDeployment", 200)]


def test_the_operators_own_key_serves_only_the_namespaces_it_was_opened_to(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.namespace.plane.kubectl("-n", sandbox.namespace.name, "delete", "secret", "nvcf-credentials")
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    with sandbox.operator(api_key_file=key, api_key_namespaces="another"):
        sandbox.namespace.apply(sandbox.manifest())
        found = sandbox.namespace.wait_for("echo", "CredentialsValid", "False", reason="NoCredentials")
        assert "may not use the operator's own key" in condition_of(found, "CredentialsValid")["message"]
        assert sandbox.simulator.log() == []
    with sandbox.operator(api_key_file=key, api_key_namespaces=f"another,{sandbox.namespace.name}"):
        sandbox.ready()


@pytest.mark.parametrize("generation", ["current", "old"])
def test_the_old_documentations_request_reaches_either_generation(sandbox: Sandbox, generation: str) -> None:
    sandbox.simulator.behave(generation=generation)
    body = manifest("echo", ECHO, ECHO, gpu={"backend": "GFN", "gpu": "L40", "maxInstances": 3})
    specification = body["spec"]["deploymentSpecifications"][0]
    if generation == "old":
        del specification["instanceType"]
    else:
        specification["instanceType"] = "gl40_1.br20_2xlarge"
    with sandbox.operator():
        sandbox.namespace.apply(body)
        sandbox.ready()
        sandbox.namespace.scale("echo", maxInstances=4)
        sandbox.ready()
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    posted = sandbox.simulator.log(operation="createDeployment")
    assert [(entry["method"], entry["path"]) for entry in posted] == [
        ("POST", f"/v2/nvcf/deployments/functions/{ECHO}/versions/{ECHO}")
    ]
    assert posted[0]["body"] == {"deploymentSpecifications": [specification]}
    changed = {entry["operation"] for entry in sandbox.simulator.log() if entry["method"] in ("PUT", "PATCH")}
    assert changed == {"updateDeployment" if generation == "old" else "updateGpuSpecification"}
    assert sandbox.simulator.allocations() == []


def test_a_key_stands_nowhere_but_in_its_secret(sandbox: Sandbox) -> None:
    sandbox.simulator.add_key("marked", MARK)
    sandbox.namespace.secret(MARK)
    with sandbox.operator(log_level="debug") as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.fault(functionVersionId=sandbox.version, status=500, detail=f"no good: {MARK}")
        sandbox.namespace.scale("echo", maxInstances=5)
        sandbox.namespace.wait_for("echo", "Reconciling", "True")
        sandbox.simulator.clear_faults()
        sandbox.simulator.change_key("marked", revoked=True)
        sandbox.namespace.wait_for("echo", "CredentialsValid", "False", within=60)
        metrics = operator.get("/metrics")
    plane, name = sandbox.namespace.plane, sandbox.namespace.name
    shown = [plane.kubectl("-n", name, "get", kind, "-o", "json") for kind in ("fd", "events")]
    for text in (operator.output(), metrics, *shown, json.dumps(sandbox.simulator.log())):
        found = re.search(re.escape(MARK), text)
        assert found is None, text[max(0, found.start() - 200) : found.end() + 50] if found else ""


@pytest.mark.needs_assets
def test_the_api_server_may_go_and_come_back(tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path / "plane") as plane, Simulator.start() as simulator:
        identity = install(plane)
        plane.kubectl("create", "namespace", "team")
        team = Namespace(plane, "team")
        team.secret(KEY)
        with Operator.start(identity, simulator.url, tmp_path / "operator.log") as operator:
            team.apply(manifest("echo", ECHO, ECHO))
            team.wait_for("echo")
            before, cursor = team.get("echo")["status"]["deploymentId"], simulator.cursor
            plane.stop_api_server()
            simulator.undeploy(ECHO)
            eventually(
                lambda: [e for e in simulator.log(cursor, operation="getDeployment") if e["status"] == 404],
                bool,
                within=20,
                what="the operator sees that it is gone",
            )
            plane.start_api_server()
            team.wait_until(
                "echo",
                lambda found: found["status"].get("deploymentId") not in (None, before),
                what="another deployment is reported",
                within=60,
            )
            team.wait_for("echo", within=60)
            assert operator.running
            assert operator.get("/healthz").strip() == "ok"
        assert len(simulator.log(operation="createDeployment")) == 2


def test_an_nvcf_that_cannot_be_reached_is_reported_and_waited_for(sandbox: Sandbox) -> None:
    (port,) = free_ports(1)
    nowhere = f"http://127.0.0.1:{port}/v2/nvcf"
    with Operator.start(sandbox.identity, nowhere, sandbox.log, namespaces=sandbox.namespace.name) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        found = sandbox.namespace.wait_for("echo", "Reconciling", "True", reason="NVCFUnavailable")
        assert "finalizers" not in found["metadata"]
        assert operator.get("/healthz").strip() == "ok"
        with Simulator.start({"functions": _only(sandbox)}, port=port):
            sandbox.ready()


def _only(sandbox: Sandbox) -> list[dict[str, str]]:
    return [{"name": "echo", "functionId": sandbox.function, "functionVersionId": sandbox.version}]
