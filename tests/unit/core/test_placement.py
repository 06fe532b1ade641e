"""A refusal that names a GPU and an instance type, and not what is wrong."""

from typing import Any

import pytest

from nvcf_client.errors import Rejected, ServerFault
from nvcf_operator.core.report.error_messages import explained
from nvcf_operator.core.rules.error_classification import of_call
from tests.unit.core.specification_samples import wanted

NOWHERE = "No cluster has GPU 'l40s' and instance type 'NCP.GPU.L40S_1x' available"


def message_for(detail: str, *specifications: dict[str, Any], status: int = 400, formed: bool = True) -> str:
    error = Rejected(
        operation="create_deployment", method="POST", path="/", detail=detail, status=status, formed=formed
    )
    return explained(of_call(error).message, error, [wanted(**item) for item in specifications])


@pytest.mark.parametrize("status", [400, 409])
def test_what_may_be_meant_is_listed_for_the_specifications_that_nvcf_names(status: int) -> None:
    other = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "clusters": ["far"]}
    text = message_for(NOWHERE, other, {"clusters": ["b", "a"], "attributes": ["KATA"]}, status=status)
    assert (
        "deploymentSpecifications[1] (gpu L40S; instanceType NCP.GPU.L40S_1x; clusters a, b; attributes KATA)" in text
    )
    assert "deploymentSpecifications[0]" not in text
    assert "lack of a free GPU" in text


def test_an_unknown_gpu_is_found_in_the_manifest() -> None:
    text = message_for("Invalid GPU 'L4'", {"gpu": "L40S"}, {"gpu": "L4"})
    assert "deploymentSpecifications[1] (gpu L4;" in text
    assert "deploymentSpecifications[0]" not in text
    assert "free GPU" not in text


@pytest.mark.parametrize(
    ("detail", "more"),
    [
        ("Invalid GPU 'L40'", {}),
        ("minInstances must not exceed maxInstances", {}),
        ("", {}),
        (NOWHERE, {"status": 422}),
        (NOWHERE, {"formed": False}),
    ],
)
def test_what_names_nothing_of_the_manifest_is_reported_as_it_is(detail: str, more: dict[str, Any]) -> None:
    assert "may refer to" not in message_for(detail, {"clusters": ["a"]}, **more)


def test_a_failure_is_no_refusal() -> None:
    error = ServerFault(operation="create_deployment", method="POST", path="/", detail=NOWHERE, status=500, formed=True)
    message = of_call(error).message
    assert explained(message, error, [wanted()]) == message


def test_the_list_is_short_however_long_the_manifest_is() -> None:
    many = {"clusters": [f"cluster-{number}" for number in range(64)], "regions": ["r" * 250]}
    text = message_for(NOWHERE, *([many] * 16))
    assert "and 59 more" in text
    assert "and 13 more" in text
    assert len(text) < 1700
