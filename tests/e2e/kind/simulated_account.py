"""The simulator as a Pod of the cluster, and its control API by way of the API server."""

import json
import os

import yaml

from tests.e2e.kind.cluster_access import RealCluster
from tests.support.control import Control

NAMESPACE = "nvcf-simulator"
URL = f"http://simulator.{NAMESPACE}.svc:8080/v2/nvcf"

_SCENARIO = {
    "capacity": {"NCP.GPU.L40S_1x": 4000},
    "behaviour": {"period": 0.5, "deploySeconds": 1},
    "speed": 1,
}


def start(cluster: RealCluster) -> Control:
    """Start it, wait until it is ready, and give its control API."""
    cluster.create_namespace(NAMESPACE)
    labels = {"app": "simulator"}
    container = {
        "name": "simulator",
        "image": os.environ.get("SIMULATOR_IMAGE") or os.environ["IMAGE"].replace("nvcf-operator:", "nvcf-simulator:"),
        "args": ["--host=0.0.0.0", "--port=8080", "--scenario=/scenario/scenario.yaml"],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "scenario", "mountPath": "/scenario"}],
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "scenario", "configMap": {"name": "scenario"}}],
        # The other node is drained and restarted.
        **({"nodeSelector": {"kubernetes.io/hostname": cluster.nodes[0]}} if cluster.nodes else {}),
    }
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "scenario"},
            "data": {"scenario.yaml": yaml.safe_dump(_SCENARIO)},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "simulator"},
            "spec": {"selector": labels, "ports": [{"port": 8080}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "simulator"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("-n", NAMESPACE, "apply", "-f", "-", input=text)
    cluster.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/simulator", "--timeout=120s")
    return Control(f"{cluster.proxy}/api/v1/namespaces/{NAMESPACE}/services/simulator:8080/proxy/_simulator")
