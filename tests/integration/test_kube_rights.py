"""What the operator's ServiceAccount may do in the cluster: exactly what is listed here, and nothing else."""

import json
from pathlib import Path

from hack.controlplane import ControlPlane

Right = tuple[str, str, str, str]
"""Verb, group, resource and the one name, or `*` for all names."""

NEEDED: dict[Right, str] = {
    ("get", "nvcf-operator.io", "functiondeployments", "*"): "proves a resource current before NVCF is written",
    ("list", "nvcf-operator.io", "functiondeployments", "*"): "the first read, and one now and then",
    ("watch", "nvcf-operator.io", "functiondeployments", "*"): "hears of changes",
    ("patch", "nvcf-operator.io", "functiondeployments", "*"): "the finalizer and the intent",
    ("patch", "nvcf-operator.io", "functiondeployments/status", "*"): "status",
    ("get", "nvcf-operator.io", "cloudfunctions", "*"): "proves a resource current before NVCF is written",
    ("list", "nvcf-operator.io", "cloudfunctions", "*"): "the first read, and one now and then",
    ("watch", "nvcf-operator.io", "cloudfunctions", "*"): "hears of changes",
    ("patch", "nvcf-operator.io", "cloudfunctions", "*"): "the finalizer and the intent",
    ("patch", "nvcf-operator.io", "cloudfunctions/status", "*"): "status",
    ("create", "", "events", "*"): "reports what happened",
    ("patch", "", "events", "*"): "counts what happened again",
    ("get", "", "secrets", "nvcf-credentials"): "the API key of a namespace, by name: no list, no other Secret",
    ("list", "apiextensions.k8s.io", "customresourcedefinitions", "*"): "kopf follows the API itself",
    ("watch", "apiextensions.k8s.io", "customresourcedefinitions", "*"): "kopf follows the API itself",
}


def test_the_operator_has_the_rights_that_it_needs_and_no_other(
    control_plane: ControlPlane, operator_identity: Path, namespace: str
) -> None:
    everyone = _rights(control_plane, _any_account(control_plane, namespace), namespace)
    found = _rights(control_plane, operator_identity, namespace) - everyone
    assert found == set(NEEDED)


def _any_account(plane: ControlPlane, namespace: str) -> Path:
    plane.kubectl("create", "serviceaccount", "anybody", "--namespace", namespace)
    return plane.kubeconfig_for(namespace, "anybody")


def _rights(plane: ControlPlane, kubeconfig: Path, namespace: str) -> set[Right]:
    """What the API server says that an identity may do in a namespace."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    flags = ("--validate=false", "-o", "json", "-f", "-")  # validation would ask for rights of its own
    answer = plane.kubectl("create", *flags, input=json.dumps(review), kubeconfig=kubeconfig)
    status = json.loads(answer)["status"]
    assert not status["incomplete"], status
    return {
        (verb, group, resource, name)
        for rule in status["resourceRules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", [""])
        for resource in rule.get("resources", ["*"])
        for name in rule.get("resourceNames", ["*"])
    }
