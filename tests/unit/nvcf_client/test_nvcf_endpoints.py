"""Every call as it goes out: method, path, query and body."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from nvcf_client import endpoints
from nvcf_client.answers import Answer
from nvcf_client.endpoints.deployments import allocating, create_timeout
from nvcf_client.models import GpuSpecification
from nvcf_client.requests import Request
from nvcf_operator.api.spec import DeploymentSpecification

FV: dict[str, Any] = {"function_id": "F", "function_version_id": "V"}
SPECIFICATION = {"gpu": "G", "min_instances": 1, "max_instances": 2}
SENT = b'{"deploymentSpecifications":[{"gpu":"G","maxInstances":2,"minInstances":1}]}'


@dataclass(frozen=True)
class Case:
    request: Request[Any]
    operation: str
    line: str
    scope: str
    body: bytes | None = None
    query: dict[str, str] = field(default_factory=dict)


PARTY: dict[str, Any] = {"authorized_party": {"ncaId": "a<b>", "client_id": "&"}}
ONE = b'{"authorizedParty":{"clientId":"&","ncaId":"a<b>"}}'
OF_A_FUNCTION: tuple[Callable[..., Request[Any]], ...] = (
    endpoints.list_authorizations,
    endpoints.authorize_function,
    endpoints.unauthorize_function,
    endpoints.add_authorization,
    endpoints.remove_authorization,
)
OF_A_VERSION: tuple[Callable[..., Request[Any]], ...] = (
    endpoints.get_authorizations,
    endpoints.authorize_function_version,
    endpoints.unauthorize_function_version,
    endpoints.add_version_authorization,
    endpoints.remove_version_authorization,
)


def sharing(
    ids: dict[str, str], place: str, calls: tuple[Callable[..., Request[Any]], ...]
) -> Iterator[tuple[Any, ...]]:
    """The cases of the calls about who may invoke a function, or a version."""
    wanted: list[tuple[str, dict[str, Any], bytes | None]] = [
        ("GET {}", {}, None),
        (
            "POST {}",
            {"authorized_parties": [{"nca_id": "größe"}]},
            '{"authorizedParties":[{"ncaId":"größe"}]}'.encode(),
        ),
        ("DELETE {}", {}, None),
        ("PATCH {}/add", PARTY, ONE),
        ("PATCH {}/remove", PARTY, ONE),
    ]
    for call, (line, given, body) in zip(calls, wanted, strict=True):
        yield (
            call(**ids, **given),
            call.__name__,
            line.format(f"/authorizations{place}"),
            "authorize_clients",
            body,
        )


CASES = [
    Case(
        endpoints.create_deployment(**FV, deployment_specifications=[SPECIFICATION]),
        "create_deployment",
        "POST /deployments/functions/F/versions/V",
        "deploy_function",
        SENT,
    ),
    Case(
        endpoints.get_deployment(**FV), "get_deployment", "GET /deployments/functions/F/versions/V", "deploy_function"
    ),
    Case(
        endpoints.update_deployment(**FV, deployment_specifications=[SPECIFICATION]),
        "update_deployment",
        "PUT /deployments/functions/F/versions/V",
        "deploy_function",
        SENT,
    ),
    Case(
        endpoints.delete_deployment(**FV),
        "delete_deployment",
        "DELETE /deployments/functions/F/versions/V",
        "deploy_function",
    ),
    Case(
        endpoints.delete_deployment(**FV, graceful=True),
        "delete_deployment",
        "DELETE /deployments/functions/F/versions/V",
        "deploy_function",
        query={"graceful": "true"},
    ),
    Case(
        endpoints.delete_deployment(**FV, graceful=False),
        "delete_deployment",
        "DELETE /deployments/functions/F/versions/V",
        "deploy_function",
        query={"graceful": "false"},
    ),
    Case(
        endpoints.get_deployment_by_id(deployment_id="D"),
        "get_deployment_by_id",
        "GET /deployments/D",
        "deploy_function",
    ),
    Case(endpoints.list_deployments(), "list_deployments", "GET /deployments", "deploy_function"),
    Case(
        endpoints.update_gpu_specification(
            deployment_id="D", gpu_specification_id="S", min_instances=0, max_instances=2
        ),
        "update_gpu_specification",
        "PATCH /deployments/D/gpu-specifications/S",
        "deploy_function",
        b'{"maxInstances":2,"minInstances":0}',
    ),
    Case(
        endpoints.update_gpu_specification(
            deployment_id="D",
            gpu_specification_id="S",
            autoscaling_configuration={"scale_up_details": {"factor": 2, "threshold": 80}},
            autoscaling_configuration_policy="CUSTOM_CONFIGURATION",
        ),
        "update_gpu_specification",
        "PATCH /deployments/D/gpu-specifications/S",
        "deploy_function",
        b'{"autoscalingConfiguration":{"scaleUpDetails":{"factor":2,"threshold":80}},'
        b'"autoscalingConfigurationPolicy":"CUSTOM_CONFIGURATION"}',
    ),
    Case(endpoints.list_functions(), "list_functions", "GET /functions", "list_functions"),
    Case(
        endpoints.list_functions(visibility="private"),
        "list_functions",
        "GET /functions",
        "list_functions",
        query={"visibility": "private"},
    ),
    Case(
        endpoints.list_functions(visibility=["private", "authorized"]),
        "list_functions",
        "GET /functions",
        "list_functions",
        query={"visibility": "private,authorized"},
    ),
    Case(endpoints.list_function_ids(), "list_function_ids", "GET /functions/ids", "list_functions"),
    Case(
        endpoints.list_function_versions(function_id="F"),
        "list_function_versions",
        "GET /functions/F/versions",
        "list_functions",
    ),
    Case(
        endpoints.get_function(**FV),
        "get_function",
        "GET /functions/F/versions/V",
        "list_functions",
        query={"includeSecrets": "false"},
    ),
    Case(
        endpoints.get_function(**FV, include_secrets=True),
        "get_function",
        "GET /functions/F/versions/V",
        "list_functions",
        query={"includeSecrets": "true"},
    ),
    Case(
        endpoints.create_function(
            name="n",
            inference_url="/i",
            containerImage="c",
            health={"protocol": "HTTP", "uri": "/", "port": 80, "timeout": "PT10S", "expected_status_code": 200},
            container_environment=[{"key": "K", "value": "V"}],
        ),
        "create_function",
        "POST /functions",
        "register_function",
        b'{"containerEnvironment":[{"key":"K","value":"V"}],"containerImage":"c","health":{"expectedStatusCode":200,'
        b'"port":80,"protocol":"HTTP","timeout":"PT10S","uri":"/"},"inferenceUrl":"/i","name":"n"}',
    ),
    Case(
        endpoints.create_function_version(function_id="F", name="n", inference_url="/i", helm_chart="h"),
        "create_function_version",
        "POST /functions/F/versions",
        "register_function",
        b'{"helmChart":"h","inferenceUrl":"/i","name":"n"}',
    ),
    Case(
        endpoints.update_function_metadata(**FV, tags=["a"]),
        "update_function_metadata",
        "PUT /metadata/functions/F/versions/V",
        "update_function",
        b'{"tags":["a"]}',
    ),
    Case(
        endpoints.create_function_version(
            function_id="F",
            name="n",
            inference_url="/i",
            models=[{"name": "m", "llm_config": {"uris": ["u"]}}, {"name": "k", "version": "1", "uri": "u"}],
            resources=[{"name": "r", "version": "1", "uri": "u"}],
            rate_limit={"per_nca_id_rate": {"acme": "1-S"}, "syncCheck": False},
            telemetries={"logs_telemetry_id": "t"},
            secrets=[{"name": "s", "value": {"a": None}}, {"name": "t", "value": "x"}],
            tags=["a"],
        ),
        "create_function_version",
        "POST /functions/F/versions",
        "register_function",
        b'{"inferenceUrl":"/i","models":[{"llmConfig":{"uris":["u"]},"name":"m"},{"name":"k","uri":"u","version":"1"}],'
        b'"name":"n","rateLimit":{"perNcaIdRate":{"acme":"1-S"},"syncCheck":false},'
        b'"resources":[{"name":"r","uri":"u","version":"1"}],'
        b'"secrets":[{"name":"s","value":{"a":null}},{"name":"t","value":"x"}],"tags":["a"],'
        b'"telemetries":{"logsTelemetryId":"t"}}',
    ),
    Case(
        endpoints.update_function(**FV, tags=[], rate_limit={"rate_limit": "100-M", "exempted_nca_ids": ["acme"]}),
        "update_function",
        "PUT /functions/F/versions/V",
        "update_function",
        b'{"rateLimit":{"exemptedNcaIds":["acme"],"rateLimit":"100-M"},"tags":[]}',
    ),
    Case(
        endpoints.update_function_secrets(**FV, secrets=[{"name": "s", "value": "x"}]),
        "update_function_secrets",
        "PUT /secrets/functions/F/versions/V",
        "update_secrets",
        b'{"secrets":[{"name":"s","value":"x"}]}',
    ),
    Case(
        endpoints.update_rate_limit(**FV, rate_limit={"per_user_rate": "10-S"}),
        "update_rate_limit",
        "PUT /ratelimit/functions/F/versions/V",
        "update_function",
        b'{"rateLimit":{"perUserRate":"10-S"}}',
    ),
    Case(
        endpoints.delete_rate_limit(**FV),
        "delete_rate_limit",
        "DELETE /ratelimit/functions/F/versions/V",
        "update_function",
    ),
    Case(endpoints.delete_function(**FV), "delete_function", "DELETE /functions/F/versions/V", "delete_function"),
    Case(endpoints.get_queue(**FV), "get_queue", "GET /queues/functions/F/versions/V", "queue_details"),
    Case(endpoints.list_queues(function_id="F"), "list_queues", "GET /queues/functions/F", "queue_details"),
    Case(endpoints.get_queue_position(request_id="R"), "get_queue_position", "GET /queues/R/position", "queue_details"),
    *(Case(*case) for case in sharing({"function_id": "F"}, "/functions/F", OF_A_FUNCTION)),
    *(Case(*case) for case in sharing(FV, "/functions/F/versions/V", OF_A_VERSION)),
    Case(endpoints.list_cluster_groups(), "list_cluster_groups", "GET /clusterGroups", "list_cluster_groups"),
    Case(
        endpoints.list_available_instance_types(),
        "list_available_instance_types",
        "GET /deployments/available/instanceTypes",
        "GPU Capacity",
    ),
    Case(endpoints.list_instance_types(), "list_instance_types", "GET /deployments/instanceTypes", "GPU Capacity"),
    Case(endpoints.list_quota_rules(), "list_quota_rules", "GET /gpu/quota/rules", "Read GPU Quota Rule"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_a_call_goes_out_as_the_api_says(case: Case) -> None:
    request = case.request
    assert request.operation == case.operation
    assert f"{request.method} {request.path}" == case.line
    assert dict(request.query) == case.query
    assert request.body == case.body
    assert request.scope == case.scope


def test_every_call_is_in_the_table() -> None:
    assert {case.operation for case in CASES} == set(endpoints.__all__)


def test_only_reading_calls_are_not_mutating_and_only_posts_are_not_idempotent() -> None:
    for case in CASES:
        assert case.request.mutating == (not case.line.startswith("GET"))
        assert case.request.idempotent == (not case.line.startswith("POST"))


def test_every_call_that_creates_nothing_has_the_same_timeout() -> None:
    assert {case.request.timeout for case in CASES if not case.operation.startswith("create_")} == {30.0}


def test_a_registration_waits_for_registries() -> None:
    assert {case.request.timeout for case in CASES if case.operation.startswith("create_function")} == {120.0}


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to change"):
        endpoints.update_function(**FV)
    with pytest.raises(TypeError, match="tags"):
        endpoints.update_function(**FV, tags="a")


NONE: dict[str, Any] = {"gpu": "L40S", "instanceType": "größe & <x>", "minInstances": 0, "maxInstances": 4}
SOME = NONE | {"minInstances": 1}
MANY = NONE | {"minInstances": 4}


@pytest.mark.parametrize(
    ("given", "timeout", "reason"),
    [
        ([SOME], 40.0, "the allocator has 30 s to answer for one specification"),
        ([NONE], 40.0, "a minimum of 0 asks for nothing, and catalogue and registries are asked all the same"),
        ([NONE, NONE, NONE], 40.0, "however many these are"),
        ([SOME, SOME], 70.0, "the allocator is asked for one after the other"),
        ([NONE, SOME, NONE], 40.0, "those that ask for nothing do not count"),
        ([MANY, SOME, NONE, SOME], 100.0, "once for each, however many instances it wants"),
        ([SOME] * 16, 490.0, "as many as a manifest may hold"),
        (
            [GpuSpecification(gpu="L40S", min_instances=2, max_instances=2)] * 3,
            100.0,
            "models count as mappings do",
        ),
        (
            iter([{"gpu": "L40S", "min_instances": "1", "max_instances": 1}] * 2),
            70.0,
            "an iterator is read once, and a number may be text",
        ),
    ],
)
def test_a_post_is_waited_for_by_how_often_the_server_asks_its_allocator(
    given: Any, timeout: float, reason: str
) -> None:
    request = endpoints.create_deployment(function_id="f", function_version_id="v", deployment_specifications=given)
    assert request.timeout == timeout, reason
    assert request.body is not None


def test_specifications_of_a_manifest_and_of_an_answer_count_alike() -> None:
    manifest = [DeploymentSpecification.model_validate(item) for item in (SOME, NONE, MANY)]
    answer = [GpuSpecification.model_validate(item) for item in (SOME, NONE, MANY)]
    assert allocating(manifest) == allocating(answer) == 2
    assert allocating([]) == 0
    assert create_timeout(0) == create_timeout(1) < create_timeout(2)


@pytest.mark.parametrize(
    ("given", "segment"),
    [("a/b", "a%2Fb"), ("../x", "..%2Fx"), ("a?b#c", "a%3Fb%23c"), ("a b", "a%20b"), ("%2e", "%252e"), ("é", "%C3%A9")],
)
def test_no_id_can_lead_to_another_call(given: str, segment: str) -> None:
    assert endpoints.get_deployment_by_id(deployment_id=given).path == f"/deployments/{segment}"


@pytest.mark.parametrize("given", ["", ".", ".."])
def test_an_id_that_would_vanish_from_the_path_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        endpoints.get_deployment(function_id=given, function_version_id="V")


def test_an_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="must be text, not NoneType"):
        endpoints.get_deployment_by_id(deployment_id=None)  # type: ignore[arg-type]


def test_a_patch_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to change"):
        endpoints.update_gpu_specification(deployment_id="D", gpu_specification_id="S")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: endpoints.create_function(name="n", inference_url="/", container_imag="c"), "container_image"),
        (lambda: endpoints.create_function(name=1, inference_url="/"), "name"),  # type: ignore[arg-type]
        (
            lambda: endpoints.update_gpu_specification(
                deployment_id="D", gpu_specification_id="S", autoscaling_configuration={"scaleUp": {}}
            ),
            "autoscaling_configuration.scaleUp: no such field",
        ),
    ],
)
def test_a_misspelt_field_is_refused_everywhere(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_request_shows_no_body_in_its_repr() -> None:
    specification = GpuSpecification(gpu="g", min_instances=1, max_instances=1, configuration={"password": "hunter2"})
    assert "hunter2" not in repr(endpoints.create_deployment(**FV, deployment_specifications=[specification]))


def test_equal_requests_are_equal_bytes_whatever_the_order_of_their_fields() -> None:
    backwards = dict(reversed(SPECIFICATION.items()))
    assert endpoints.create_deployment(**FV, deployment_specifications=[backwards]).body == SENT


def test_not_a_number_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        endpoints.create_deployment(
            **FV, deployment_specifications=[{**SPECIFICATION, "configuration": {"x": float("nan")}}]
        )


@pytest.mark.parametrize("status", [200, 202])
def test_every_success_with_the_promised_body_is_one(status: int) -> None:
    body = b'{"deployment": {"functionId": "F", "functionVersionId": "V", "ncaId": "a", "functionStatus": "DEPLOYING"}}'
    answer = Answer(status=status, headers={}, body=body)
    assert CASES[0].request.parse(answer).deployment.function_status == "DEPLOYING"


@pytest.mark.parametrize("body", [b"", b"{}", b"<p>"])
def test_deleting_a_function_needs_no_body(body: bytes) -> None:
    assert endpoints.delete_function(**FV).parse(Answer(status=204, headers={}, body=body)) is None
