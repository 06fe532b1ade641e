"""What `deploy/argocd` and `deploy/flux` say to Argo CD and Flux: order, paths, and what is never removed."""

import re
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from hack.argocd import ARGOCD
from hack.chart import CHART, Helm
from nvcf_operator.api import names
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.runtime.operator import NAMESPACE as OPERATORS

ROOT = ARGOCD.parents[1]
FLUX = ROOT / "deploy" / "flux"
FUNCTIONS = ROOT / "deploy" / "examples" / "functions"
WAVE, OPTIONS = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/sync-options"
KEPT = {"Prune=false", "Delete=false"}
PLACEHOLDER = "https://git.example.com/platform/nvcf.git"

Object = dict[str, Any]


def load(path: Path) -> Object:
    found: Object = documents.load(path.read_text())
    return found


def annotations(found: Object) -> dict[str, str]:
    return dict(found["metadata"].get("annotations", {}))


def options(text: str) -> set[str]:
    return set(text.split(","))


@pytest.fixture(scope="module")
def root() -> Object:
    return load(ARGOCD / "root.yaml")


@pytest.fixture(scope="module")
def apps() -> dict[str, Object]:
    found = [load(path) for path in sorted((ARGOCD / "apps").iterdir())]
    return {each["metadata"]["name"]: each for each in found}


@pytest.fixture(scope="module")
def of_flux() -> dict[tuple[str, str], Object]:
    files = load(FLUX / "kustomization.yaml")["resources"]
    objects = [load(FLUX / name) for name in files] + [load(FLUX / "operator" / "helmrelease.yaml")]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def test_the_app_of_apps_holds_operator_and_functions(root: Object, apps: dict[str, Object]) -> None:
    assert ROOT / root["spec"]["source"]["path"] == ARGOCD / "apps"
    assert set(apps) == {"nvcf-operator", "nvcf-functions"}
    assert apps["nvcf-operator"]["spec"]["source"]["path"] == "charts/nvcf-operator"
    assert ROOT / apps["nvcf-functions"]["spec"]["source"]["path"] == FUNCTIONS
    for each in (root, *apps.values()):
        assert (ROOT / each["spec"]["source"]["path"]).is_dir()
        assert each["metadata"]["namespace"] == "argocd"


def test_functions_come_after_the_operator_and_go_before_it(root: Object, apps: dict[str, Object]) -> None:
    waves = {name: int(annotations(each)[WAVE]) for name, each in apps.items()}
    assert waves["nvcf-operator"] < waves["nvcf-functions"]
    # Argo CD deletes by waves in reverse, and waits for those only whose own deletion waits for what they hold.
    for each in (root, *apps.values()):
        assert each["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_git_is_what_counts_and_a_self_heal_keeps_it_so(root: Object, apps: dict[str, Object]) -> None:
    for each in (root, *apps.values()):
        assert each["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


def test_functions_are_applied_by_the_server_and_may_wait_for_the_crd(apps: dict[str, Object]) -> None:
    policy = apps["nvcf-functions"]["spec"]["syncPolicy"]
    assert set(policy["syncOptions"]) == {"ServerSideApply=true", "SkipDryRunOnMissingResource=true"}
    assert policy["retry"]["limit"] > 1


def test_the_crd_comes_first_and_argo_cd_never_removes_it(apps: dict[str, Object]) -> None:
    operator = apps["nvcf-operator"]
    crd = operator["spec"]["source"]["helm"]["valuesObject"]["crds"]["annotations"]
    assert int(crd[WAVE]) < int(annotations(operator)[WAVE])
    assert options(crd[OPTIONS]) == {"ServerSideApply=true", *KEPT}
    assert operator["spec"]["destination"]["namespace"] == OPERATORS


def test_the_chart_takes_the_values_that_argo_cd_and_flux_give_it(
    apps: dict[str, Object], of_flux: dict[tuple[str, str], Object], tmp_path: Path
) -> None:
    helm, of_argo_cd = Helm(4, tmp_path), apps["nvcf-operator"]["spec"]["source"]["helm"]["valuesObject"]
    for values in (of_argo_cd, of_flux["HelmRelease", "nvcf-operator"]["spec"]["values"]):
        text = helm("template", "nvcf-operator", str(CHART), "--namespace", OPERATORS, values=values)
        objects = {each["kind"]: each for each in documents.load_all(text) if each}
        (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("registry.example.com/")
        expected = values.get("crds", {}).get("annotations", {})
        kept = {"helm.sh/resource-policy": "keep"}
        assert annotations(objects["CustomResourceDefinition"]) == expected | kept


def test_the_namespace_with_the_key_comes_before_the_functions_and_is_never_pruned() -> None:
    kustomization, namespace = load(FUNCTIONS / "kustomization.yaml"), load(FUNCTIONS / "namespace.yaml")
    assert kustomization["namespace"] == namespace["metadata"]["name"]
    marks = annotations(namespace)
    assert options(marks[OPTIONS]) == KEPT
    assert marks["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    waves = {
        patch["target"]["kind"]: int(annotations(documents.load(patch["patch"]))[WAVE])
        for patch in kustomization["patches"]
    }
    assert set(waves) == {kind.name for kind in names.KINDS}
    assert int(marks[WAVE]) < waves["CloudFunction"] < waves["FunctionDeployment"]


def test_every_file_of_the_folder_of_functions_is_used_and_is_a_good_manifest() -> None:
    listed = set(load(FUNCTIONS / "kustomization.yaml")["resources"])
    assert {path.name for path in FUNCTIONS.iterdir()} == listed | {"kustomization.yaml"}
    models: dict[str, Any] = {"CloudFunction": CloudFunctionSpec, "FunctionDeployment": FunctionDeploymentSpec}
    for name in listed - {"namespace.yaml"}:
        for found in documents.load_all((FUNCTIONS / name).read_text()):
            assert found["apiVersion"] == names.API_VERSION
            assert models[found["kind"]].model_validate(found["spec"]).problems() == ()


EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("**/*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_keeps_the_functions_id_and_its_references_lead_somewhere(path: Path) -> None:
    found = documents.load_all(path.read_text())
    functions = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "CloudFunction"}
    assert {spec.get("deletionPolicy") for spec in functions.values()} <= {"Retain"}
    references = [
        (ref["name"], ref.get("revision"))
        for each in found
        if (ref := each.get("spec", {}).get("functionRef")) is not None
    ]
    assert {name for name, _ in references} <= set(functions)
    assert len(set(references)) == len(references), "a version can be deployed only once"
    for name, spec in functions.items():
        pins = {revision for of, revision in references if of == name}
        assert not pins or spec.get("revision") in pins, f"nobody deploys the revision of {name}"


def test_flux_applies_the_functions_when_the_operator_is_ready_and_waits_for_both(
    of_flux: dict[tuple[str, str], Object],
) -> None:
    operator, functions = (
        of_flux["Kustomization", "nvcf-operator"],
        of_flux["Kustomization", "nvcf-functions"],
    )
    assert functions["spec"]["dependsOn"] == [{"name": operator["metadata"]["name"]}]
    for each in (operator, functions):
        assert (each["spec"]["wait"], each["spec"]["prune"]) == (True, True)
        assert (ROOT / each["spec"]["path"] / "kustomization.yaml").is_file()
        assert each["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "nvcf"}
    assert functions["spec"]["deletionPolicy"] == "WaitForTermination"
    assert "deletionPolicy" not in operator["spec"]


def test_flux_installs_the_chart_of_the_same_commit_where_argo_cd_does(
    of_flux: dict[tuple[str, str], Object], apps: dict[str, Object]
) -> None:
    release, other = of_flux["HelmRelease", "nvcf-operator"]["spec"], apps["nvcf-operator"]["spec"]
    chart = release["chart"]["spec"]
    assert (ROOT / chart["chart"]).resolve() == ROOT / other["source"]["path"]
    assert chart["sourceRef"] == {"kind": "GitRepository", "name": "nvcf"}
    assert chart["reconcileStrategy"] == "Revision"
    assert release["targetNamespace"] == release["storageNamespace"] == other["destination"]["namespace"]
    assert release["releaseName"] == other["source"]["helm"]["releaseName"]


def test_every_file_is_listed() -> None:
    for folder, aside in ((FLUX, {"operator"}), (FLUX / "operator", set())):
        listed = set(load(folder / "kustomization.yaml")["resources"])
        assert {path.name for path in folder.iterdir()} == listed | aside | {"kustomization.yaml"}


def test_the_repository_to_replace_is_the_same_everywhere_and_the_page_names_it() -> None:
    texts = [path.read_text() for folder in (ARGOCD, FLUX) for path in folder.glob("**/*.yaml")]
    urls = [url for text in texts for url in re.findall(r"(?:repoURL|url): (\S+)", text)]
    assert urls == [PLACEHOLDER] * 4
    assert PLACEHOLDER in (ROOT / "docs" / "gitops.md").read_text()
