"""NVCF cannot be reached: what a resource says, how often, and what heals automatically."""

from pathlib import Path
from typing import Any

import pytest

from hack.controlplane.certificates import Authority
from hack.controlplane.ports import free_ports
from tests.support.cluster import condition_of, manifest
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.secured import secured
from tests.support.simulator import Simulator
from tests.support.waiting import eventually

FAILURES = "nvcf_operator_nvcf_requests_total"

PAGE = {"body": "<html>Access denied. Your support id is 7</html>", "contentType": "text/html"}


def test_a_long_outage_is_written_once_whichever_resource_is_the_probe(sandbox: Sandbox) -> None:
    resources = [f"echo-{number}" for number in range(3)]

    def versions() -> dict[str, str]:
        return {name: sandbox.namespace.get(name)["metadata"]["resourceVersion"] for name in resources}

    (port,) = free_ports(1)
    url, team = f"http://127.0.0.1:{port}/v2/nvcf", sandbox.namespace
    with Operator.start(sandbox.identity, url, sandbox.log, namespaces=team.name) as operator:
        team.apply(*(manifest(name, *sandbox.simulator.add_function()) for name in resources))
        for name in resources:
            found = team.wait_for(name, "Reconciling", reason="NVCFUnavailable")
            message = condition_of(found, "Reconciling")["message"]
            assert f"NVCF cannot be reached: {url}: Connection refused. Nothing is listening there" in message
        before, failed = versions(), operator.metric(FAILURES, code="Unreachable")
        eventually(
            lambda: operator.metric(FAILURES, code="Unreachable"),
            lambda number: number >= failed + 5,
            within=90,
            what="five more calls have failed",
        )
        assert versions() == before


def test_a_replaced_ca_file_heals_without_a_restart_and_until_then_tls_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (port,), file = free_ports(1), tmp_path / "ca.crt"
    former, present = Authority(tmp_path / "former"), Authority(tmp_path / "present")
    file.write_bytes(former.certificate.read_bytes())
    with (
        secured(sandbox.simulator.url, present, port) as url,
        Operator.start(sandbox.identity, url, sandbox.log, namespaces=sandbox.namespace.name, nvcf_ca_file=file),
    ):
        sandbox.namespace.apply(sandbox.manifest())
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="NVCFUnavailable")
        message = condition_of(found, "Reconciling")["message"]
        assert "certificate verify failed" in message
        assert "--nvcf-ca-file" in message
        (tmp_path / "new").write_bytes(present.certificate.read_bytes())
        (tmp_path / "new").rename(file)
        sandbox.ready()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_firewalls_page_says_nothing_about_key_function_and_deployment(sandbox: Sandbox, status: int) -> None:
    sandbox.simulator.fault(status=status, **PAGE)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="InvalidAnswer")
        assert f"such as a proxy or a firewall, answered with {status}" in condition_of(found, "Reconciling")["message"]
        assert condition_of(found, "Stalled")["status"] == "False"
        assert not any(item["type"] == "CredentialsValid" for item in found["status"]["conditions"])
        sandbox.simulator.clear_faults()
        sandbox.ready()
    assert sandbox.writes() == [("createDeployment", 200)]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
def test_a_post_whose_answer_a_firewall_took_is_not_made_twice(sandbox: Sandbox, status: int) -> None:
    taken: dict[str, Any] = {"operation": "createDeployment", "status": status, "when": "after", **PAGE}
    sandbox.simulator.fault(**taken, count=1)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest(adoptionPolicy="Refuse"))
        sandbox.ready()
    assert sandbox.writes() == [("createDeployment", status)]


def test_a_post_that_a_firewall_took_is_made_again_only_after_the_settle(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", status=403, count=1, **PAGE)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
    first, second = posts(sandbox.simulator)
    assert second["started"] - first["ended"] >= 2.0


def posts(simulator: Simulator) -> list[dict[str, Any]]:
    return [entry for entry in simulator.log() if entry["operation"] == "createDeployment"]
