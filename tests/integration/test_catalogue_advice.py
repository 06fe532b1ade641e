"""The operator compares what it deploys with NVCF's catalogue: advice, for which nothing waits."""

from pathlib import Path
from typing import Any

from tests.support.cluster import condition_of, manifest
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

TYPES, CAPACITY, POST = "listAvailableInstanceTypes", "listInstanceTypes", "createDeployment"
CLUSTER = {"clusters": ["ncp-cluster-l"], "minInstances": 0}
INSTANCE_TYPE = {"instanceType": "NCP.GPU.L40S-1x<&>"}
PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def resource(sandbox: Sandbox, name: str, gpu: dict[str, Any], **spec: Any) -> str:
    """Apply a resource with a function of its own; the id of the version."""
    function, version = sandbox.simulator.add_function(f"{name}-ünï")
    sandbox.namespace.apply(manifest(name, function, version, gpu=gpu, **spec))
    return version


def advice(sandbox: Sandbox, name: str) -> list[tuple[str, str]]:
    return [(kind, text) for kind, reason, text in sandbox.namespace.events(name) if reason == "UnknownName"]


def message_of(sandbox: Sandbox, name: str) -> str:
    """The text of the Event."""
    ((kind, text),) = eventually(lambda: advice(sandbox, name), bool, within=60, what=f"the Event about {name}")
    assert kind == "Warning"
    return text


def refused(sandbox: Sandbox, name: str) -> str:
    """The message of a refused POST."""
    found = sandbox.namespace.wait_for(name, "Ready", "False", reason="Rejected", within=60)
    return str(condition_of(found, "Ready")["message"])


def test_unknown_names_are_reported_and_nothing_waits_for_the_catalogue(sandbox: Sandbox) -> None:
    simulator = sandbox.simulator
    simulator.add_key("narrow", token="nvapi-narrow", scopes=["deploy_function", "list_functions"])
    sandbox.namespace.secret("nvapi-simulator", OTHER="nvapi-narrow")
    simulator.fault(operation=TYPES, count=1, delay=6.0, when="after", key="default")
    url = simulator.url.replace("/v2/nvcf", "/v2/orgs/acme/nvcf")
    with sandbox.operator(nvcf_catalogue_url=url) as operator:
        # A place that NVCF itself never reports, as nothing runs; the catalogue comes after the POST.
        slow = resource(sandbox, "slow", CLUSTER)
        sandbox.namespace.wait_for("slow", within=60)
        text = message_of(sandbox, "slow")
        assert ".clusters: the catalogue has no cluster ncp-cluster-l; did you mean ncp-cluster-1?" in text
        (post,) = simulator.log(operation=POST, functionVersionId=slow)
        (read,) = simulator.log(operation=TYPES)
        assert post["ended"] < read["ended"], "the POST has not waited"

        # A name that NVCF refuses: its words, and what may be meant.
        for name in ("wrong", "wrong-too"):
            resource(sandbox, name, INSTANCE_TYPE)
        for name in ("wrong", "wrong-too"):
            message = refused(sandbox, name)
            assert "Invalid instance type 'NCP.GPU.L40S-1x<&>'" in message
            assert "of GPU L40S; did you mean NCP.GPU.L40S_1x?" in message
            assert message_of(sandbox, name).replace("<&>", "") in PAGE.read_text()

        # A key that may not read it: the same, without advice.
        other = {"credentials": {"secretRef": {"name": "nvcf-credentials", "key": "OTHER"}}}
        resource(sandbox, "blind", CLUSTER, **other)
        sandbox.namespace.wait_for("blind", within=60)
        resource(sandbox, "blind-too", INSTANCE_TYPE, **other)
        message = refused(sandbox, "blind-too")
        assert "Invalid instance type" in message
        assert "catalogue" not in message
        resource(sandbox, "right", {})
        sandbox.namespace.wait_for("right", within=60)

        reads = [(entry["operation"], entry["key"]) for entry in simulator.log() if "/ngc/nvcf/" in entry["path"]]
        assert sorted(reads) == [(TYPES, "default"), (TYPES, "narrow"), (CAPACITY, "default")]
        shown = [len(advice(sandbox, name)) for name in ("slow", "wrong", "wrong-too", "blind", "blind-too", "right")]
        assert shown == [1, 1, 1, 0, 0, 0]
        assert operator.metric("nvcf_operator_catalogue_reads_total", result="success") == 2
        assert operator.metric("nvcf_operator_catalogue_reads_total", result="refused") == 1
