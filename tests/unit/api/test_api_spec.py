"""Reading a manifest: names, defaults, ids, numbers, and what only the operator can check."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError

from nvcf_operator.api.spec import (
    AdoptionPolicy,
    DeletionPolicy,
    DeploymentSpecification,
    FunctionDeploymentSpec,
    ImmutableChange,
    ManagementPolicy,
    OnDrainTimeout,
    Rollout,
    UndeploySpec,
    VersionChange,
)
from nvcf_operator.api.specification import CONFIGURATION_LIMIT

FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"


def manifest(**changes: Any) -> dict[str, Any]:
    gpu = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
    return {"functionId": FUNCTION, "functionVersionId": FUNCTION, "deploymentSpecifications": [gpu], **changes}


def specification(**changes: Any) -> DeploymentSpecification:
    item = {"gpu": "L40S", "minInstances": 1, "maxInstances": 2, **changes}
    return FunctionDeploymentSpec.model_validate(manifest(deploymentSpecifications=[item])).deployment_specifications[0]


def test_what_a_manifest_leaves_out_of_the_settings_has_the_documented_default() -> None:
    spec = FunctionDeploymentSpec.model_validate(manifest())
    assert spec.rollout == Rollout(
        version_change=VersionChange.BLUE_GREEN,
        immutable_change=ImmutableChange.REJECT,
        progress_deadline_seconds=3600,
    )
    assert spec.undeploy == UndeploySpec(
        graceful=True, drain_timeout_seconds=3600, on_drain_timeout=OnDrainTimeout.FORCE
    )
    assert spec.deletion_policy is DeletionPolicy.DELETE
    assert spec.adoption_policy is AdoptionPolicy.ADOPT
    assert spec.management_policy is ManagementPolicy.MANAGE
    assert spec.credentials is None
    assert spec.suspend is False


def test_what_a_manifest_leaves_out_of_a_gpu_specification_stays_out() -> None:
    given = {"gpu": "L40S", "minInstances": 0, "maxInstances": 2}
    assert specification(**given).to_dict() == given


def test_every_field_of_a_request_survives_reading_and_writing() -> None:
    given = {
        "gpu": "H100",
        "instanceType": "NCP.GPU.H100_1x",
        "minInstances": 1,
        "maxInstances": 3,
        "maxRequestConcurrency": 16,
        "backend": "gfn",
        "clusters": [],
        "regions": ["us-east-1"],
        "attributes": ["KATA"],
        "availabilityZones": ["a", "b"],
        "preferredOrder": 2,
        "configuration": {"replicas": 2, "nested": {"list": [1, "x", None]}},
        "helmValidationPolicy": {
            "name": "Default",
            "extraKubernetesTypes": [{"group": "batch", "version": "v1", "kind": "Job"}],
        },
        "autoscalingConfiguration": {
            "scaleUpDetails": {"metric": "m", "threshold": 80, "factor": 1.5},
            "scaleDownDetails": {
                "threshold": 12,
                "factor": 0.5,
                "stickiness": {"size": "PT1H", "threshold": "PT0.5S"},
            },
        },
        "autoscalingConfigurationPolicy": "CUSTOM_CONFIGURATION",
    }
    assert specification(**given).to_dict() == given


def test_whole_numbers_are_written_as_the_manifest_has_them() -> None:
    details = {"threshold": 80, "factor": 2}
    read = specification(autoscalingConfiguration={"scaleUpDetails": details})
    assert str(read.to_dict()["autoscalingConfiguration"]["scaleUpDetails"]) == str(details)


@pytest.mark.parametrize("stored", [75.5, 75.0, 75, "75"])
def test_a_threshold_with_a_fraction_of_an_older_crd_is_cut_as_nvcf_cuts_it(stored: Any) -> None:
    details = {"threshold": stored, "factor": 2}
    read = specification(autoscalingConfiguration={"scaleUpDetails": details})
    assert str(read.to_dict()["autoscalingConfiguration"]["scaleUpDetails"]["threshold"]) == "75"


def test_ids_are_read_in_either_case_and_held_in_lower_case_as_nvcf_echoes_them() -> None:
    spec = FunctionDeploymentSpec.model_validate(manifest(functionId=FUNCTION.upper(), functionVersionId=FUNCTION))
    assert spec.function_id == spec.function_version_id == FUNCTION


def test_attributes_and_aliases_are_both_accepted() -> None:
    assert Rollout(version_change=VersionChange.RECREATE) == Rollout.model_validate({"versionChange": "Recreate"})


def test_a_field_of_a_newer_schema_is_no_error() -> None:
    assert FunctionDeploymentSpec.model_validate(manifest(later={"x": 1})) == FunctionDeploymentSpec.model_validate(
        manifest()
    )


def test_a_spec_cannot_be_changed_by_its_reader() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FunctionDeploymentSpec.model_validate(manifest()).suspend = True  # type: ignore[misc]


@dataclass(frozen=True)
class Unreadable:
    reason: str
    changes: dict[str, Any]
    where: str


UNREADABLE = [
    Unreadable("an id that is no UUID", {"functionId": "echo"}, "functionId"),
    Unreadable("no specification", {"deploymentSpecifications": []}, "deploymentSpecifications"),
    Unreadable("an unknown policy", {"deletionPolicy": "Keep"}, "deletionPolicy"),
    Unreadable("a drain of no time", {"undeploy": {"drainTimeoutSeconds": 0}}, "drainTimeoutSeconds"),
]


@pytest.mark.parametrize("case", UNREADABLE, ids=lambda case: case.reason)
def test_an_unreadable_spec_is_an_error_that_names_the_field(case: Unreadable) -> None:
    with pytest.raises(ValidationError) as caught:
        FunctionDeploymentSpec.model_validate(manifest(**case.changes))
    assert case.where in str(caught.value)


def test_errors_and_reprs_do_not_show_helm_values() -> None:
    secret = "hunter2"
    shown = repr(specification(configuration={"password": secret}))
    with pytest.raises(ValidationError) as caught:
        specification(configuration=secret)
    assert secret not in shown + str(caught.value)


@dataclass(frozen=True)
class Sized:
    reason: str
    value: str
    problems: int


def _filled(size: int, character: str = "x") -> str:
    return character * ((size - len('{"a":""}')) // len(character.encode()))


@pytest.mark.parametrize(
    "case",
    [
        Sized("exactly the limit is allowed", _filled(CONFIGURATION_LIMIT), 0),
        Sized("a byte more is not", _filled(CONFIGURATION_LIMIT + 1), 1),
        Sized("bytes count, not characters", _filled(CONFIGURATION_LIMIT + 2, "ä"), 1),
    ],
    ids=lambda case: case.reason,
)
def test_the_size_of_helm_values_is_a_problem_of_the_manifest_and_does_not_make_it_unreadable(case: Sized) -> None:
    item = {"gpu": "L40S", "minInstances": 1, "maxInstances": 1, "configuration": {"a": case.value}}
    problems = FunctionDeploymentSpec.model_validate(manifest(deploymentSpecifications=[item])).problems()
    assert len(problems) == case.problems
    assert all("spec.deploymentSpecifications[0].configuration" in problem for problem in problems)
