"""The operator as the chart installs it."""

import math
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from hack.chart import CHART, Helm
from tests.e2e.kind.cluster_access import RealCluster
from tests.e2e.kind.progress import step
from tests.support.waiting import eventually

NAME, NAMESPACE = "nvcf-operator", "nvcf-operator-system"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io%2Finstance%3D{NAME}"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}"

Json = dict[str, Any]


class Release:
    """One installation, and what its Pods do."""

    def __init__(self, cluster: RealCluster, helm: Helm, url: str) -> None:
        self.cluster, self.helm = cluster, helm
        self.values: Json = {"nvcf": {"baseUrl": url}, "image": image_values(os.environ["IMAGE"])}

    def install(self, values: Mapping[str, Any] | None = None, chart: Path = CHART) -> None:
        """Install or upgrade, and wait until it is there."""
        more = ("--namespace", NAMESPACE, "--wait", "--timeout", "180s")
        self.helm("upgrade", "--install", NAME, str(chart), *more, values={**self.values, **(values or {})}, within=200)

    def uninstall(self) -> None:
        """Uninstall, and wait until the Pods are gone."""
        self.helm("uninstall", NAME, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
        eventually(lambda: self.cluster.items(PODS), lambda left: not left, within=60, what="no Pod is left")

    def pods(self) -> dict[str, Json]:
        """The Pods that are not ending, by name."""
        found = self.cluster.items(PODS)
        return {each["metadata"]["name"]: each for each in found if "deletionTimestamp" not in each["metadata"]}

    def ready(self, *, within: float = 120) -> dict[str, Json]:
        """Wait until both Pods are ready."""
        return eventually(
            self.pods,
            lambda pods: len(pods) == 2 and all(map(is_ready, pods.values())),
            within=within,
            what="two Pods are ready",
        )

    def leader(self, *, but: str = "", within: float = 30) -> str:
        """Wait until a Pod other than ``but`` holds the Lease; give its name."""
        holder: str = eventually(
            self.holder,
            lambda name: bool(name) and name != but,
            within=within,
            what=f"a Pod other than {but} leads" if but else "a Pod leads",
            rest=lambda: time.sleep(0.02),
        )
        return holder

    def holder(self) -> str:
        """The Pod that the Lease names; empty for none."""
        lease = self.cluster.read(LEASE) or {}
        return str(lease.get("spec", {}).get("holderIdentity") or "").partition("_")[0]

    def metric(self, pod: str, series: str) -> float:
        """A series of a Pod's metrics, as Prometheus writes it; 0 when it is not there, NaN for no answer."""
        try:
            text = self.cluster.read(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics")
        except httpx.HTTPError:
            return math.nan
        if text is None:
            return math.nan
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
        return float(found[1]) if found else 0.0

    def restarts(self) -> int:
        """How often the Pods' containers were started again."""
        return sum(each["restartCount"] for pod in self.pods().values() for each in statuses(pod))

    def run(self, pod: str, script: str) -> str:
        """Run a Python script in a Pod; give what it printed."""
        return self.cluster.kubectl("-n", NAMESPACE, "exec", pod, "--", "python3", "-c", script)


def image_values(image: str) -> Json:
    """The chart's values for an image; none for the one that it takes by default."""
    if image == f"docker.io/library/nvcf-operator:{image.rpartition(':')[2]}":
        return {}
    step(f"image: {image}")
    repository, _, tag = image.rpartition(":")
    return {"repository": repository, "tag": tag}


def statuses(pod: Json) -> list[Json]:
    """The states of a Pod's containers."""
    found: list[Json] = pod["status"].get("containerStatuses", [])
    return found


def is_ready(pod: Json) -> bool:
    """Whether a Pod is ready."""
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
