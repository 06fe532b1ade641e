"""What a caller gives is read strictly, and every mistake is named by item and field."""

from typing import Any

import pytest

from nvcf_client.endpoints.arguments import to_post, to_put
from nvcf_client.models import AutoscalingConfiguration, GpuSpecification, ScaleDetails

PLAIN: dict[Any, Any] = {"gpu": "L40", "min_instances": 1, "max_instances": 2}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"gpu": "L40", "min_instances": 1, "max_instances": 2}, "snake_case"),
        ({"gpu": "L40", "minInstances": 1, "maxInstances": 2}, "NVCF's own names"),
        ({"gpu": "L40", "min_instances": 1, "maxInstances": 2}, "mixed"),
        (GpuSpecification(gpu="L40", min_instances=1, max_instances=2), "a model"),
        ({**PLAIN, "backend": None}, "None is the same as leaving it out"),
        ({**PLAIN, "gpu_specification_id": "s", "cpuArch": "amd64"}, "what the server set may be given back"),
    ],
)
def test_every_form_of_a_specification_is_sent_alike(given: Any, reason: str) -> None:
    assert to_post([given]) == [{"gpu": "L40", "minInstances": 1, "maxInstances": 2}], reason


def test_models_and_mappings_may_be_nested_in_each_other() -> None:
    autoscaling = AutoscalingConfiguration(scale_up_details=ScaleDetails(factor=2, threshold=80))
    expected = {"scaleUpDetails": {"factor": 2, "threshold": 80}}
    for given in (autoscaling, {"scale_up_details": {"factor": 2, "threshold": 80}}, expected):
        assert to_post([{**PLAIN, "autoscaling_configuration": given}])[0]["autoscalingConfiguration"] == expected


def test_a_set_may_be_given_as_any_collection() -> None:
    for clusters in (["a"], ("a",), {"a"}):
        assert to_post([{**PLAIN, "clusters": clusters}])[0]["clusters"] == ["a"]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (
            [{**PLAIN, "min_instance": 1}],
            ValueError,
            r"\[0\]\.min_instance: no such field; did you mean min_instances\?",
        ),
        ([{**PLAIN, "maxRequestConcurency": 1}], ValueError, "did you mean max_request_concurrency"),
        ([PLAIN, {**PLAIN, "zzz": 1}], ValueError, r"deployment_specifications\[1\]\.zzz: no such field"),
        ([{**PLAIN, "minInstances": 1}], ValueError, "min_instances and minInstances are the same field"),
        ([{"gpu": "L40", "min_instances": 1}], ValueError, r"maxInstances: Field required"),
        ([{**PLAIN, "min_instances": "many"}], ValueError, r"\[0\]\.min_instances: .* integer"),
        (
            [{**PLAIN, "autoscalingConfiguration": {"scaleUpDetails": {"factor": 2, "threshold": 1, "stikiness": {}}}}],
            ValueError,
            r"autoscalingConfiguration\.scaleUpDetails\.stikiness: no such field",
        ),
        ([{**PLAIN, 5: 1}], ValueError, "5"),
        ([], ValueError, "at least one"),
        (PLAIN, TypeError, "must be a list, not dict"),
        ("L40", TypeError, "must be a list, not str"),
        (None, TypeError, "must be a list, not NoneType"),
        (GpuSpecification(gpu="g", min_instances=1, max_instances=1), TypeError, "must be a list"),
        (["L40"], TypeError, r"\[0\]: must be a GpuSpecification or a mapping, not str"),
        ([None], TypeError, "not NoneType"),
    ],
)
def test_a_mistake_is_refused_by_name(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        to_post(given)


def test_a_mistake_shows_no_values() -> None:
    with pytest.raises(ValueError, match="configuration") as caught:
        to_post([{**PLAIN, "configuration": ["hunter2"], "backend": {"x": "hunter2"}}])
    assert "hunter2" not in str(caught.value)


def test_a_put_takes_of_a_model_what_a_put_carries() -> None:
    read = GpuSpecification.model_validate({**PLAIN, "gpuSpecificationId": "s", "backend": "B", "regions": ["r"]})
    expected = {"gpuSpecificationId": "s", "backend": "B", "minInstances": 1, "maxInstances": 2}
    assert to_put([read]) == [expected]


def test_a_put_refuses_a_mapping_that_asks_for_more_than_it_can_change() -> None:
    with pytest.raises(ValueError, match=r"\[0\]: a PUT cannot change preferred_order, regions"):
        to_put([{**PLAIN, "regions": ["r"], "preferredOrder": 2}])


def test_a_put_accepts_a_mapping_with_what_the_server_set() -> None:
    assert (
        to_put([{**PLAIN, "gpu_specification_id": "s", "os": "linux", "regions": None}])[0]["gpuSpecificationId"] == "s"
    )
