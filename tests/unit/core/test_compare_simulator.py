"""The comparison over real requests: what NVCF's simulator keeps of them, and shows again in an order of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client import Client
from nvcf_client.models import Deployment
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.diff.changes import Unsupported, expected_after, next_change
from nvcf_operator.core.diff.compare import compare, create_body
from nvcf_operator.core.model.decision import Patch, Put
from tests.support.simulator import ECHO, KEY, Simulator
from tests.unit.core.specification_samples import autoscaling, wanted

IDS: dict[str, Any] = {"function_id": ECHO, "function_version_id": ECHO}
H100 = {"gpu": "h100", "instanceType": "NCP.GPU.H100_1X"}
WINDOW = {"size": "PT600S", "threshold": "PT90S"}


@pytest.fixture(scope="module")
def current() -> Iterator[Simulator]:
    with Simulator.start(placement=False) as running:
        yield running


@pytest.fixture(scope="module")
def old() -> Iterator[Simulator]:
    with Simulator.start(generation="old", placement=False) as running:
        yield running


def deploy(simulator: Simulator, manifest: list[DeploymentSpecification]) -> Client:
    if ECHO in simulator.deployments():
        simulator.undeploy(ECHO)
    client = Client(api_key=KEY, base_url=simulator.url, max_retries=0, trust_env=False)
    client.deployments.functions.versions.create(**IDS, deployment_specifications=create_body(manifest))
    return client


def read(client: Client) -> Deployment:
    return client.deployments.functions.versions.get(**IDS).deployment


def carry_out(client: Client, deployment: Deployment, change: Patch | Put) -> None:
    if isinstance(change, Put):
        client.deployments.functions.versions.update(**IDS, deployment_specifications=change.specifications)
        return
    client.deployments.gpu_specifications.update(
        deployment_id=deployment.deployment_id or "",
        gpu_specification_id=change.gpu_specification_id,
        **change.arguments(),
    )


def converge(client: Client, manifest: list[DeploymentSpecification], *, patch: bool = True) -> tuple[list[str], Any]:
    """Make one call after the other until none is left; the kinds of the calls, and what stopped them."""
    calls: list[str] = []
    for _ in range(10):
        deployment = read(client)
        comparison = compare(manifest, deployment.deployment_specifications)
        change = next_change(comparison, patch_supported=patch)
        if not isinstance(change, Patch | Put):
            return calls, change if change is not None else comparison.describe()
        calls.append(type(change).__name__)
        carry_out(client, deployment, change)
        expected = compare(manifest, expected_after(change, deployment.deployment_specifications))
        shown = compare(manifest, read(client).deployment_specifications)
        assert expected.differences == shown.differences
    raise AssertionError(f"no end after {calls}: {comparison.describe()}")


ECHOED: list[tuple[list[dict[str, Any]], str]] = [
    ([{}], "the least that a manifest says"),
    ([{"gpu": "l40S", "instanceType": "ncp.gpu.l40s_1X", "backend": "nCp"}], "names in any letter case"),
    ([{"regions": ["b", "a", "b"], "attributes": [""], "availabilityZones": []}], "blanks, duplicates and empty sets"),
    (
        [{"autoscalingConfiguration": autoscaling(factor=1.23456789, stickiness=WINDOW)}],
        "a factor of more digits than are kept, durations in another spelling",
    ),
    ([{}, {}, {**H100, "maxRequestConcurrency": 7}, {"maxInstances": 9}], "several, two of them equal"),
    ([{"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"}], "the policy is no field of a POST"),
]


@pytest.mark.parametrize(("manifest", "reason"), ECHOED)
def test_what_was_posted_is_in_force_at_once(current: Simulator, manifest: list[dict[str, Any]], reason: str) -> None:
    specifications = [wanted(**item) for item in manifest]
    with deploy(current, specifications) as client:
        for _ in range(3):
            comparison = compare(specifications, read(client).deployment_specifications)
            assert comparison.in_force, f"{reason}: {comparison.describe()}"


EDITS: list[tuple[list[dict[str, Any]], list[dict[str, Any]], list[str], str]] = [
    ([{}], [{"minInstances": 5, "maxInstances": 6}], ["Patch"], "a minimum above the former maximum"),
    ([{}, H100], [H100 | {"maxInstances": 9}, {"minInstances": 0}], ["Patch", "Patch"], "one after the other"),
    (
        [{"backend": "nCp"}, H100 | {"maxRequestConcurrency": 3}],
        [H100 | {"maxInstances": 9}, {"backend": "NCP", "maxRequestConcurrency": 8}],
        ["Put"],
        "the backend is repeated as it was sent, and concurrency left out stays",
    ),
    (
        [{}],
        [{"maxRequestConcurrency": 8, "autoscalingConfiguration": autoscaling(factor=1.1)}],
        ["Put", "Patch"],
        "autoscaling goes by PATCH",
    ),
    (
        [{"autoscalingConfiguration": autoscaling(metric="cpu", stickiness=WINDOW)}],
        [{"autoscalingConfiguration": autoscaling(factor=3, threshold=75.5)}],
        ["Patch"],
        "what the manifest leaves out stays",
    ),
    (
        [{"autoscalingConfiguration": autoscaling()}],
        [{"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"}],
        ["Patch"],
        "the policy removes it",
    ),
    ([{}], [{"regions": ["eu"], "maxInstances": 9}], [], "nothing is touched while a region differs"),
]


@pytest.mark.parametrize(("before", "after", "calls", "reason"), EDITS)
def test_an_edit_is_brought_about_by_as_few_calls_as_there_can_be(
    current: Simulator, before: list[dict[str, Any]], after: list[dict[str, Any]], calls: list[str], reason: str
) -> None:
    with deploy(current, [wanted(**item) for item in before]) as client:
        made, left = converge(client, [wanted(**item) for item in after])
    assert made == calls, reason
    assert bool(left) == (not calls), left


def test_parts_of_autoscaling_that_the_manifest_leaves_out_outlive_a_patch(current: Simulator) -> None:
    first = [wanted(autoscalingConfiguration=autoscaling(metric="cpu", stickiness=WINDOW))]
    with deploy(current, first) as client:
        converge(client, [wanted(autoscalingConfiguration=autoscaling(factor=3))])
        assert compare(
            [wanted(autoscalingConfiguration=autoscaling(factor=3, metric="cpu", stickiness=WINDOW))],
            read(client).deployment_specifications,
        ).in_force


def test_an_old_server_is_changed_by_put_and_cannot_change_autoscaling(old: Simulator) -> None:
    base: dict[str, Any] = {"backend": "GFN", "gpu": "T10", "instanceType": None}
    with deploy(old, [wanted(**base)]) as client:
        edited = wanted(**base, minInstances=2, maxRequestConcurrency=8)
        assert converge(client, [edited], patch=False) == (["Put"], "")
        scaled = wanted(**base, maxInstances=9, autoscalingConfiguration=autoscaling())
        assert converge(client, [scaled], patch=False) == (["Put"], Unsupported(("autoscalingConfiguration",)))
