"""Below NGC's org URLs deployments can be listed: what changed outside is seen at the next poll; a GET proves it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support.place import Place
from tests.support.process import Operator
from tests.support.waiting import eventually


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made


@contextmanager
def operator_at_ngc(place: Place) -> Iterator[Operator]:
    """The operator at the organisation's base URL, with a resource that is Ready and polled at rest."""
    url = place.simulator.url.replace("/v2/nvcf", "/v2/orgs/acme/nvcf")
    with Operator.start(place.identity, url, place.log, namespaces=place.namespace.name) as running:
        place.namespace.apply(place.manifest())
        place.ready()
        wait_for_polls(running, 2)
        yield running


def wait_for_polls(operator: Operator, number: int) -> None:
    start = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= start + number, within=40, what="polls"
    )


def asked(place: Place, operation: str, since: int = 0) -> list[dict[str, Any]]:
    return place.simulator.log(since, operation=operation)


def test_changed_numbers_are_mended_at_the_next_poll(place: Place) -> None:
    with operator_at_ngc(place) as operator:
        cursor = place.simulator.cursor
        wait_for_polls(operator, 2)
        assert asked(place, "getDeployment", cursor) == [], "what is in order is not read"
        assert len(asked(place, "listDeployments", cursor)) >= 1
        place.simulator.scale(place.version, maxInstances=9)
        eventually(
            lambda: place.simulator.deployments()[place.version]["deploymentSpecifications"][0]["maxInstances"],
            lambda most: most == 2,
            within=20,
            what="the maximum of the manifest",
        )
        cursor = place.simulator.cursor
        wait_for_polls(operator, 3)
        assert len(asked(place, "getDeployment", cursor)) <= 1, "at most the reading back of the change"


def test_a_redeployment_that_is_active_again_is_seen_at_the_next_poll(place: Place) -> None:
    with operator_at_ngc(place):
        place.simulator.instance_behaviour(place.version, deploySeconds=0)
        other = place.simulator.redeploy(place.version)["deploymentId"]
        place.namespace.wait_until("echo", lambda found: found["status"]["deploymentId"] == other, what="the other id")
        place.ready()
    assert place.writes() == [("createDeployment", 200)]


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
def test_a_server_without_the_list_is_asked_once(place: Place, answer: dict[str, Any]) -> None:
    place.simulator.fault(operation="listDeployments", **answer)
    with operator_at_ngc(place) as operator:
        wait_for_polls(operator, 2)
        assert len(asked(place, "listDeployments")) == 1
        place.namespace.wait_for("echo", "CredentialsValid")


def test_a_list_that_a_get_belies_costs_one_get_and_no_write(place: Place) -> None:
    with operator_at_ngc(place) as operator:
        shown = {**place.simulator.deployments()[place.version], "deploymentId": "99999999-0000-4000-8000-000000000000"}
        cursor = place.simulator.cursor
        body = json.dumps({"deployments": [shown]})
        place.simulator.fault(operation="listDeployments", body=body, contentType="application/json", status=200)
        eventually(
            lambda: asked(place, "listDeployments", cursor), lambda log: len(log) >= 3, within=40, what="three lists"
        )
        wait_for_polls(operator, 1)
        assert len(asked(place, "getDeployment", cursor)) == 1
    assert place.writes() == [("createDeployment", 200)]
