"""What the chart renders, by helm 3 and helm 4, without a cluster. tests/integration installs it."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from hack.chart import CHART, RENDERED, Helm, HelmError
from nvcf_operator.cli import main
from nvcf_operator.settings import Settings

ROOT = CHART.parents[1]
FULL: dict[str, Any] = {
    "image": {"registry": "registry.example", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "crds": {"annotations": {"a": "b"}},
    "nvcf": {
        "baseUrl": "https://nvcf.example/v2/nvcf",
        "hostHeader": "api.example",
        "caConfigMap": "ca",
        "allowedBaseUrls": ["https://other.example/v2/nvcf"],
        "catalogueUrl": "https://ngc.example/v2/orgs/acme/nvcf",
        "readCatalogue": False,
        "rate": 12.5,
        "concurrency": 3,
    },
    "credentials": {
        "secretNames": ["nvcf-credentials", "team"],
        "operatorKey": {"existingSecret": "own", "namespaces": ["*"]},
    },
    "functionSecrets": {"secretNames": ["llama-secrets"]},
    "settings": {
        "pollInterval": "2m",
        "busyPollInterval": 3,
        "deepResyncInterval": "2h",
        "runningInstances": True,
        "queueDepth": True,
        "createSettleSeconds": 61,
        "redeploySettleSeconds": "80s",
        "registerSettleSeconds": "3m",
        "stalledGraceSeconds": 2.5,
        "referenceSettleSeconds": 6,
        "workers": 9,
    },
    "log": {"format": "text", "level": "debug"},
    "tracing": {"enabled": True, "endpoint": "http://collector.example:4318", "sampleRatio": 0.25},
    "serviceAccount": {"annotations": {"c": "d"}},
    "rbac": {
        "aggregateToEdit": True,
        "aggregateToAdmin": True,
        "functions": {"aggregateToEdit": True, "aggregateToAdmin": True},
    },
    "commonLabels": {"team": "platform"},
    "podLabels": {"e": "f"},
    "podAnnotations": {"g": "h"},
    "deploymentAnnotations": {"i": "j"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "system-cluster-critical",
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
        "service": {"annotations": {"k": "l"}},
    },
    "networkPolicy": {"enabled": True, "ingressFrom": [{"namespaceSelector": {}}]},
    "admissionPolicies": {"protectCrd": True, "protectLabelled": True, "maxInstances": 64},
    "extraArgs": ["--log-level=warning"],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-text'}",
    ],
}
VALUES: dict[str, Mapping[str, Any]] = {
    "the defaults": {},
    "all that there is": FULL,
    "some namespaces": {"watchNamespaces": ["a", "b"]},
    "one replica without election": {"replicaCount": 1, "leaderElection": {"enabled": False}},
    "any Secret": {"credentials": {"anySecret": True}},
    "no Secret of a team": {"credentials": {"secretNames": [], "operatorKey": {"existingSecret": "own"}}},
    "no rights, no account, no CRD": {
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "crds": {"install": False},
        "metrics": {"service": {"enabled": False}, "podMonitor": {"enabled": True}},
        "podDisruptionBudget": {"enabled": False},
    },
}


@pytest.fixture(params=[3, 4], ids=["helm 3", "helm 4"])
def helm(request: pytest.FixtureRequest, tmp_path: Path) -> Helm:
    """Each helm."""
    return Helm(request.param, tmp_path)


@pytest.fixture
def helm4(tmp_path: Path) -> Helm:
    """The newer one, where one is enough."""
    return Helm(4, tmp_path)


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] == kind]


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = of_kind(objects, "Deployment")
    containers: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    (found,) = containers
    return found


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_lints_and_renders_it(helm: Helm, values: Mapping[str, Any]) -> None:
    assert "0 chart(s) failed" in helm("lint", str(CHART), "--strict", values=values)
    objects = helm.template(values)
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))
    assert all(each["apiVersion"] and each["metadata"]["labels"] for each in objects if each["kind"] != "ConfigMap")


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_operator_takes_the_arguments_that_it_is_given(helm4: Helm, values: Mapping[str, Any]) -> None:
    command, *arguments = container(helm4.template(values))["args"]
    given = main.commands[command].make_context(command, arguments).params
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    for name in ("api_key_file", "nvcf_ca_file"):  # files of the pod
        chosen.pop(name, None)
    namespaces = chosen.pop("api_key_namespaces", ())
    assert Settings(**chosen).leader_election is (values.get("leaderElection") is None)
    assert namespaces in ((), ("*",))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown value": ({"replicas": 3}, "replicas"),
    "an unknown value further in": ({"image": {"name": "x"}}, "name"),
    "a text for a number": ({"replicaCount": "two"}, "replicaCount"),
    "a URL with a query": ({"nvcf": {"baseUrl": "https://h/?key=1"}}, "baseUrl"),
    "a URL with a user": ({"nvcf": {"baseUrl": "https://user@h"}}, "baseUrl"),
    "a namespace that is none": ({"watchNamespaces": ["Team_A"]}, "watchNamespaces"),
    "a digest that is none": ({"image": {"digest": "sha256:1"}}, "digest"),
    "a format that is none": ({"log": {"format": "xml"}}, "format"),
    "a duration that is none": ({"settings": {"pollInterval": "soon"}}, "pollInterval"),
    "a duration of two units": ({"settings": {"deepResyncInterval": "1h30m"}}, "deepResyncInterval"),
    "a duration in a unit that is too small": ({"settings": {"busyPollInterval": "500ms"}}, "busyPollInterval"),
    "no time": ({"settings": {"pollInterval": "0.0s"}}, "pollInterval"),
    "a time below none": ({"settings": {"pollInterval": 0}}, "pollInterval"),
    "a budget that blocks every drain": ({"podDisruptionBudget": {"maxUnavailable": 0}}, "maxUnavailable"),
    "a share that blocks every drain": ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "maxUnavailable"),
    "a key that no Secret has": (
        {"credentials": {"operatorKey": {"existingSecret": "own", "key": "a/b"}}},
        "key",
    ),
    "two monitors": (
        {"metrics": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}},
        "every leader would be counted twice",
    ),
    "an endpoint with a query": ({"tracing": {"endpoint": "http://h:4318/?token=1"}}, "endpoint"),
    "a share above all": ({"tracing": {"sampleRatio": 2}}, "sampleRatio"),
    "one worker": ({"settings": {"workers": 1}}, "workers"),
    "a port that is none": ({"metrics": {"port": 0}}, "port"),
    "two without election": ({"leaderElection": {"enabled": False}}, "two operators at once would deploy twice"),
    "a key that is opened and not there": (
        {"credentials": {"operatorKey": {"namespaces": ["a"]}}},
        "set credentials.operatorKey.existingSecret as well",
    ),
}


@pytest.mark.parametrize(("values", "said"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_makes_no_sense_is_refused_with_its_name(helm: Helm, values: dict[str, Any], said: str) -> None:
    with pytest.raises(HelmError, match=said):
        helm.template(values)


def test_names_that_look_like_numbers_stay_texts(helm: Helm) -> None:
    odd = {
        "watchNamespaces": ["123", "0x1"],
        "credentials": {"operatorKey": {"existingSecret": "456", "key": "0x1"}},
        "serviceAccount": {"name": "789"},
        "priorityClassName": "12",
        "nvcf": {"caConfigMap": "34"},
    }
    objects = helm.template(odd, "--namespace", "2024", release="007")
    namespaces = {each["metadata"].get("namespace") for each in objects if each["kind"] != "CustomResourceDefinition"}
    assert namespaces == {"123", "0x1", "2024", None}
    assert {each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in objects} == {"007"}
    (deployment,) = of_kind(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == ("789", "12")
    key, bundle = pod["volumes"]
    assert key["secret"] == {"secretName": "456", "items": [{"key": "0x1", "path": "0x1"}]}
    assert bundle["configMap"]["name"] == "34"


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value and path[-1:] not in (
        ("podSecurityContext",), ("securityContext",), ("resources",),
    ) and path != ("metrics", "dashboard", "labels"):  # fmt: skip
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path


def test_every_value_is_explained_in_the_file_and_in_the_schema() -> None:
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = text.splitlines()
    for path in leaves(documents.load(text)):
        found: Any = schema
        for name in path:
            found = found["properties"][name]
        said = found["description"]
        name = path[-1]
        above = [
            lines[index - 1].strip()
            for index, line in enumerate(lines)
            if line.startswith("  " * (len(path) - 1) + f"{name}:")
        ]
        assert f"# -- {said}" in above, f"{'.'.join(path)}: {said!r} does not stand above it"


def generated_crds() -> dict[str, str]:
    """The CRDs by the plural of their kind."""
    return {path.stem.partition("_")[2]: path.read_text() for path in (ROOT / "crds").glob("nvcf-operator.io_*.yaml")}


def test_the_charts_crds_are_the_generated_ones() -> None:
    copies = {path.stem: path.read_text() for path in (CHART / "files" / "crds").iterdir()}
    assert copies == generated_crds()
    assert len(copies) == 2


def test_the_crds_are_rendered_as_generated_and_kept(helm: Helm) -> None:
    crds = of_kind(helm.template(), "CustomResourceDefinition")
    specs = {crd["spec"]["names"]["plural"]: crd["spec"] for crd in crds}
    assert specs == {plural: documents.load(text)["spec"] for plural, text in generated_crds().items()}
    assert [crd["metadata"]["annotations"] for crd in crds] == [{"helm.sh/resource-policy": "keep"}] * 2
    crds = of_kind(helm.template({"crds": {"keep": False}}), "CustomResourceDefinition")
    assert ["annotations" in crd["metadata"] for crd in crds] == [False, False]


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: path.parent.name)
def test_rendering_for_kustomize_again_changes_nothing(helm: Helm, path: Path) -> None:
    assert RENDERED[path].text(helm) == path.read_text()


def test_for_some_namespaces_no_right_reaches_further(helm4: Helm) -> None:
    objects = helm4.template({"watchNamespaces": ["a", "b"], "rbac": {"aggregateToView": False}})
    assert of_kind(objects, "ClusterRole") == of_kind(objects, "ClusterRoleBinding") == []
    roles = {each["metadata"]["namespace"]: each["rules"] for each in of_kind(objects, "Role")}
    assert set(roles) == {"a", "b", "nvcf-operator-system"}
    assert roles["a"] == roles["b"]
    assert [rule["resources"] for rule in roles["nvcf-operator-system"]] == [["leases"], ["leases"]]
    assert "--namespaces=a,b" in container(objects)["args"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_no_role_has_a_wildcard_and_none_for_users_reaches_the_status(helm4: Helm, values: Mapping[str, Any]) -> None:
    objects = helm4.template(values)
    for role in of_kind(objects, "ClusterRole") + of_kind(objects, "Role"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            if any("aggregate-to" in label for label in role["metadata"]["labels"]):
                assert set(rule["resources"]) <= {"cloudfunctions", "functiondeployments"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"view"}),
        ({"rbac": {"aggregateToEdit": True}}, {"view", "edit"}),
        ({"rbac": {"aggregateToAdmin": True, "aggregateToView": False}}, {"admin"}),
        ({"rbac": {"functions": {"aggregateToEdit": True}}}, {"view", "edit"}),
    ],
)
def test_only_reading_is_given_to_users_by_default(helm4: Helm, values: dict[str, Any], expected: set[str]) -> None:
    labels = [label for role in of_kind(helm4.template(values), "ClusterRole") for label in role["metadata"]["labels"]]
    assert {label.rpartition("aggregate-to-")[2] for label in labels if "aggregate-to-" in label} == expected


WRITES = ["create", "update", "patch", "delete"]


@pytest.mark.parametrize(
    ("rbac", "expected"),
    [
        ({}, {}),
        ({"aggregateToEdit": True}, {"nvcf-operator-edit": (["functiondeployments"], ["edit"])}),
        ({"functions": {"aggregateToAdmin": True}}, {"nvcf-operator-functions-edit": (["cloudfunctions"], ["admin"])}),
    ],
)
def test_rights_to_write_the_two_kinds_are_given_apart(
    helm4: Helm, rbac: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = {}
    for role in of_kind(helm4.template({"rbac": rbac}), "ClusterRole"):
        to = [label.rpartition("aggregate-to-")[2] for label in role["metadata"]["labels"] if "aggregate-to" in label]
        (rule,) = role["rules"] if to else ({"verbs": None},)
        if rule["verbs"] == WRITES:
            found[role["metadata"]["name"]] = (rule["resources"], to)
    assert found == expected


def secrets_of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    roles = of_kind(objects, "ClusterRole") + of_kind(objects, "Role")
    return [rule for role in roles for rule in role["rules"] if rule["resources"] == ["secrets"]]


@pytest.mark.parametrize(
    ("credentials", "names"),
    [({}, ["nvcf-credentials"]), ({"secretNames": ["a", "b"]}, ["a", "b"]), ({"anySecret": True}, None)],
)
def test_secrets_are_read_by_name_unless_all_are_opened(
    helm4: Helm, credentials: dict[str, Any], names: list[str] | None
) -> None:
    (rule,) = secrets_of(helm4.template({"credentials": credentials}))
    assert (rule["verbs"], rule.get("resourceNames")) == (["get"], names)


def test_secrets_of_functions_are_read_by_name_where_some_are_named(helm4: Helm) -> None:
    opened = {"functionSecrets": {"secretNames": ["llama-secrets"]}}
    _, rule = secrets_of(helm4.template(opened))
    assert rule == {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["llama-secrets"], "verbs": ["get"]}
    assert len(secrets_of(helm4.template({**opened, "credentials": {"anySecret": True}}))) == 1


def test_no_secret_is_read_where_none_is_named(helm4: Helm) -> None:
    assert secrets_of(helm4.template({"credentials": {"secretNames": []}})) == []


@pytest.mark.parametrize(
    ("tracing", "variables"),
    [
        ({"endpoint": "http://c:4318"}, None),
        (
            {"enabled": True, "endpoint": "http://c:4318", "sampleRatio": 0.25},
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.25",
            },
        ),
        ({"enabled": True}, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1"}),
    ],
)
def test_traces_are_sent_where_they_are_wanted(
    helm: Helm, tracing: dict[str, Any], variables: dict[str, str] | None
) -> None:
    made = container(helm.template({"tracing": tracing}))
    assert ("--tracing" in made["args"]) is (variables is not None)
    assert {each["name"]: each["value"] for each in made.get("env", ())} == (variables or {})


def test_a_budget_never_blocks_a_drain(helm4: Helm) -> None:
    for replicas in (1, 2):
        (budget,) = of_kind(helm4.template({"replicaCount": replicas}), "PodDisruptionBudget")
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({}, "nvcf-operator:0.1.0"),
        ({"registry": "r.example/", "tag": "1"}, "r.example/nvcf-operator:1"),
        ({"digest": "sha256:" + "a" * 64, "tag": "1"}, "nvcf-operator@sha256:" + "a" * 64),
    ],
)
def test_the_images_name(helm4: Helm, image: dict[str, Any], name: str) -> None:
    assert container(helm4.template({"image": image}))["image"] == name


def test_every_alert_has_a_runbook() -> None:
    headings = {
        line.removeprefix("### ").strip().lower()
        for line in (ROOT / "docs" / "operations.md").read_text().splitlines()
        if line.startswith("### ")
    }
    for group in documents.load((CHART / "files" / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["alert"].lower() in headings
            assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_rule_object_and_the_dashboard_are_the_files(helm: Helm) -> None:
    objects = helm.template(FULL)
    (rule,) = of_kind(objects, "PrometheusRule")
    assert rule["spec"] == documents.load((CHART / "files" / "alerts.yaml").read_text())
    (dashboard,) = [each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"].endswith("-dashboard")]
    file = json.loads((CHART / "files" / "dashboard.json").read_text())
    assert json.loads(dashboard["data"]["nvcf-operator.json"]) == file
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in file["panels"]]
    assert len(places) == len(set(places)), "two panels stand in one place"
    assert all(a["id"] != b["id"] for a, b in product(file["panels"], repeat=2) if a is not b)
