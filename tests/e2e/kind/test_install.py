"""What the chart's default values make of the image: two Pods that may do what they need and nothing else."""

import json

import pytest

from hack.controlplane import KubectlError
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import NAME, NAMESPACE, Release, statuses
from tests.support.simulator import KEY

HARDENED = """
import json, os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
def refused(path):
    try:
        open(path, "w")
    except OSError as error:
        return error.strerror
print(json.dumps({
    "user": os.getuid(), "group": os.getgid(),
    "capabilities": int(status["CapEff"], 16), "privileges": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "root": refused("/written"), "home": refused("/opt/nvcf-operator/written"),
}))
"""
ASK = """
import json, ssl, urllib.error, urllib.request
folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
context = ssl.create_default_context(cafile=folder + "ca.crt")
def ask(path):
    headers = {"Authorization": "Bearer " + open(folder + "token").read()}
    request = urllib.request.Request("https://kubernetes.default.svc" + path, headers=headers)
    try:
        return urllib.request.urlopen(request, context=context).status
    except urllib.error.HTTPError as error:
        return error.code
print(json.dumps([ask(path) for path in PATHS]))
"""

CONTENT = """
import importlib.metadata, json, sys
import nvcf_operator.runtime.operator
listed = json.load(open("/opt/nvcf-operator/share/sbom.cdx.json"))
names = lambda pairs: sorted(name.lower().replace("_", "-") + " " + version for name, version in pairs)
compiled = [module.__spec__.cached for module in sys.modules.values() if getattr(module, "__spec__", None)]
import os, shutil
print(json.dumps({
    "listed": names((each["name"], each["version"]) for each in listed["components"]),
    "itself": listed["metadata"]["component"]["name"],
    "installed": names((each.name, each.version) for each in importlib.metadata.distributions()),
    "without bytecode": [path for path in compiled if path and path.endswith(".pyc") and not os.path.exists(path)],
    "compilers": [name for name in ("cc", "gcc", "make") if shutil.which(name)],
}))
"""


def test_both_pods_are_ready_on_different_nodes_and_were_never_restarted(release: Release) -> None:
    pods = release.ready()
    nodes = {pod["spec"]["nodeName"] for pod in pods.values()}
    step(f"two Pods are ready on {', '.join(sorted(nodes))}")
    assert len(nodes) == min(2, len(release.cluster.items("/api/v1/nodes")))
    assert release.restarts() == 0
    for pod in pods.values():
        (only,) = statuses(pod)
        assert only["imageID"]


def test_they_run_without_rights_on_a_root_that_cannot_be_written(release: Release) -> None:
    for name in release.ready():
        seen = json.loads(release.run(name, HARDENED))
        step(f"{name}: {seen}")
        assert seen == {
            "user": 65532,
            "group": 65532,
            "capabilities": 0,
            "privileges": "1",
            "seccomp": "2",
            "root": "Read-only file system",
            "home": "Read-only file system",
        }


def test_the_image_holds_what_its_list_says_and_all_of_it_is_compiled(release: Release) -> None:
    found = json.loads(release.run(release.leader(), CONTENT))
    step(f"the image's list names {len(found['listed'])} packages")
    own = [each for each in found["installed"] if each.startswith(f"{found['itself']} ")]
    assert len(own) == 1
    assert found["listed"] == [each for each in found["installed"] if each not in own]
    assert found["without bytecode"] == []
    assert found["compilers"] == []


def test_the_probes_answer_and_one_of_the_two_leads(release: Release) -> None:
    pods = release.ready()
    leader = release.leader()
    step(f"{leader} leads")
    assert leader in pods
    assert {release.metric(name, "nvcf_operator_leader") for name in pods} == {0.0, 1.0}
    for name in pods:
        for path in ("healthz", "readyz"):
            assert release.cluster.read(f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:8080/proxy/{path}").strip() == "ok"


def test_the_mounted_token_reads_the_one_secret_of_a_team_and_nothing_else_that_is_secret(release: Release) -> None:
    cluster, team = release.cluster, "team-rights"
    cluster.create_namespace(team)
    for name in ("nvcf-credentials", "other"):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"NGC_API_KEY": KEY}}
        cluster.kubectl("-n", team, "apply", "-f", "-", input=json.dumps(body))
    wanted = {
        f"/api/v1/namespaces/{team}/secrets/nvcf-credentials": 200,
        f"/api/v1/namespaces/{team}/secrets/other": 403,
        f"/api/v1/namespaces/{team}/secrets": 403,
        f"/api/v1/namespaces/{NAMESPACE}/secrets": 403,
        "/apis/nvcf-operator.io/v1alpha1/cloudfunctions": 200,
        "/apis/nvcf-operator.io/v1alpha1/functiondeployments": 200,
        "/api/v1/pods": 403,
        f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}": 200,
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases": 403,
    }
    asked = ASK.replace("PATHS", repr([*wanted]))
    answers = json.loads(release.run(release.leader(), asked))
    step(f"by the mounted token: {answers}")
    assert dict(zip(wanted, answers, strict=True)) == wanted
    cluster.kubectl("delete", "namespace", team, "--wait=false")


def test_a_pod_that_asks_for_more_is_refused_in_its_namespace(release: Release) -> None:
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        release.cluster.kubectl("-n", NAMESPACE, "run", "root", "--image=any", "--privileged")


def test_its_network_policy_is_taken(release: Release) -> None:
    objects = release.helm.template({"networkPolicy": {"enabled": True}})
    policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
    assert policies
    for policy in policies:
        release.cluster.kubectl("-n", NAMESPACE, "apply", "-f", "-", "--dry-run=server", input=json.dumps(policy))
