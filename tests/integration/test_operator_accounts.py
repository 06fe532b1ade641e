"""Two keys of one NVCF account share its pace; the same ids at two base URLs have nothing to do with each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, manifest
from tests.support.place import Place
from tests.support.process import Operator
from tests.support.simulator import ACCOUNT, KEY, Simulator
from tests.support.waiting import eventually

RATE = 10
KEYS = ("default", "second")


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made


@pytest.fixture
def neighbour(place: Place) -> Namespace:
    """A second namespace, with another key of the same account."""
    name = f"{place.namespace.name}-neighbour"
    place.namespace.plane.kubectl("create", "namespace", name)
    place.simulator.add_key("second", "nvapi-second")
    other = Namespace(place.namespace.plane, name)
    other.secret("nvapi-second")
    return other


def test_two_keys_of_an_account_stay_at_its_rate_together(place: Place, neighbour: Namespace) -> None:
    teams = (place.namespace, neighbour)
    many = place.simulator.add_functions("many", 30)
    names = [f"echo-{number}" for number in range(len(many))]
    with place.operator(namespaces=f"{place.namespace.name},{neighbour.name}", nvcf_rate=RATE):
        for team, first in zip(teams, (0, 1), strict=True):
            team.apply(*(manifest(name, *ids) for name, ids in list(zip(names, many, strict=True))[first::2]))
        for number, name in enumerate(names):
            teams[number % 2].wait_for(name, within=120)
    log = place.simulator.log()
    known = max(next(e["ended"] for e in log if e["operation"] == "listFunctions" and e["key"] == key) for key in KEYS)
    calls = [entry for entry in log if entry["started"] > known]
    seconds = calls[-1]["started"] - calls[0]["started"]
    assert {entry["key"] for entry in calls} == set(KEYS)
    assert len(calls) >= 2 * RATE
    assert len(calls) <= RATE * (seconds * 1.2 + 1), f"{len(calls)} calls in {seconds:.1f} s"


def test_a_429_for_one_key_pauses_all_keys_of_the_account(place: Place, neighbour: Namespace) -> None:
    function, version = place.simulator.add_function()
    with place.operator(namespaces=f"{place.namespace.name},{neighbour.name}"):
        place.namespace.apply(place.manifest())
        neighbour.apply(manifest("echo", function, version))
        place.ready()
        neighbour.wait_for("echo")
        cursor = place.simulator.cursor
        place.simulator.fault(operation="listFunctions", key="second", status=429, retryAfter=5, count=1)
        eventually(
            lambda: {entry["key"] for entry in place.simulator.log(cursor) if entry["started"] > _pause(place)},
            lambda keys: keys == set(KEYS),
            within=60,
            what="calls of both keys after the pause",
        )
    throttled = _pause(place)
    # What was on its way when the 429 came may still arrive.
    arrived = [entry["started"] - throttled for entry in place.simulator.log(cursor)]
    assert [seconds for seconds in arrived if 1 < seconds < 4.9] == []


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param({"status": 401}, id="401"),
        pytest.param({"status": 403}, id="403 to every call"),
        pytest.param({"status": 403, "operation": ["getDeployment"]}, id="403 for deployments"),
        pytest.param({"status": 403, "functionVersionId": "its own"}, id="403 for this version alone"),
    ],
)
def test_a_refused_key_has_its_secret_read_at_once(place: Place, refusal: dict[str, Any]) -> None:
    place.simulator.add_key("second", "nvapi-second")
    with place.operator(poll_interval=600.0, busy_poll_interval=600.0):
        place.namespace.apply(place.manifest(gpu={"minInstances": 0}))  # ACTIVE at once, so that nothing is polled
        place.ready()
        if "functionVersionId" in refusal:
            refusal = {**refusal, "functionVersionId": place.version}
        place.simulator.fault(key="default", **refusal)
        place.namespace.secret("nvapi-second")
        cursor = place.simulator.cursor
        place.namespace.scale("echo", maxInstances=5)
        place.namespace.wait_until("echo", lambda found: found["status"]["instances"] == "0-5", what="the change")
        place.ready()
    refused = [entry for entry in place.simulator.log(cursor) if entry["status"] in (401, 403)]
    patched = place.simulator.log(cursor, operation="updateGpuSpecification", status=200)
    assert refused, "the old key was never refused, so nothing was shown"
    assert [entry["key"] for entry in patched] == ["second"]
    assert patched[0]["started"] - refused[0]["started"] < 15.0, "it waited for the probe of the old key"


def test_the_same_ids_at_two_base_urls_are_no_conflict(place: Place, neighbour: Namespace) -> None:
    with Simulator.start({"functions": [_function(place)]}) as elsewhere:
        neighbour.secret(KEY, NVCF_BASE_URL=elsewhere.url)
        settings = {
            "namespaces": f"{place.namespace.name},{neighbour.name}",
            "allowed_base_urls": elsewhere.url,
        }
        with place.operator(**settings):
            place.namespace.apply(place.manifest())
            place.ready()
            neighbour.apply(place.manifest())
            neighbour.wait_for("echo")
        before = [team.get("echo")["metadata"]["resourceVersion"] for team in (place.namespace, neighbour)]
        with place.operator(**settings) as operator:
            _two_polls(operator)
            after = [team.get("echo")["metadata"]["resourceVersion"] for team in (place.namespace, neighbour)]
            assert after == before
            for team, simulator in ((place.namespace, place.simulator), (neighbour, elsewhere)):
                assert len(simulator.log(operation="createDeployment")) == 1
                team.delete("echo")
                team.wait_gone("echo")
                assert simulator.allocations() == []


def _pause(place: Place) -> float:
    """When the 429 was answered."""
    return next((float(entry["ended"]) for entry in place.simulator.log() if entry["status"] == 429), float("inf"))


def _function(place: Place) -> dict[str, Any]:
    ids = {"functionId": place.function, "functionVersionId": place.version}
    return {"name": "echo", "ncaId": ACCOUNT, **ids}


def _two_polls(operator: Operator) -> None:
    start = operator.metric("nvcf_operator_polls_total")
    eventually(lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= start + 4, within=30, what="polls")
