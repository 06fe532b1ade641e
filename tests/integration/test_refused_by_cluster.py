"""Admission refuses the operator's own writes: reported in its words, waited for, and got over automatically."""

import json
import time
from collections.abc import Iterator, Mapping

import pytest

from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

WORDS = "the sum of maxInstances may be 64 at most"
GROUP = "admissionregistration.k8s.io/v1"
PARTS = ("functiondeployments", "functiondeployments/status")


class Policy:
    """A ValidatingAdmissionPolicy for one namespace: the sum of maxInstances is 64 at most, or nothing is written."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._kubectl, self._namespace = sandbox.namespace.plane.kubectl, sandbox.namespace.name
        self._name = f"most-{self._namespace}"

    def install(self, *parts: str, expression: str = "") -> None:
        """Put it in force for these resources, and wait until the API server heeds it."""
        most = "object.spec.deploymentSpecifications.map(item, item.maxInstances).sum() <= 64"
        rules = {
            "apiGroups": ["nvcf-operator.io"],
            "apiVersions": ["v1alpha1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": list(parts),
        }
        spec = {
            "matchConstraints": {"resourceRules": [rules]},
            "validations": [{"expression": expression or most, "message": WORDS}],
        }
        here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self._namespace}}}
        binding = {"policyName": self._name, "validationActions": ["Deny"], "matchResources": here}
        self._apply("ValidatingAdmissionPolicy", spec)
        self._apply("ValidatingAdmissionPolicyBinding", binding)

    def lift(self) -> None:
        """Take it away."""
        kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy"
        self._kubectl("delete", kinds, self._name, "--ignore-not-found")

    def wait_until_heeded(self, sandbox: Sandbox) -> None:
        """Wait until it refuses a write like the operator's own."""
        eventually(lambda: self._refuses(sandbox), bool, within=20, what="the policy is in force")

    def _refuses(self, sandbox: Sandbox) -> bool:
        patch = json.dumps({"metadata": {"labels": {"probe": "x"}}})
        arguments = ("-n", self._namespace, "patch", "fd", "echo", "--type=merge", "--dry-run=server", "-p", patch)
        try:
            self._kubectl(*arguments)
        except Exception as error:
            return WORDS in str(error)
        return False

    def _apply(self, kind: str, spec: Mapping[str, object]) -> None:
        item = {"apiVersion": GROUP, "kind": kind, "metadata": {"name": self._name}, "spec": spec}
        self._kubectl("apply", "-f", "-", input=json.dumps(item))


@pytest.fixture
def policy(sandbox: Sandbox) -> Iterator[Policy]:
    made = Policy(sandbox)
    yield made
    made.lift()


def refusals(operator: Operator, kind: str) -> float:
    return operator.metric("nvcf_operator_kube_requests_total", kind=kind, code="422")


def warnings(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Reasons and messages of the warnings that repeat the API server's words."""
    found = sandbox.namespace.events("echo")
    return [(reason, message) for kind, reason, message in found if kind == "Warning" and WORDS in message]


def test_a_finalizer_that_a_policy_refuses_is_reported_and_waited_for(sandbox: Sandbox, policy: Policy) -> None:
    sandbox.namespace.plane.kubectl("-n", sandbox.namespace.name, "delete", "secret", "nvcf-credentials")
    with sandbox.operator() as operator:
        sandbox.namespace.apply(sandbox.manifest(gpu={"maxInstances": 80}))
        sandbox.namespace.wait_for("echo", "CredentialsValid", "False")
        policy.install(PARTS[0])
        policy.wait_until_heeded(sandbox)
        sandbox.namespace.secret(KEY)
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="WriteRefused")
        began, first = time.monotonic(), refusals(operator, "finalizer")
        assert WORDS in condition_of(found, "Ready")["message"]
        reported = eventually(lambda: warnings(sandbox), bool, within=10, what="an Event with the API server's words")
        assert [reason for reason, _ in reported] == ["WriteRefused"]
        eventually(lambda: refusals(operator, "finalizer"), lambda it: it >= first + 3, within=30, what="three more")
        assert time.monotonic() - began >= 5.0, "after 1, 2 and 4 seconds"
        assert sandbox.writes() == []
        policy.lift()
        sandbox.ready()
        assert [operation for operation, _ in sandbox.writes()] == ["createDeployment"]


def test_an_end_that_a_policy_refuses_is_reported_and_got_over(sandbox: Sandbox, policy: Policy) -> None:
    with sandbox.operator() as operator:
        sandbox.namespace.apply(sandbox.manifest(gpu={"maxInstances": 80}))
        sandbox.ready()
        policy.install(PARTS[0])
        policy.wait_until_heeded(sandbox)
        sandbox.namespace.delete("echo")
        found = sandbox.namespace.wait_for("echo", "DeletionBlocked", reason="WriteRefused")
        assert WORDS in condition_of(found, "DeletionBlocked")["message"]
        assert condition_of(found, "Ready")["status"] == condition_of(found, "Available")["status"] == "False"
        assert "deploymentId" not in found["status"]
        eventually(lambda: refusals(operator, "finalizer"), lambda it: it >= 2, within=20, what="another try")
        policy.lift()
        sandbox.namespace.wait_gone("echo", within=40)
        assert [operation for operation, _ in sandbox.writes()] == ["createDeployment", "deleteDeployment"]


def test_a_status_that_a_policy_refuses_is_reported_by_an_event_and_the_log(sandbox: Sandbox, policy: Policy) -> None:
    sandbox.namespace.apply(sandbox.manifest(gpu={"maxInstances": 80}))
    policy.install(*PARTS)
    policy.wait_until_heeded(sandbox)
    with sandbox.operator() as operator:
        eventually(lambda: warnings(sandbox), bool, within=20, what="an Event with the API server's words")
        eventually(lambda: refusals(operator, "status"), lambda it: it >= 3, within=20, what="three tries")
        assert len(warnings(sandbox)) == 1, "the text has not changed"
        assert WORDS in operator.output()
        assert "another object has this name now" not in operator.output()
        policy.lift()
        sandbox.ready()
        assert [operation for operation, _ in sandbox.writes()] == ["createDeployment"]


def test_a_refusal_that_is_taken_for_a_conflict_is_found(sandbox: Sandbox, policy: Policy) -> None:
    sandbox.namespace.apply(sandbox.manifest(gpu={"maxInstances": 80}))
    policy.install(PARTS[0])
    policy.wait_until_heeded(sandbox)
    with sandbox.operator("refusal_taken_for_conflict") as operator:
        eventually(lambda: refusals(operator, "finalizer"), lambda it: it >= 30, within=20, what="a hot loop")
        assert warnings(sandbox) == []
        assert "conditions" not in sandbox.namespace.get("echo")["status"]
