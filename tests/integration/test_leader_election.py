"""Several replicas: one of them works, another takes over, and there are never two.

Who wrote is read from the logs of NVCF and of the API server: each replica's User-Agent names it.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane, read_audit_log
from tests.support.installation import install
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

LEASE_SECONDS = 15.0
OPERATOR = "system:serviceaccount:nvcf-operator-system:nvcf-operator"


class Replicas:
    """Replicas of one operator, at work in one namespace."""

    def __init__(self, sandbox: Sandbox, plane: ControlPlane, stack: ExitStack) -> None:
        self.sandbox, self.plane = sandbox, plane
        self._stack = stack
        self.all: list[Operator] = []
        self.audit_from = plane.audit_log.stat().st_size

    def start(self, **settings: Any) -> Operator:
        """Start one more, and wait until it is ready, be it to stand by."""
        log = self.sandbox.log.with_name(f"replica-{len(self.all)}.log")
        url = self.sandbox.simulator.url
        given = {"leader_election": True, "namespaces": self.sandbox.namespace.name, **settings}
        started = self._stack.enter_context(Operator.start(self.sandbox.identity, url, log, **given))
        self.all.append(started)
        return started

    def leader(self, *, but: Operator | None = None, within: float = 30.0) -> Operator:
        """Wait until exactly one leads."""
        return eventually(
            lambda: [it for it in self.all if it is not but and it.running and it.metric("nvcf_operator_leader") == 1],
            lambda leaders: len(leaders) == 1,
            within=within,
            what="one replica leads",
            rest=lambda: time.sleep(0.02),
        )[0]

    def writers(self, cursor: int) -> list[str]:
        """Who changed something in NVCF after a cursor."""
        entries = self.sandbox.simulator.log(cursor)
        return [name_of(entry["userAgent"]) for entry in entries if entry["mutating"]]

    def kubernetes_writers(self, offset: int) -> set[str]:
        """Who wrote to the cluster from an offset of its audit log on, but for the Lease."""
        return {
            name_of(event.agent)
            for event in read_audit_log(self.plane.audit_log, offset)
            if event.user == OPERATOR and event.verb in ("create", "update", "patch") and event.resource != "leases"
        }


def name_of(agent: str) -> str:
    """The replica that a User-Agent names."""
    found = re.search(r"\((\S+)\)", agent)
    assert found, f"{agent} names no replica"
    return found[1]


def identity_of(operator: Operator) -> str:
    """The name by which a replica waits for the Lease."""
    found = re.search(r"waiting for the Lease \S+, as (\S+?)[\"\s]", operator.output())
    assert found, operator.output()[-2000:]
    return found[1]


@pytest.fixture
def replicas(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> Iterator[Replicas]:
    """Two of them, and a sandbox to work in."""
    control_plane.kubectl("-n", "nvcf-operator-system", "delete", "lease", "nvcf-operator", "--ignore-not-found")
    with Sandbox.made(control_plane, operator_identity, namespace, tmp_path) as sandbox, ExitStack() as stack:
        made = Replicas(sandbox, control_plane, stack)
        made.start()
        made.start()
        yield made


def test_one_works_and_the_other_stands_by_ready(replicas: Replicas) -> None:
    leader, sandbox = replicas.leader(), replicas.sandbox
    sandbox.namespace.apply(sandbox.manifest())
    sandbox.ready()
    assert set(replicas.writers(0)) == {identity_of(leader)}
    assert replicas.kubernetes_writers(replicas.audit_from) == {identity_of(leader)}
    assert [it.get("/readyz").strip() for it in replicas.all] == ["ok", "ok"]


def test_a_replica_that_is_stopped_hands_over_within_a_second(replicas: Replicas) -> None:
    first, sandbox = replicas.leader(), replicas.sandbox
    sandbox.namespace.apply(sandbox.manifest())
    sandbox.ready()
    asked = time.monotonic()
    first.terminate()
    second = replicas.leader(but=first)
    print(f"handed over {time.monotonic() - asked:.2f} s after SIGTERM")
    assert first.wait(20) == 0
    cursor = sandbox.simulator.cursor
    sandbox.namespace.scale("echo", maxInstances=5)
    sandbox.ready()
    assert set(replicas.writers(cursor)) == {identity_of(second)}


def test_another_takes_over_from_one_that_was_killed(replicas: Replicas) -> None:
    first, sandbox = replicas.leader(), replicas.sandbox
    sandbox.namespace.apply(sandbox.manifest())
    sandbox.ready()
    killed = time.monotonic()
    first.kill()
    sandbox.namespace.scale("echo", maxInstances=5)
    cursor = sandbox.simulator.cursor
    second = replicas.leader(but=first, within=LEASE_SECONDS + 30)
    took = time.monotonic() - killed
    print(f"taken over {took:.1f} s after kill -9")
    assert took <= LEASE_SECONDS + 10, "the Lease was younger than the death, and the rest is for a busy machine"
    sandbox.ready()
    assert set(replicas.writers(cursor)) == {identity_of(second)}


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(replicas: Replicas) -> None:
    first, sandbox = replicas.leader(), replicas.sandbox
    sandbox.namespace.apply(sandbox.manifest())
    sandbox.ready()
    frozen = time.monotonic()
    first.freeze()
    second = replicas.leader(but=first, within=LEASE_SECONDS + 30)
    print(f"taken over {time.monotonic() - frozen:.1f} s after it froze")
    sandbox.namespace.scale("echo", maxInstances=5)
    sandbox.ready()
    cursor, offset = sandbox.simulator.cursor, replicas.plane.audit_log.stat().st_size
    sandbox.namespace.scale("echo", maxInstances=6)  # the one that wakes sees this edit, too
    first.thaw()
    assert first.wait(30) == 1
    assert "is lost" in first.output()
    sandbox.ready()
    assert set(replicas.writers(cursor)) == {identity_of(second)}
    assert replicas.kubernetes_writers(offset) == {identity_of(second)}


def test_a_post_that_is_under_way_when_the_leader_changes_is_not_made_again(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> None:
    with Sandbox.made(control_plane, operator_identity, namespace, tmp_path) as sandbox, ExitStack() as stack:
        replicas = Replicas(sandbox, control_plane, stack)
        for _ in range(2):
            replicas.start(create_settle_seconds=25)
        first = replicas.leader()
        # Longer than the one that ends waits for what it has sent.
        sandbox.simulator.fault(operation="createDeployment", delay=15, count=1)
        sandbox.namespace.apply(sandbox.manifest())
        eventually(
            lambda: sandbox.simulator.log(operation="createDeployment", inFlight=True),
            bool,
            within=30,
            what="a POST is under way",
        )
        first.terminate()
        replicas.leader(but=first)
        assert sandbox.simulator.log(operation="createDeployment", inFlight=True), "the POST is still under way"
        sandbox.ready()
        assert replicas.writers(0) == [identity_of(first)]


def test_a_leader_writes_nothing_while_the_api_server_is_away_for_longer_than_its_lease(tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path / "plane") as plane, ExitStack() as stack:
        identity = install(plane)
        plane.kubectl("create", "namespace", "alone")
        sandbox = stack.enter_context(Sandbox.made(plane, identity, "alone", tmp_path))
        replicas = Replicas(sandbox, plane, stack)
        first = replicas.start()
        assert replicas.leader() is first
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        plane.stop_api_server()
        try:
            cursor = sandbox.simulator.cursor
            sandbox.simulator.undeploy(sandbox.version)
            assert first.wait(40) == 1, "it ends, so that what starts it starts it again"
            assert replicas.writers(cursor) == []
        finally:
            plane.start_api_server()
        second = replicas.start()
        assert replicas.leader(but=first, within=LEASE_SECONDS + 15) is second
        eventually(sandbox.simulator.deployments, bool, within=60, what="the deployment is made again")


def test_without_the_right_to_the_lease_nothing_is_done_and_the_log_says_why(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> None:
    role = ("-n", "nvcf-operator-system", "rolebinding", "nvcf-operator-leader-election")
    kept = control_plane.kubectl("get", *role, "-o", "yaml")
    control_plane.kubectl("delete", *role)
    try:
        with Sandbox.made(control_plane, operator_identity, namespace, tmp_path) as sandbox, ExitStack() as stack:
            replicas = Replicas(sandbox, control_plane, stack)
            alone = replicas.start()
            sandbox.namespace.apply(sandbox.manifest())
            eventually(
                alone.output,
                lambda log: "cannot be read or written" in log and "leases" in log,
                within=20,
                what="the log says that the Lease may not be read",
            )
            assert replicas.writers(0) == []
    finally:
        (tmp_path / "kept.yaml").write_text(kept)
        control_plane.kubectl("apply", "-f", str(tmp_path / "kept.yaml"))
