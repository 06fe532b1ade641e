"""What an answer of the API server means. The Status objects are as Kubernetes 1.37 sent them, shortened."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from nvcf_operator.kube.errors import (
    NO_FIELD_BLAMED,
    Conflict,
    Denied,
    Invalid,
    KubeError,
    Missing,
    RequestTarget,
    Unavailable,
    of_response,
)

ECHO = RequestTarget("GET", "nvcf-operator.io", "functiondeployments", "ns", "echo")


def refusal(field_: str) -> dict[str, Any]:
    return {"reason": "Invalid", "message": "refused", "details": {"causes": [{"field": field_, "message": "no"}]}}


def gone(**details: str) -> dict[str, Any]:
    return {"kind": "Status", "reason": "NotFound", "message": "not found", "details": details}


@dataclass(frozen=True)
class Case:
    reason: str
    status: int
    means: type[KubeError]
    answer: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("not the JSON that it should be", 400, Invalid),
    Case("a token that has expired says nothing about what was asked for", 401, Unavailable),
    Case("RBAC", 403, Denied),
    Case("gone", 404, Missing, gone(group="nvcf-operator.io", kind="functiondeployments", name="echo")),
    Case("another one is gone", 404, Unavailable, gone(group="nvcf-operator.io", kind="functiondeployments", name="x")),
    Case("nobody's word", 404, Unavailable),
    Case("another resourceVersion or uid", 409, Conflict),
    Case("a watch or a list whose snapshot is gone", 410, Unavailable),
    Case("a field of the object", 422, Invalid, refusal("spec.functionId")),
    Case("a finalizer on an object that is going", 422, Invalid, refusal("metadata.finalizers")),
    Case("another object of that name", 422, Conflict, refusal("metadata.uid")),
    Case("a JSON patch that cannot be applied", 422, Invalid, {"message": NO_FIELD_BLAMED, "details": {}}),
    Case("a policy's refusal that blames no field", 422, Invalid, {"message": "denied by policy", "details": {}}),
    Case("causes of another shape", 422, Invalid, {"details": {"causes": ["x"]}}),
    Case("details of another shape", 422, Invalid, {"details": "x"}),
    Case("more than etcd takes", 413, Invalid),
    Case("too many requests", 429, Unavailable),
    Case("etcd has no leader", 500, Unavailable),
    Case("a proxy between", 502, Unavailable),
    Case("a redirect is not followed", 302, Unavailable),
    Case("a status that nobody has foreseen", 418, Unavailable),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_an_answer_is_an_error_by_its_meaning(case: Case) -> None:
    error = of_response(case.status, case.answer, target=ECHO)
    assert type(error) is case.means
    assert error.status == case.status


def test_an_error_says_what_the_api_server_said() -> None:
    error = of_response(
        403, {"reason": "Forbidden", "message": 'secrets "x" is forbidden'}, target=ECHO, retry_after=3.0
    )
    assert (str(error), error.message) == ('secrets "x" is forbidden',) * 2
    assert (error.reason, error.retry_after) == ("Forbidden", 3.0)


def test_an_error_without_a_message_names_the_status() -> None:
    assert str(of_response(502, {}, target=ECHO)) == "the API server answered with HTTP 502"


def test_a_message_is_cut_because_a_refused_object_may_be_repeated_in_it() -> None:
    assert len(of_response(422, {"message": "x" * 10_000}, target=ECHO).message) == 512


@pytest.mark.parametrize(
    ("status", "message", "refuses"),
    [
        (400, "admission webhook says no", True),
        (403, "exceeded quota", True),
        (409, "was modified", False),
        (413, "too large", True),
        (422, "denied by policy", True),
        (500, 'Internal error occurred: failed calling webhook "most.example.com": connection refused', True),
        (500, "etcdserver: request timed out", False),
        (503, "not now", False),
    ],
)
def test_what_admission_quota_and_rights_refuse_is_a_refusal(status: int, message: str, refuses: bool) -> None:
    target = RequestTarget("PATCH", "nvcf-operator.io", "functiondeployments", "ns", "echo")
    assert of_response(status, {"kind": "Status", "message": message}, target=target).refuses == refuses
