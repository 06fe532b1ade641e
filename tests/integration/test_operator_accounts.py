"""Two keys of one NVCF account share its pace; the same ids at two base URLs have nothing to do with each other."""

from typing import Any

import pytest

from tests.support.cluster import Namespace, manifest
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import ACCOUNT, KEY, Simulator
from tests.support.waiting import eventually

RATE = 10
KEYS = ("default", "second")


@pytest.fixture
def neighbour(sandbox: Sandbox) -> Namespace:
    """A second namespace, with another key of the same account."""
    name = f"{sandbox.namespace.name}-neighbour"
    sandbox.namespace.plane.kubectl("create", "namespace", name)
    sandbox.simulator.add_key("second", "nvapi-second")
    other = Namespace(sandbox.namespace.plane, name)
    other.secret("nvapi-second")
    return other


def test_two_keys_of_an_account_stay_at_its_rate_together(sandbox: Sandbox, neighbour: Namespace) -> None:
    teams = (sandbox.namespace, neighbour)
    many = sandbox.simulator.add_functions("many", 30)
    names = [f"echo-{number}" for number in range(len(many))]
    with sandbox.operator(namespaces=f"{sandbox.namespace.name},{neighbour.name}", nvcf_rate=RATE):
        for team, first in zip(teams, (0, 1), strict=True):
            team.apply(*(manifest(name, *ids) for name, ids in list(zip(names, many, strict=True))[first::2]))
        for number, name in enumerate(names):
            teams[number % 2].wait_for(name, within=120)
    log = sandbox.simulator.log()
    known = max(next(e["ended"] for e in log if e["operation"] == "listFunctions" and e["key"] == key) for key in KEYS)
    calls = [entry for entry in log if entry["started"] > known]
    seconds = calls[-1]["started"] - calls[0]["started"]
    assert {entry["key"] for entry in calls} == set(KEYS)
    assert len(calls) >= 2 * RATE
    assert len(calls) <= RATE * (seconds * 1.2 + 1), f"{len(calls)} calls in {seconds:.1f} s"


def test_a_429_for_one_key_pauses_all_keys_of_the_account(sandbox: Sandbox, neighbour: Namespace) -> None:
    function, version = sandbox.simulator.add_function()
    with sandbox.operator(namespaces=f"{sandbox.namespace.name},{neighbour.name}"):
        sandbox.namespace.apply(sandbox.manifest())
        neighbour.apply(manifest("echo", function, version))
        sandbox.ready()
        neighbour.wait_for("echo")
        cursor = sandbox.simulator.cursor
        sandbox.simulator.fault(operation="listFunctions", key="second", status=429, retryAfter=5, count=1)
        eventually(
            lambda: {entry["key"] for entry in sandbox.simulator.log(cursor) if entry["started"] > _pause(sandbox)},
            lambda keys: keys == set(KEYS),
            within=60,
            what="calls of both keys after the pause",
        )
    throttled = _pause(sandbox)
    # What was on its way when the 429 came may still arrive.
    arrived = [entry["started"] - throttled for entry in sandbox.simulator.log(cursor)]
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
def test_a_refused_key_has_its_secret_read_at_once(sandbox: Sandbox, refusal: dict[str, Any]) -> None:
    sandbox.simulator.add_key("second", "nvapi-second")
    with sandbox.operator(poll_interval=600.0, busy_poll_interval=600.0):
        sandbox.namespace.apply(sandbox.manifest(gpu={"minInstances": 0}))  # ACTIVE at once, so that nothing is polled
        sandbox.ready()
        if "functionVersionId" in refusal:
            refusal = {**refusal, "functionVersionId": sandbox.version}
        sandbox.simulator.fault(key="default", **refusal)
        sandbox.namespace.secret("nvapi-second")
        cursor = sandbox.simulator.cursor
        sandbox.namespace.scale("echo", maxInstances=5)
        sandbox.namespace.wait_until("echo", lambda found: found["status"]["instances"] == "0-5", what="the change")
        sandbox.ready()
    refused = [entry for entry in sandbox.simulator.log(cursor) if entry["status"] in (401, 403)]
    patched = sandbox.simulator.log(cursor, operation="updateGpuSpecification", status=200)
    assert refused, "the old key was never refused, so nothing was shown"
    assert [entry["key"] for entry in patched] == ["second"]
    assert patched[0]["started"] - refused[0]["started"] < 15.0, "it waited for the probe of the old key"


def test_the_same_ids_at_two_base_urls_are_no_conflict(sandbox: Sandbox, neighbour: Namespace) -> None:
    with Simulator.start({"functions": [_function(sandbox)]}) as elsewhere:
        neighbour.secret(KEY, NVCF_BASE_URL=elsewhere.url)
        settings: dict[str, Any] = {
            "namespaces": f"{sandbox.namespace.name},{neighbour.name}",
            "allowed_base_urls": elsewhere.url,
        }
        with sandbox.operator(**settings):
            sandbox.namespace.apply(sandbox.manifest())
            sandbox.ready()
            neighbour.apply(sandbox.manifest())
            neighbour.wait_for("echo")
        before = [team.get("echo")["metadata"]["resourceVersion"] for team in (sandbox.namespace, neighbour)]
        with sandbox.operator(**settings) as operator:
            _two_polls(operator)
            after = [team.get("echo")["metadata"]["resourceVersion"] for team in (sandbox.namespace, neighbour)]
            assert after == before
            for team, simulator in ((sandbox.namespace, sandbox.simulator), (neighbour, elsewhere)):
                assert len(simulator.log(operation="createDeployment")) == 1
                team.delete("echo")
                team.wait_gone("echo")
                assert simulator.allocations() == []


def _pause(sandbox: Sandbox) -> float:
    """When the 429 was answered."""
    return next((float(entry["ended"]) for entry in sandbox.simulator.log() if entry["status"] == 429), float("inf"))


def _function(sandbox: Sandbox) -> dict[str, Any]:
    ids = {"functionId": sandbox.function, "functionVersionId": sandbox.version}
    return {"name": "echo", "ncaId": ACCOUNT, **ids}


def _two_polls(operator: Operator) -> None:
    start = operator.metric("nvcf_operator_polls_total")
    eventually(lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= start + 4, within=30, what="polls")
