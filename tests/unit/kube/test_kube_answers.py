"""What is taken for an answer of the API server, and what is not."""

from typing import Any

import pytest

from nvcf_operator.kube.answers import MOST_KIND, fault
from nvcf_operator.kube.errors import RequestTarget

ECHO = RequestTarget.of("GET", "/apis/nvcf-operator.io/v1alpha1/namespaces/ns/functiondeployments/echo")
ALL = RequestTarget.of("GET", "/apis/nvcf-operator.io/v1alpha1/functiondeployments?limit=500")
SECRET = RequestTarget.of("GET", "/api/v1/namespaces/ns/secrets/key")
NEW_EVENT = RequestTarget.of("POST", "/api/v1/namespaces/ns/events?fieldManager=nvcf-operator")


def stored(name: str = "echo", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "uid": "u1", "resourceVersion": "8"} | metadata}


def listed(*items: Any, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "9"} | metadata, "items": list(items)}


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (ECHO, stored()),
        (SECRET, stored("key", resourceVersion="opaque-1")),
        (NEW_EVENT, stored("e1")),
        (ALL, listed()),
        (ALL, listed(stored("a"), stored("b", namespace="other"))),
        (RequestTarget.of("GET", "/openapi/v3/apis/nvcf-operator.io/v1alpha1"), {"openapi": "3.0.0"}),
    ],
    ids=["an object", "a version that is not compared", "a new object", "an empty list", "a list", "a schema"],
)
def test_what_was_asked_for_is_an_answer(target: RequestTarget, answer: dict[str, Any]) -> None:
    assert fault(target, answer) is None


STATUS = {"kind": "Status", "metadata": {}, "status": "Success"}

NONE: list[tuple[str, RequestTarget, dict[str, Any]]] = [
    ("nothing", ECHO, {}),
    ("a Status", ECHO, STATUS),
    ("metadata that is null", ECHO, {"metadata": None}),
    ("metadata that is a list", ECHO, {"metadata": ["echo"]}),
    ("another object", ECHO, stored("other")),
    ("an object of another namespace", ECHO, stored(namespace="other")),
    ("no uid", ECHO, stored(uid="")),
    ("no version", ECHO, stored(resourceVersion=None)),
    ("a version that cannot be compared", ECHO, stored(resourceVersion="opaque")),
    ("a version that is a number", ECHO, stored(resourceVersion=8)),
    ("no Secret", SECRET, {"data": {}}),
    ("no version of a Secret", SECRET, stored("key", resourceVersion="")),
    ("no new object", NEW_EVENT, STATUS),
    ("a new object elsewhere", NEW_EVENT, stored("e1", namespace="other")),
    ("no list", ALL, STATUS),
    ("a list without items", ALL, {"metadata": {"resourceVersion": "9"}}),
    ("a list whose items are null", ALL, {"metadata": {"resourceVersion": "9"}, "items": None}),
    ("a list without a version", ALL, {"items": []}),
    ("a list with something that is no object", ALL, listed(stored(), "echo")),
    ("a list with an object that nothing is known of", ALL, listed(stored(), {"metadata": {}})),
]


@pytest.mark.parametrize(("target", "answer"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_anything_else_is_none(target: RequestTarget, answer: dict[str, Any]) -> None:
    assert fault(target, answer) is not None


def test_the_fault_says_what_came_and_what_was_asked_for_and_nothing_of_the_content() -> None:
    secret = {"kind": "Secret", **stored("other"), "data": {"NGC_API_KEY": "nvapi-test"}}
    assert fault(SECRET, secret) == "an object of kind Secret that is not Secret ns/key"
    assert fault(ALL, {}) == "JSON without a kind that is not a list of functiondeployments"
    assert fault(NEW_EVENT, {"kind": 3}) == "JSON without a kind that is not a new Event"
    assert len(fault(ECHO, {"kind": "x" * 10_000}) or "") < 100 + MOST_KIND


def test_a_dry_run_stores_nothing_that_would_have_a_version() -> None:
    made = stored(resourceVersion=None)
    assert fault(ECHO, made, dry_run=True) is None
    assert fault(ECHO, made) is not None
