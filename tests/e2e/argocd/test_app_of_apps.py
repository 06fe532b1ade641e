"""Operator and functions from one app of apps: brought up in order, and taken down in the reverse.

There are no nodes, so the Deployment's Pods stay pending. The operator runs beside the cluster, as the Deployment says,
and the test writes into the Pods' status what a kubelet would: that they are ready. All else is done by the real
controllers.
"""

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest

from hack.e2e.argocd.reporting import say
from nvcf_operator.api.names import CLOUD_FUNCTION, KINDS
from tests.e2e.argocd.application import operation
from tests.e2e.argocd.environment import Environment
from tests.support.installed_operator import installed_operator
from tests.support.simulator import ECHO
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

OPERATOR = "nvcf-operator-system"
FAST = {
    "pollInterval": 2,
    "busyPollInterval": 0.3,
    "redeploySettleSeconds": 2,
    "createSettleSeconds": 2,
    "registerSettleSeconds": 2,
}
WAITING = "healthy state of argoproj.io/Application/nvcf-operator"


def pods(environment: Environment) -> list[dict[str, Any]]:
    text = environment.plane.kubectl(
        "-n", OPERATOR, "get", "pods", "-l", "app.kubernetes.io/name=nvcf-operator", "-o", "json"
    )
    found: list[dict[str, Any]] = json.loads(text)["items"]
    return found


def have_become_ready(environment: Environment) -> None:
    """What a kubelet writes."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for pod in pods(environment):
        (container,) = pod["spec"]["containers"]
        running = {
            "name": container["name"], "image": container["image"], "imageID": "", "ready": True, "started": True,
            "restartCount": 0, "state": {"running": {"startedAt": now}},
        }  # fmt: skip
        kinds = ("Initialized", "PodScheduled", "ContainersReady", "Ready")
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds]
        status = {"status": {"phase": "Running", "conditions": conditions, "containerStatuses": [running]}}
        environment.plane.kubectl(
            "-n", OPERATOR, "patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge",
            "-p", json.dumps(status),
        )  # fmt: skip


def answer(url: str) -> str:
    try:
        return httpx.get(url, timeout=5, trust_env=False).text.strip()
    except httpx.HTTPError as error:
        return str(error)


def test_operator_and_functions_come_up_in_order_and_are_torn_down_in_the_reverse(environment: Environment) -> None:
    root, operator, functions = (environment.application(name) for name in ("nvcf", "nvcf-operator", "nvcf-functions"))
    tenant = environment.namespace("nvcf-functions")
    path = "deploy/argocd/apps/operator.yaml"
    manifest = environment.repository.read(path)
    manifest["spec"]["source"]["helm"]["valuesObject"] |= {
        "nvcf": {"baseUrl": environment.simulator.url},
        "settings": FAST,
    }
    environment.repository.write(path, manifest)
    environment.repository.commit("Set the operator's values")

    say("app of apps: applying deploy/argocd/root.yaml, once")
    environment.plane.kubectl("apply", "-f", environment.repository.folder / "deploy" / "argocd" / "root.yaml")
    operator.wait_until(lambda found: operation(found).get("phase") == "Succeeded", what="the chart is applied")
    operator.wait("Synced", "Progressing")
    eventually(lambda: pods(environment), lambda found: len(found) == 2, within=60, what="two Pods")
    root.wait_until(lambda found: WAITING in operation(found).get("message", ""), what="it waits for the operator")
    say("app of apps: the operator's Pods are pending, so its wave waits, and there are no functions yet")
    assert functions.find() is None

    with ExitStack() as stack:
        running = stack.enter_context(
            installed_operator(environment.plane, OPERATOR, "nvcf-operator", environment.root)
        )
        eventually(lambda: answer(f"{running.url}/readyz"), lambda text: text == "ok", within=60, what="it is ready")
        say("app of apps: the operator is ready, under its ServiceAccount; so are its Pods")
        have_become_ready(environment)
        operator.wait("Synced", "Healthy")
        functions.wait("Synced", "Healthy")
        root.wait("Synced", "Healthy")
        assert tenant.wait_for("echo")["status"]["functionStatus"] == "ACTIVE"
        chat = tenant.wait_for("chat")["status"]["functionVersionId"]
        assert set(environment.simulator.deployments()) == {ECHO, chat}
        say("app of apps: all are Healthy; deleting nvcf while the function has requests in its queue")

        environment.simulator.change(ECHO, queueDepth=2)
        root.delete()
        tenant.wait_until("echo", lambda found: found["status"]["phase"] == "Draining", what="Draining", within=60)
        for each in (root, functions):
            assert (found := each.find()) is not None
            assert "deletionTimestamp" in found["metadata"]
        assert (found := operator.find()) is not None
        assert "deletionTimestamp" not in found["metadata"], "the operator stays while functions drain"
        assert len(pods(environment)) == 2
        say("app of apps: the function drains and the operator stays; now its queue is empty")
        environment.simulator.change(ECHO, queueDepth=0)
        root.wait_gone()
    assert functions.find() is None
    assert operator.find() is None
    for namespace in (tenant, replace(tenant, kind=CLOUD_FUNCTION)):
        assert [name for name in ("chat", "echo") if namespace.find(name) is not None] == []
    assert environment.simulator.deployments() == {}
    left = ("get", "deployments,pods", "-n", OPERATOR, "-o", "name")
    eventually(
        lambda: environment.plane.kubectl(*left).split(), lambda names: not names, within=60, what="no Pod is left"
    )
    environment.plane.kubectl("get", "crd", *(kind.crd_name for kind in KINDS))
    environment.plane.kubectl("-n", "nvcf-functions", "get", "secret", "nvcf-credentials")
    say("app of apps: functions, operator and Applications are gone in this order; CRDs, namespace and Secret stay")
