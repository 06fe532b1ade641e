"""Fixtures: the cluster, the simulated account, the installed operator, a tenant's namespace; what a failure leaves."""

import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hack.chart import Helm
from nvcf_operator.api.names import API_VERSION, KINDS
from tests.e2e.kind import simulated_account
from tests.e2e.kind.cluster_access import RealCluster
from tests.e2e.kind.evidence import keep
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import NAMESPACE, Release
from tests.support.cluster import Namespace
from tests.support.control import Control
from tests.support.simulator import KEY
from tests.support.tenant import Tenant

ORDER = ("kind_page", "install", "life", "replicas", "nodes", "crowd", "faults")
"""The order of the modules: what spoils something comes late."""

TEST_SECONDS = 900

_KEPT: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules in order, and give each test time for a slow cluster."""
    items.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")) if _here(item) else -1)
    for item in filter(_here, items):
        item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def _here(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """After a failure, keep what the cluster knows of it."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and cluster is not None and _here(item):
        folder = Path(os.environ.get("E2E_FAILURE", "build/e2e")) / item.name
        keep(cluster, folder)
        step(f"FAILED: {item.name}. What the cluster knew then is in {folder}\n")
    return report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """The cluster of KUBECONFIG."""
    with RealCluster.reached(Path(os.environ["KUBECONFIG"]), tmp_path_factory.mktemp("cluster")) as made:
        if not made.nodes and (taken := _taken(made)):
            pytest.exit(f"{taken} is there already; these tests would take it over. Use a cluster without.", 1)
        yield made


def _taken(cluster: RealCluster) -> str:
    """What of these tests' names somebody else uses on a cluster that was there before; empty for nothing."""
    for name in (NAMESPACE, simulated_account.NAMESPACE, "crowd"):
        if cluster.read(f"/api/v1/namespaces/{name}") is not None:
            return f"the namespace {name}"
    for kind in KINDS:
        found = cluster.read(f"/apis/{API_VERSION}/{kind.plural}") or {"items": []}
        if found["items"]:
            return f"a {kind}"
    return ""


@pytest.fixture(scope="session")
def simulator(cluster: RealCluster) -> Iterator[Control]:
    """The simulated account."""
    step("the simulator starts as a Pod")
    control = simulated_account.start(cluster)
    yield control
    control.close()
    if not cluster.nodes:
        cluster.kubectl("delete", "namespace", simulated_account.NAMESPACE)


@pytest.fixture(scope="session")
def release(cluster: RealCluster, simulator: Control, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The operator, installed by helm 4 with the chart's default values and the simulator's address."""
    cluster.create_namespace(NAMESPACE)
    made = Release(cluster, Helm(4, tmp_path_factory.mktemp("helm"), cluster.kubeconfig), simulated_account.URL)
    step("helm installs the chart with its default values")
    made.install()
    yield made
    if not cluster.nodes:  # kind's cluster ends anyway
        made.uninstall()
        cluster.kubectl("delete", "namespace", NAMESPACE)


@pytest.fixture
def tenant(cluster: RealCluster, simulator: Control, release: Release) -> Iterator[Tenant]:
    """A namespace with a key, and a function; both are undeployed and deleted afterwards."""
    name = f"team-{secrets.token_hex(3)}"
    cluster.create_namespace(name)
    namespace = Namespace(cluster, name)
    namespace.secret(KEY)
    function, version = simulator.add_function(name)
    yield Tenant(namespace, simulator, function, version, simulator.cursor)
    cluster.kubectl("-n", name, "delete", "functiondeployments,cloudfunctions", "--all", "--timeout=170s")
    cluster.kubectl("delete", "namespace", name, "--wait=false")
