"""The chart's life on a real API server, by helm 3 and helm 4: installed, used, upgraded, uninstalled.

The operator runs beside the cluster with exactly the arguments that the chart gives it, and with a token of the
ServiceAccount that the chart makes. Its Pods are made by the real controllers and stay pending, for there is no node.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import documents
from hack.chart import CHART, Helm, HelmError
from hack.controlplane import ControlPlane, KubectlError
from nvcf_operator.api.names import CRD_NAME
from tests.support.cluster import Namespace, condition_of, manifest
from tests.support.installed_operator import installed_operator
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

NAMESPACE, RELEASE = "nvcf-operator-system", "nvcf-operator"
pytestmark = [pytest.mark.needs_assets, pytest.mark.timeout(300), pytest.mark.xdist_group("chart")]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster in which nothing is installed, whose namespace for the operator enforces the restricted profile."""
    with ControlPlane.start(tmp_path_factory.mktemp("chart")) as made:
        made.kubectl("create", "namespace", NAMESPACE)
        made.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        yield made


@pytest.fixture(params=[3, 4], ids=["helm 3", "helm 4"])
def helm(request: pytest.FixtureRequest, tmp_path: Path, plane: ControlPlane) -> Iterator[Helm]:
    """Each helm; what it has installed is gone afterwards, the CRD, too."""
    made = Helm(request.param, tmp_path, plane.kubeconfig)
    yield made
    made("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found")
    eventually(  # a policy that was uninstalled is in force for a moment longer
        lambda: refused(plane.kubectl, "delete", "crd", CRD_NAME, "--ignore-not-found", "--wait=false"),
        lambda said: not said,
        within=60,
        what="the CRD may be deleted",
    )
    # The API server deletes its resources first. It took more than a minute once, on a busy machine.
    eventually(lambda: conditions(plane), lambda left: left is None, within=150, what="the CRD is gone")


def wait_until_refused(plane: ControlPlane, said: str, *arguments: str) -> None:
    """Wait until kubectl is refused a command with these words."""
    eventually(
        lambda: refused(plane.kubectl, *arguments),
        lambda seen: said in seen,
        within=60,
        what=f"{arguments} is refused",
    )


def refused(act: Callable[..., object], *arguments: Any) -> str:
    """Why something is refused; empty when it is not."""
    try:
        act(*arguments)
    except KubectlError as error:
        return str(error)
    return ""


def conditions(plane: ControlPlane) -> list[dict[str, Any]] | None:
    """How the CRD stands; None when it is gone."""
    found = plane.read(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD_NAME}")
    return None if found is None else found["status"]["conditions"]


def install(helm: Helm, values: dict[str, Any], *more: str, chart: Path = CHART) -> None:
    helm("upgrade", "--install", RELEASE, str(chart), "--namespace", NAMESPACE, *more, values=values)


def changed(folder: Path, version: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """The chart as another version has it, with a change of FunctionDeployment's schema of `spec`."""
    chart = folder / f"chart-{version}"
    shutil.copytree(CHART, chart)
    metadata = documents.load((chart / "Chart.yaml").read_text()) | {"version": version}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(metadata))
    file = chart / "files" / "crds" / "functiondeployments.yaml"
    crd = documents.load(file.read_text())
    change(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])
    file.write_text("# of another version\n" + yaml.safe_dump(crd, sort_keys=False))
    return chart


def charted(folder: Path, resource: dict[str, Any]) -> Path:
    """A chart of a user's with that one resource."""
    chart = folder / f"of-{resource['metadata']['name']}"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": chart.name, "version": "1.0.0"}))
    (chart / "templates" / "resource.yaml").write_text(yaml.safe_dump(resource))
    return chart


def test_what_it_installs_works_and_ends_in_order(plane: ControlPlane, helm: Helm, tmp_path: Path) -> None:
    name = f"team-{helm.major}"
    plane.kubectl("create", "namespace", name)
    team = Namespace(plane, name)
    team.secret(KEY)
    with Simulator.start(deploySeconds=0.3) as simulator:
        function, version = simulator.add_function()
        settings = {"pollInterval": 2, "busyPollInterval": 0.3, "redeploySettleSeconds": 2, "createSettleSeconds": 2}
        values = {"nvcf": {"baseUrl": simulator.url}, "settings": settings}
        # As a version before this one had it: it knew fewer fields.
        install(helm, values, chart=changed(tmp_path, "0.0.9", lambda spec: spec.pop("adoptionPolicy")))
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CRD_NAME}")
        pods = ("-n", NAMESPACE, "get", "pods", "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "name")
        eventually(
            lambda: plane.kubectl(*pods).split(),
            lambda names: len(names) == 2,
            within=60,
            what="the restricted profile lets both Pods in",
        )
        with installed_operator(plane, NAMESPACE, RELEASE, tmp_path):
            team.apply(manifest("echo", function, version))
            team.wait_for("echo", within=60)
            cursor = simulator.cursor
            found = team.get("echo")["metadata"]["resourceVersion"]
        install(helm, {**values, "log": {"format": "text"}})
        assert "adoptionPolicy" in plane.kubectl("get", "crd", CRD_NAME, "-o", "yaml")
        with installed_operator(plane, NAMESPACE, RELEASE, tmp_path) as running:
            eventually(
                lambda: [entry["operation"] for entry in simulator.log(cursor)],
                lambda calls: calls.count("listFunctions") >= 2,
                within=60,
                what="the upgraded operator has reconciled twice",
            )
            assert [entry for entry in simulator.log(cursor) if entry["mutating"]] == []
            assert team.get("echo")["metadata"]["resourceVersion"] == found
            assert " INFO " in running.log.read_text()
        helm("uninstall", RELEASE, "--namespace", NAMESPACE)
        assert team.get("echo")["metadata"]["resourceVersion"] == found, "CRD and resources outlive the chart"
        team.delete("echo")  # in the wrong order: nobody is there who undeploys it
        assert team.get("echo")["metadata"]["finalizers"]
        install(helm, values)
        with installed_operator(plane, NAMESPACE, RELEASE, tmp_path):
            eventually(lambda: team.find("echo"), lambda left: left is None, within=60, what="it was undeployed")
        assert simulator.deployments() == {}


def test_an_upgrade_changes_the_crd(plane: ControlPlane, helm: Helm, tmp_path: Path) -> None:
    install(helm, {})
    newer = changed(tmp_path, "99.0.0", lambda spec: spec["suspend"].update(description="Of a newer version."))
    install(helm, {}, chart=newer)
    assert "Of a newer version." in plane.kubectl("get", "crd", CRD_NAME, "-o", "yaml")


@pytest.mark.parametrize("helm", [4], indirect=True)  # helm 3 waits for no custom resource
def test_helm_waits_for_a_resource_of_a_chart_of_the_users_own(plane: ControlPlane, helm: Helm, tmp_path: Path) -> None:
    name = "waiting"
    plane.kubectl("create", "namespace", name)
    team = Namespace(plane, name)
    team.secret(KEY)
    with Simulator.start(deploySeconds=4.0) as simulator:
        settings = {"pollInterval": 2, "busyPollInterval": 0.3, "redeploySettleSeconds": 2, "createSettleSeconds": 2}
        settings["stalledGraceSeconds"] = 2
        install(helm, {"nvcf": {"baseUrl": simulator.url}, "settings": settings})
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CRD_NAME}")
        good = simulator.add_function()
        bad = "3e4666bf-0000-4000-8000-00000000dead", "7c1e0000-0000-4000-8000-00000000dead"
        with installed_operator(plane, NAMESPACE, RELEASE, tmp_path):
            wait = ("--namespace", name, "--wait", "--timeout", "60s")
            helm("install", "good", str(charted(tmp_path, manifest("good", *good))), *wait)
            assert condition_of(team.get("good"), "Ready")["status"] == "True"
            with pytest.raises(HelmError, match=r"(?i)fail"):
                helm("install", "bad", str(charted(tmp_path, manifest("bad", *bad))), *wait)
            assert condition_of(team.get("bad"), "Stalled")["reason"] == "FunctionNotFound"
            helm("uninstall", "good", *wait)
            assert team.find("good") is None, "and until it is undeployed"
            helm("uninstall", "bad", *wait)


def test_the_policies_refuse_what_they_say(plane: ControlPlane, helm: Helm) -> None:
    install(helm, {"admissionPolicies": {"protectCrd": True, "protectLabelled": True, "maxInstances": 5}})
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CRD_NAME}")
    name = f"policies-{helm.major}"
    plane.kubectl("create", "namespace", name)
    team = Namespace(plane, name)
    ids = "3e4666bf-0000-4000-8000-000000000001", "7c1e0000-0000-4000-8000-000000000001"

    dry = ("-n", name, "apply", "--dry-run=server", "-f", "-")
    wide = manifest("wide", *ids, gpu={"maxInstances": 6})
    eventually(
        lambda: refused(lambda: plane.kubectl(*dry, input=json.dumps(wide))),
        lambda said: "5 at most" in said,
        within=60,
        what="the ceiling is in force",
    )
    narrow = manifest("narrow", *ids, gpu={"maxInstances": 5})
    narrow["metadata"]["labels"] = {"nvcf-operator.io/protected": "true"}
    team.apply(narrow)
    for said, what in (
        ("Take the label off first", ("-n", name, "delete", "functiondeployment", "narrow", "--dry-run=server")),
        ("would delete every resource of its kind", ("delete", "crd", CRD_NAME, "--dry-run=server")),
    ):
        wait_until_refused(plane, said, *what)
    plane.kubectl("-n", name, "label", "functiondeployment", "narrow", "nvcf-operator.io/protected-")
    plane.kubectl("-n", name, "delete", "functiondeployment", "narrow", "--timeout=30s")


def test_everything_that_it_may_render_is_taken_by_the_api_server(plane: ControlPlane, helm: Helm) -> None:
    values = {
        "watchNamespaces": ["default"],
        "networkPolicy": {"enabled": True},
        "metrics": {"dashboard": {"enabled": True}},
        "admissionPolicies": {"protectCrd": True, "protectLabelled": True, "maxInstances": 5},
        "rbac": {
            "aggregateToEdit": True,
            "aggregateToAdmin": True,
            "functions": {"aggregateToEdit": True, "aggregateToAdmin": True},
        },
        "credentials": {"operatorKey": {"existingSecret": "own", "namespaces": ["default"]}},
        "nvcf": {"caConfigMap": "ca"},
    }
    objects = helm.template(values)
    text = yaml.safe_dump_all(objects)
    answer = plane.kubectl("apply", "--dry-run=server", "-f", "-", input=text)
    assert answer.count("(server dry run)") == len(objects)
