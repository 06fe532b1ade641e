"""What a deployment shows, written as a manifest: it means the same, the CRD takes it, and omissions are reported."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvcf_client.models import GpuSpecification
from nvcf_client.text import duration_seconds
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.commands.specifications import NotExpressibleError, written
from nvcf_operator.core.diff.compare import compare, create_body
from tests.support.examples import examples

KEY = "nvapi-test-hunter2"
BASE: dict[str, Any] = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
SIGHT = {
    "gpuSpecificationId": "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a",
    "cpuArch": "amd64",
    "gpuMemory": "48G",
    "os": "l",
}
WINDOW = {"size": "PT10M", "threshold": "PT1M"}

patient = settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])

text = st.text(max_size=6)
names = st.none() | st.lists(st.sampled_from(["a", "b", "", " ", "é"]) | text, max_size=70)
windows = st.sampled_from(
    ["PT10M", "PT600S", "PT1H30M", "PT0.5S", "PT0.0001S", "P1D", "PT-5S", "soon", 60, 0.25, "PT1H"]
)
details = st.fixed_dictionaries(
    {"factor": st.floats(-1, 100), "threshold": st.sampled_from([0, 20, 75.5, 100, 101, -1])},
    optional={
        "metric": st.sampled_from(["", " ", "cpu", "x" * 300]) | text,
        "stickiness": st.none() | st.fixed_dictionaries({"size": windows, "threshold": windows}),
    },
)
charts = st.dictionaries(
    text,
    st.recursive(
        st.sampled_from([None, True, 0, 1.5, "1", "nvapi-test-hunter2"]) | text,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    ),
    max_size=3,
)
shown = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from(["L40S", "l40s", "1e5", "yes"]),
        "minInstances": st.integers(0, 3),
        "maxInstances": st.integers(3, 2**31 - 1),
    },
    optional={
        "instanceType": st.sampled_from([None, "", "NCP.GPU.L40S_1x"]),
        "backend": st.sampled_from([None, "", " ", "NCP", "nCp", "x" * 300]),
        "clusters": names,
        "regions": names,
        "attributes": names,
        "availabilityZones": names,
        "maxRequestConcurrency": st.integers(0, 20_000),
        "preferredOrder": st.integers(0, 120),
        "configuration": st.none() | charts,
        "helmValidationPolicy": st.none()
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["Default", "unrestricted", "Strict"])},
            optional={
                "extraKubernetesTypes": st.none()
                | st.lists(st.just({"group": "batch", "version": "v1", "kind": "Job"}), max_size=2)
            },
        ),
        "autoscalingConfiguration": st.none()
        | st.fixed_dictionaries({}, optional={"scaleUpDetails": st.none() | details, "scaleDownDetails": details}),
        **{name: st.just(value) for name, value in SIGHT.items()},
    },
)
deployments = st.lists(shown.map(GpuSpecification.model_validate), min_size=1, max_size=4)


def found(**fields: Any) -> GpuSpecification:
    return GpuSpecification.model_validate({**BASE, **SIGHT, **fields})


def one(*, with_configuration: bool = False, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The one specification of a manifest, without what every one has, and what is left out."""
    result = written([found(**fields)], with_configuration=with_configuration, key=KEY)
    (specification,) = result.specifications
    return {name: value for name, value in specification.to_dict().items() if BASE.get(name) != value}, result.left_out


@patient
@given(deployments, st.booleans(), st.data())
def test_what_is_written_is_in_force_and_does_not_depend_on_the_order(
    deployed: list[GpuSpecification], with_configuration: bool, data: st.DataObject
) -> None:
    result = written(deployed, with_configuration=with_configuration, key=KEY)
    comparison = compare(result.specifications, deployed)
    assert comparison.in_force, comparison.describe()
    again = written(data.draw(st.permutations(deployed)), with_configuration=with_configuration, key=KEY)
    assert again == result
    assert KEY not in json.dumps([item.to_dict() for item in result.specifications])


@patient
@given(deployments)
def test_what_is_written_keeps_the_rules_that_only_the_api_server_knows(deployed: list[GpuSpecification]) -> None:
    for item in written(deployed, with_configuration=True, key=KEY).specifications:
        body = item.to_dict()
        DeploymentSpecification.model_validate(body)
        assert body["minInstances"] <= body["maxInstances"]
        assert not (body.get("backend") and body.get("clusters"))
        for name in ("clusters", "regions", "attributes", "availabilityZones"):
            assert body.get(name) is None or len(set(body[name])) == len(body[name]) > 0
        for part in body.get("autoscalingConfiguration", {}).values():
            if "stickiness" in part:
                size, threshold = (duration_seconds(part["stickiness"][name]) for name in ("size", "threshold"))
                assert threshold < size <= 3600
        json.dumps(body, allow_nan=False)


@patient
@given(st.lists(shown, min_size=1, max_size=4))
def test_a_deployment_made_of_what_is_written_is_written_the_same_again(bodies: list[dict[str, Any]]) -> None:
    first = written([GpuSpecification.model_validate(body) for body in bodies], with_configuration=True, key=KEY)
    second = written(create_body(first.specifications), with_configuration=True, key=KEY)
    assert second.specifications == first.specifications
    assert second.left_out == ()


def test_all_that_a_request_may_carry_is_written_and_nothing_else() -> None:
    more = {
        "clusters": ["b", "a"],
        "regions": ["eu"],
        "attributes": ["KATA"],
        "availabilityZones": ["z"],
        "maxRequestConcurrency": 8,
        "preferredOrder": 2,
        "configuration": {"replicas": 2, "none": None},
        "helmValidationPolicy": {
            "name": "Default",
            "extraKubernetesTypes": [{"group": "batch", "version": "v1", "kind": "Job"}],
        },
        "autoscalingConfiguration": {
            "scaleUpDetails": {"metric": "cpu", "factor": 2, "threshold": 80, "stickiness": WINDOW},
            "scaleDownDetails": {"factor": 0.5, "threshold": 20},
        },
    }
    body, left_out = one(with_configuration=True, **more)
    assert body == {**more, "clusters": ["a", "b"]}
    assert left_out == ()
    known = {field.alias for field in DeploymentSpecification.model_fields.values()}
    assert known == {*BASE, *more, "backend", "autoscalingConfigurationPolicy"}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("an old server without instance types shows a blank one", {"instanceType": ""}, {}, ""),
    ("a blank backend is none", {"backend": " "}, {}, ""),
    ("blanks and duplicates of a set are nothing", {"regions": ["b", "", "b", "a"]}, {"regions": ["a", "b"]}, ""),
    ("an empty set is none", {"regions": []}, {}, ""),
    ("more names than the CRD takes", {"regions": [str(i) for i in range(65)]}, {}, "[0].regions: a value"),
    ("clusters go before a backend", {"backend": "NCP", "clusters": ["a"]}, {"clusters": ["a"]}, "[0].backend: a man"),
    ("out of the CRD's range", {"maxRequestConcurrency": 20_000}, {}, "[0].maxRequestConcurrency: a value"),
    ("an empty object of Helm values says nothing", {"configuration": {}}, {}, ""),
    (
        "Helm values may contain secrets",
        {"configuration": {"a": 1}},
        {},
        "[0].configuration: Helm values may contain sec",
    ),
    (
        "the name of a policy in another case",
        {"helmValidationPolicy": {"name": "UNRESTRICTED", "extraKubernetesTypes": []}},
        {"helmValidationPolicy": {"name": "Unrestricted"}},
        "",
    ),
    ("a policy that the CRD does not know", {"helmValidationPolicy": {"name": "X"}}, {}, "[0].helmValidationPolicy: a"),
    ("an empty object of autoscaling says nothing", {"autoscalingConfiguration": {}}, {}, ""),
    (
        "of a direction that the CRD refuses the other one stays",
        {
            "autoscalingConfiguration": {
                "scaleUpDetails": {"factor": 2, "threshold": 101},
                "scaleDownDetails": {"factor": 0.5, "threshold": 1},
            }
        },
        {"autoscalingConfiguration": {"scaleDownDetails": {"factor": 0.5, "threshold": 1}}},
        "[0].autoscalingConfiguration.scaleUpDetails: a value",
    ),
    (
        "a metric that is too long",
        {"autoscalingConfiguration": {"scaleUpDetails": {"factor": 2, "threshold": 1, "metric": "x" * 300}}},
        {"autoscalingConfiguration": {"scaleUpDetails": {"factor": 2, "threshold": 1}}},
        "[0].autoscalingConfiguration.scaleUpDetails.metric: a value",
    ),
    (
        "a number that JSON cannot say",
        {"autoscalingConfiguration": {"scaleUpDetails": {"factor": float("inf"), "threshold": 1}}},
        {},
        "[0].autoscalingConfiguration.scaleUpDetails: a value",
    ),
    (
        "nothing is left of the autoscaling",
        {"autoscalingConfiguration": {"scaleUpDetails": {"factor": 1, "threshold": 1}}},
        {},
        "[0].autoscalingConfiguration.scaleUpDetails: a value",
    ),
]


@pytest.mark.parametrize(("reason", "fields", "body", "note"), CASES, ids=[case[0] for case in CASES])
def test_what_a_manifest_cannot_say_is_left_out_and_reported(
    reason: str, fields: dict[str, Any], body: dict[str, Any], note: str
) -> None:
    seen, left_out = one(**fields)
    assert seen == body, reason
    assert len(left_out) == bool(note), left_out
    assert all(f"deploymentSpecifications{note}" in item for item in left_out), left_out


@pytest.mark.parametrize(
    ("size", "threshold", "kept"),
    [
        ("PT600S", 60, {"size": "PT10M", "threshold": "PT1M"}),
        ("PT1H", "PT0S", {"size": "PT1H", "threshold": "PT0S"}),
        (5400 / 2, "PT1M30.25S", {"size": "PT45M", "threshold": "PT1M30.25S"}),
        ("PT1H1S", "PT1M", None),
        ("PT1M", "PT1M", None),
        ("PT1M", "PT0.0001S", None),
        ("PT1M", "-PT1S", None),
        ("a while", "PT1S", None),
    ],
)
def test_durations_are_written_as_the_crd_reads_them_or_left_out(
    size: object, threshold: object, kept: dict[str, str] | None
) -> None:
    up = {"factor": 2, "threshold": 1, "stickiness": {"size": size, "threshold": threshold}}
    body, left_out = one(autoscalingConfiguration={"scaleUpDetails": up})
    assert body["autoscalingConfiguration"]["scaleUpDetails"].get("stickiness") == kept
    assert len(left_out) == (kept is None)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"a": [{"b": f"x{KEY}y"}]}, "the API key itself"),
        ({KEY: 1}, "the API key itself"),
        ({"a": "x" * 33_000}, "more than 32768 bytes"),
        ({"a": float("inf")}, "a number that Kubernetes cannot store"),
    ],
)
def test_helm_values_that_cannot_stand_in_a_manifest_are_left_out_even_when_asked_for(values: Any, why: str) -> None:
    body, (note,) = one(with_configuration=True, configuration=values)
    assert body == {}
    assert why in note
    assert KEY not in note


@pytest.mark.parametrize(
    ("values", "reported"),
    [
        ({"a": None}, True),
        ({"a": [{"b": {"c": None}}]}, True),
        ({"a": [None, {}]}, False),
        ({"a": ""}, False),
    ],
)
def test_null_in_helm_values_is_reported_since_kubectl_apply_drops_it(values: Any, reported: bool) -> None:
    result = written([found(configuration=values)], with_configuration=True)
    assert result.specifications[0].configuration == values
    assert [("--server-side" in item) for item in result.remarks] == [True] * reported
    assert written([found(configuration=values)]).remarks == ()


@pytest.mark.parametrize(
    ("deployed", "why"),
    [
        ([], "0 GPU specifications"),
        ([found()] * 17, "17 GPU specifications"),
        ([found(gpu="")], "its gpu"),
        ([found(minInstances=5)], "its minInstances is greater"),
        ([found(maxInstances=0)], "its maxInstances"),
    ],
)
def test_a_deployment_that_no_manifest_can_stand_for_is_refused(deployed: list[GpuSpecification], why: str) -> None:
    with pytest.raises(NotExpressibleError, match=re.escape(why)):
        written(deployed)


def test_of_two_that_are_written_alike_the_one_with_something_left_out_has_a_fixed_place() -> None:
    alike, other = found(), found(maxRequestConcurrency=20_000)
    assert written([alike, other], with_configuration=False, key=KEY) == written(
        [other, alike], with_configuration=False, key=KEY
    )
