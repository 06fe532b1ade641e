"""What the catalogue says of a manifest: unknown names, names that do not exist together, what is free, the quota."""

import json
from typing import Any

import pytest

from nvcf_client.catalogue import read_available, read_capacity, read_quota
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.catalogue.advice import advise, after_refusal, unknown_names
from nvcf_operator.core.catalogue.checks import findings
from nvcf_operator.core.catalogue.model import Catalogue, catalogue_of, gpus_per_instance
from nvcf_operator.core.catalogue.names import nearest

AVAILABLE = {
    "H100": [
        {
            "name": "ON-PREM.GPU.H100_8x",
            "value": "dgx.h100<8>",
            "clusters": ["café-1", "ost"],
            "regions": ["us-east-1", "eu-<&>"],
            "attributes": ["KATA", "HIPAA"],
        },
        {"name": "ON-PREM.GPU.H100_1x", "value": "h1", "clusters": ["ost"], "regions": ["eu-<&>"], "attributes": []},
    ],
    "L40S": [{"name": "g6e.full", "gpuCount": 2, "clusters": ["west"], "regions": ["us-west-1"]}],
}
USED = {
    "H100": [
        {
            "instanceName": "ON-PREM.GPU.H100_8x",
            "regions": [
                {
                    "regionName": "us-east-1",
                    "clusters": [{"clusterName": "café-1", "usage": {"availableInstances": 2, "maxInstances": 4}}],
                },
                {"regionName": "eu-<&>", "clusters": [{"clusterName": "ost", "usage": {"availableInstances": 1}}]},
            ],
        }
    ],
    "GB200": [{"instanceName": "only.full_4x", "regions": []}],
}
RULES = {"gpus": [{"name": "h100", "limit": 16, "clusters": [{"names": "ost, west", "limit": 8}]}]}


def known(available: Any = AVAILABLE, used: Any = USED, rules: Any = RULES) -> Catalogue:
    return catalogue_of(
        read_available(json.dumps(available).encode()),
        read_capacity(json.dumps(used).encode()),
        read_quota(json.dumps(rules).encode()),
    )


def wanted(**changes: Any) -> DeploymentSpecification:
    plain = {"gpu": "H100", "instanceType": "ON-PREM.GPU.H100_8x", "minInstances": 1, "maxInstances": 4}
    return DeploymentSpecification.model_validate({**plain, **changes})


def said(**changes: Any) -> list[str]:
    return [str(finding) for finding in findings([wanted(**changes)], known())]


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"gpu": "h100", "instanceType": "on-prem.gpu.h100_8X"},
        {"clusters": ["CAFÉ-1"], "regions": ["US-EAST-1"], "attributes": ["kata", "HIPAA"]},
        {"gpu": "GB200", "instanceType": "only.full_4x", "clusters": ["anywhere"]},
        {"instanceType": "ON-PREM.GPU.H100_1x", "attributes": ["nobody gave the attributes of this type"]},
    ],
)
def test_what_the_catalogue_has_or_does_not_list_is_no_finding(fine: dict[str, Any]) -> None:
    assert said(**fine) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"gpu": "H-100"}, ".gpu: the catalogue has no GPU H-100; instance type ON-PREM.GPU.H100_8x is one of H100"),
        ({"gpu": "H10O", "instanceType": "x"}, ".gpu: the catalogue has no GPU H10O; did you mean H100?"),
        (
            {"gpu": "ΩΩΩ", "instanceType": "x"},
            ".gpu: the catalogue has no GPU ΩΩΩ; its GPUs: GB200, H100, L40S",
        ),
        (
            {"instanceType": "ON-PREM.GPU.H100_4x"},
            ".instanceType: the catalogue has no instance type ON-PREM.GPU.H100_4x of GPU H100; did you mean "
            "ON-PREM.GPU.H100_8x or ON-PREM.GPU.H100_1x?",
        ),
        (
            {"instanceType": "DGX.H100<8>"},
            ".instanceType: DGX.H100<8> is a value of the catalogue, not a name; NVCF wants the name: "
            "ON-PREM.GPU.H100_8x",
        ),
        (
            {"instanceType": "g6e.full"},
            ".instanceType: the catalogue has no instance type g6e.full of GPU H100; it is one of GPU L40S; those of "
            "H100: ON-PREM.GPU.H100_1x, ON-PREM.GPU.H100_8x",
        ),
        ({"clusters": ["cafe-1"]}, ".clusters: the catalogue has no cluster cafe-1; did you mean café-1?"),
        (
            {"clusters": ["west"]},
            ".clusters: cluster west does not have H100 and ON-PREM.GPU.H100_8x; those that do: café-1, ost",
        ),
        ({"regions": ["us_east_1"]}, ".regions: the catalogue has no region us_east_1; did you mean us-east-1?"),
        ({"attributes": ["Kata!"]}, ".attributes: the catalogue has no attribute Kata!; did you mean KATA?"),
        (
            {"clusters": ["café-1"], "regions": ["EU-<&>"]},
            ".regions: none of the clusters café-1 is in EU-<&>; they are in us-east-1",
        ),
    ],
)
def test_what_it_lacks_is_named_with_what_may_be_meant(changes: dict[str, Any], text: str) -> None:
    assert said(**changes) == [f"deploymentSpecifications[0]{text}"]


def test_an_empty_or_unreadable_catalogue_says_nothing() -> None:
    assert findings([wanted(gpu="?")], known({}, {}, {})) == ()
    assert advise([wanted(gpu="?")], Catalogue()) == ()
    assert findings([wanted(gpu="?")], known(["H100"], [7], None)) == ()


def test_what_only_the_capacity_shows_is_known() -> None:
    assert findings([wanted(gpu="GB200", instanceType="only.full_4x")], known()) == ()


def test_names_that_differ_in_case_and_signs_alone_come_first() -> None:
    assert nearest("h100-8X", ["h100_7x", "H100_8x", "other"])[0] == "H100_8x"
    assert nearest("", ["a"]) == ()
    assert nearest("zzz", []) == ()


def test_what_is_free_and_the_quota_stand_beside_what_is_ordered() -> None:
    lines = advise([wanted(minInstances=3, clusters=["ost"]), wanted(gpu="L40S", instanceType="g6e.full")], known())
    assert lines == (
        "deploymentSpecifications[0]: orders 3 to 4 instances of ON-PREM.GPU.H100_8x; 1 is free in the places that it "
        "names, fewer than minInstances",
        "orders 32 GPUs H100 at most; the quota is 16 in all, 8 on ost, west",
    )
    assert advise([wanted(gpu="L4", instanceType="x")], known())[0].endswith("did you mean L40S?")


@pytest.mark.parametrize(
    ("gpu", "instance_type", "count"),
    [
        ("h100", "on-prem.gpu.H100_8x", 8),
        ("L40S", "g6e.full", 2),
        ("H100", "unknown_16X", 16),
        ("H100", "plain", None),
        ("H100", None, None),
        ("H100", "br20_2xlarge", None),
        ("H100", "odd_0x", None),
    ],
)
def test_the_gpus_of_an_instance(gpu: str, instance_type: str | None, count: int | None) -> None:
    assert gpus_per_instance(known(), gpu, instance_type) == count


def test_without_a_catalogue_the_name_alone_says_the_gpus() -> None:
    assert gpus_per_instance(None, "H100", "NCP.GPU.H100_4x") == 4


def test_texts_are_bounded_and_on_one_line() -> None:
    many = findings([wanted(gpu=f"GPU-{index}\n" + "x" * 200, clusters=["?"] * 9) for index in range(9)], known())
    note = unknown_names(many)
    assert (note.warning, note.reason) == (True, "UnknownName")
    assert len(note.message) < 1000
    assert "\n" not in note.message
    assert "more" in note.message
    assert after_refusal(()) == ""
    assert after_refusal(many[:1]).startswith(" By NVCF's catalogue: deploymentSpecifications[0].gpu: ")
