"""An upgrade from an earlier revision, the way back, and the upgrade again, with resources in every state.

Each operator runs from its own environment, with the arguments, the rights and the CRDs of its own chart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hack.chart import CHART, Helm
from hack.controlplane import ControlPlane
from hack.e2e.upgrade.revision import Revision
from nvcf_operator.api.names import KINDS
from tests.support.cluster import Namespace, follower, manifest
from tests.support.functions import Functions
from tests.support.installed_operator import InstalledOperator, installed_operator
from tests.support.process import COMMAND
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

NAMESPACE, RELEASE = "nvcf-operator-system", "nvcf-operator"
SETTINGS = {"pollInterval": 2, "busyPollInterval": 0.3, "redeploySettleSeconds": 2, "createSettleSeconds": 2}
pytestmark = pytest.mark.timeout(600)


class Installation:
    """The operator in a cluster: by one chart or the other."""

    def __init__(self, plane: ControlPlane, simulator: Simulator, folder: Path) -> None:
        self._plane, self._simulator, self._folder = plane, simulator, folder
        self._helm = Helm(4, folder, plane.kubeconfig)

    @contextmanager
    def by(self, chart: Path, command: Path, **values: Any) -> Iterator[InstalledOperator]:
        """Install, or upgrade to, a chart; run its operator for the body."""
        given = {"nvcf": {"baseUrl": self._simulator.url}, "settings": SETTINGS, **values}
        self._helm("upgrade", "--install", RELEASE, str(chart), "--namespace", NAMESPACE, values=given)
        for kind in KINDS:
            self._plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{kind.crd_name}")
        with installed_operator(self._plane, NAMESPACE, RELEASE, self._folder, command) as running:
            yield running


def test_an_upgrade_and_the_way_back_write_nothing_and_lose_nothing(
    former: Revision, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        ControlPlane.start(tmp_path_factory.mktemp("plane")) as plane,
        Simulator.start(deploySeconds=0.5) as simulator,
    ):
        for name in (NAMESPACE, "team"):
            plane.kubectl("create", "namespace", name)
        team = Namespace(plane, "team")
        team.secret(KEY)
        functions = Functions.of(team, simulator)
        installation = Installation(plane, simulator, tmp_path)

        with installation.by(former.chart, former.command):
            team.apply(manifest("echo", *simulator.add_function()))
            team.apply(manifest("leaving", *simulator.add_function()))
            functions.apply(tags=["one"], description="größe <&>")
            team.apply(follower("llama"))
            for name in ("echo", "leaving", "llama"):
                team.wait_for(name, within=90)
            functions.namespace.wait_for("llama", within=90)
            simulator.behave(deploySeconds=8.0)
            team.apply(manifest("coming", *simulator.add_function()))
            team.delete("leaving")
            eventually(
                lambda: simulator.log(operation="createDeployment") and simulator.log(operation="deleteDeployment"),
                within=60,
                what="one is being deployed, and one undeployed",
            )

        cursor = simulator.cursor
        with installation.by(CHART, COMMAND):
            team.wait_for("coming", within=90)
            team.wait_gone("leaving", within=90)
            until_polled(simulator)
            assert mutating(simulator, cursor) == []
            for name in ("echo", "llama"):
                team.wait_for(name)
            functions.namespace.wait_for("llama")
            simulator.behave(deploySeconds=0.5)
            team.scale("echo", maxInstances=3)
            functions.change(containerImage="nvcr.io/acme/llama:2.0.0")
            eventually(
                lambda: mutating(simulator, cursor),
                lambda calls: {"updateGpuSpecification", "createVersion", "createDeployment"} <= {*calls},
                within=90,
                what="the new operator carries out changes",
            )
            functions.until_deployed_alone(functions.latest())
            for name in ("echo", "llama"):
                team.wait_for(name, within=90)

        cursor = simulator.cursor
        with installation.by(former.chart, former.command, crds={"install": False}):
            until_polled(simulator)
            assert mutating(simulator, cursor) == []
            for name in ("echo", "llama", "coming"):
                team.wait_for(name)

        with installation.by(CHART, COMMAND):
            until_polled(simulator)
            assert mutating(simulator, cursor) == []
            for name in ("echo", "llama", "coming"):
                team.delete(name)
            for name in ("echo", "llama", "coming"):
                team.wait_gone(name, within=90)
            functions.namespace.delete("llama")
            functions.namespace.wait_gone("llama", within=90)
        assert simulator.deployments() == {}


def mutating(simulator: Simulator, cursor: int) -> list[str]:
    """The changes that were asked for in NVCF after a cursor."""
    return [entry["operation"] for entry in simulator.log(cursor) if entry["mutating"]]


def until_polled(simulator: Simulator) -> None:
    """Wait until the operator has listed the account three times from now on."""
    cursor = simulator.cursor
    eventually(
        lambda: len(simulator.log(cursor, operation="listFunctions")),
        lambda times: times >= 3,
        within=90,
        what="three polls",
    )
