"""Below NGC's org URLs deployments can be listed: what changed outside is seen at the next poll; a GET proves it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually


@contextmanager
def operator_at_ngc(sandbox: Sandbox) -> Iterator[Operator]:
    """The operator at the organisation's base URL, with a resource that is Ready and polled at rest."""
    url = sandbox.simulator.url.replace("/v2/nvcf", "/v2/orgs/acme/nvcf")
    with Operator.start(sandbox.identity, url, sandbox.log, namespaces=sandbox.namespace.name) as running:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        wait_for_polls(running, 2)
        yield running


def wait_for_polls(operator: Operator, number: int) -> None:
    start = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= start + number, within=40, what="polls"
    )


def asked(sandbox: Sandbox, operation: str, since: int = 0) -> list[dict[str, Any]]:
    return sandbox.simulator.log(since, operation=operation)


def test_changed_numbers_are_mended_at_the_next_poll(sandbox: Sandbox) -> None:
    with operator_at_ngc(sandbox) as operator:
        cursor = sandbox.simulator.cursor
        wait_for_polls(operator, 2)
        assert asked(sandbox, "getDeployment", cursor) == [], "what is in order is not read"
        assert len(asked(sandbox, "listDeployments", cursor)) >= 1
        sandbox.simulator.scale(sandbox.version, maxInstances=9)
        eventually(
            lambda: sandbox.simulator.deployments()[sandbox.version]["deploymentSpecifications"][0]["maxInstances"],
            lambda most: most == 2,
            within=20,
            what="the maximum of the manifest",
        )
        cursor = sandbox.simulator.cursor
        wait_for_polls(operator, 3)
        assert len(asked(sandbox, "getDeployment", cursor)) <= 1, "at most the reading back of the change"


def test_a_redeployment_that_is_active_again_is_seen_at_the_next_poll(sandbox: Sandbox) -> None:
    with operator_at_ngc(sandbox):
        sandbox.simulator.instance_behaviour(sandbox.version, deploySeconds=0)
        other = sandbox.simulator.redeploy(sandbox.version)["deploymentId"]
        sandbox.namespace.wait_until(
            "echo", lambda found: found["status"]["deploymentId"] == other, what="the other id"
        )
        sandbox.ready()
    assert sandbox.writes() == [("createDeployment", 200)]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 401},
        {"status": 403},
        {"status": 404},
        {"status": 405},
        {"body": "<html>", "contentType": "text/html"},
    ],
    ids=lambda answer: str(answer.get("status", "a web page")),
)
def test_a_server_without_the_list_is_asked_once(sandbox: Sandbox, answer: dict[str, Any]) -> None:
    sandbox.simulator.fault(operation="listDeployments", **answer)
    with operator_at_ngc(sandbox) as operator:
        wait_for_polls(operator, 2)
        assert len(asked(sandbox, "listDeployments")) == 1
        sandbox.namespace.wait_for("echo", "CredentialsValid")


def test_a_list_that_a_get_belies_costs_one_get_and_no_write(sandbox: Sandbox) -> None:
    with operator_at_ngc(sandbox) as operator:
        shown = {
            **sandbox.simulator.deployments()[sandbox.version],
            "deploymentId": "99999999-0000-4000-8000-000000000000",
        }
        cursor = sandbox.simulator.cursor
        body = json.dumps({"deployments": [shown]})
        sandbox.simulator.fault(operation="listDeployments", body=body, contentType="application/json", status=200)
        eventually(
            lambda: asked(sandbox, "listDeployments", cursor), lambda log: len(log) >= 3, within=40, what="three lists"
        )
        wait_for_polls(operator, 1)
        assert len(asked(sandbox, "getDeployment", cursor)) == 1
    assert sandbox.writes() == [("createDeployment", 200)]
