"""Every call of the client against the simulator: what it gives, and what it raises."""

from collections.abc import Iterator
from typing import Any

import pytest

import nvcf_client
from nvcf_client import Client
from nvcf_client.text import duration_seconds
from tests.support.simulator import ACCOUNT, ECHO, KEY, OTHER_KEY, Simulator

IDS: dict[str, Any] = {"function_id": ECHO, "function_version_id": ECHO}
NOBODY = "00000000-0000-4000-8000-000000000000"
SPECIFICATION = {"gpu": "L40S", "instance_type": "NCP.GPU.L40S_1x", "min_instances": 1, "max_instances": 2}


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    """A client of an account in which nothing is deployed and nothing fails."""
    simulator.clear_faults()
    if ECHO in simulator.deployments():
        simulator.undeploy(ECHO)
    with Client(api_key=KEY, base_url=simulator.url, max_retries=0, trust_env=False) as made:
        yield made


def deployed(client: Client, *specifications: dict[str, Any]) -> nvcf_client.Deployment:
    made = client.deployments.functions.versions.create(
        **IDS, deployment_specifications=specifications or [SPECIFICATION]
    )
    return made.deployment


def test_a_deployment_is_made_read_by_both_ids_and_removed(client: Client) -> None:
    made = deployed(client)
    assert (made.function_id, made.function_version_id, made.nca_id) == (ECHO, ECHO, ACCOUNT)
    assert made.deployment_id
    read = client.deployments.functions.versions.get(**IDS).deployment
    assert read.deployment_id == made.deployment_id
    assert client.deployments.get(deployment_id=made.deployment_id).deployment.function_version_id == ECHO
    (specification,) = read.deployment_specifications
    assert specification.gpu_specification_id
    assert specification.max_request_concurrency == 1, "the server's default comes along"
    assert client.deployments.functions.versions.delete(**IDS, graceful=True).function.status == "INACTIVE"
    with pytest.raises(nvcf_client.NotFound) as caught:
        client.deployments.functions.versions.get(**IDS)
    assert not caught.value.unknown_path


def test_a_second_deployment_is_rejected_in_the_servers_words(client: Client) -> None:
    deployed(client)
    with pytest.raises(nvcf_client.Rejected) as caught:
        deployed(client)
    assert caught.value.status == 400
    assert "the answer" not in caught.value.detail, "these are the server's words, not ours"


def test_one_specification_is_changed_by_its_id(client: Client) -> None:
    made = deployed(client)
    assert made.deployment_id
    specification = client.deployments.get(deployment_id=made.deployment_id).deployment.deployment_specifications[0]
    assert specification.gpu_specification_id
    changed = client.deployments.gpu_specifications.update(
        deployment_id=made.deployment_id,
        gpu_specification_id=specification.gpu_specification_id,
        min_instances=2,
        max_instances=5,
        autoscaling_configuration={
            "scale_up_details": {"factor": 2, "threshold": 80, "stickiness": {"size": 600, "threshold": "PT1M"}}
        },
    ).gpu_specification
    assert (changed.min_instances, changed.max_instances) == (2, 5)
    assert changed.autoscaling_configuration
    assert changed.autoscaling_configuration.scale_up_details
    stickiness = changed.autoscaling_configuration.scale_up_details.stickiness
    assert stickiness
    assert duration_seconds(stickiness.size) == 600, "whatever the spelling that came back"
    cleared = client.deployments.gpu_specifications.update(
        deployment_id=made.deployment_id,
        gpu_specification_id=specification.gpu_specification_id,
        autoscaling_configuration_policy="PLATFORM_CONFIGURATION",
    ).gpu_specification
    assert cleared.autoscaling_configuration is None


def test_specifications_read_from_the_server_are_changed_by_one_put(client: Client, simulator: Simulator) -> None:
    deployed(client, {**SPECIFICATION, "backend": "NCP"}, {**SPECIFICATION, "clusters": ["ncp-cluster-1"]})
    read = client.deployments.functions.versions.get(**IDS).deployment
    since = simulator.cursor
    wanted = [item.model_copy(update={"max_request_concurrency": 8}) for item in read.deployment_specifications]
    client.deployments.functions.versions.update(**IDS, deployment_specifications=wanted)
    assert simulator.writes(since) == [("PUT", f"/v2/nvcf/deployments/functions/{ECHO}/versions/{ECHO}")]
    after = client.deployments.functions.versions.get(**IDS).deployment.deployment_specifications
    assert {item.max_request_concurrency for item in after} == {8}


def test_specifications_read_from_the_server_can_be_deployed_again(client: Client) -> None:
    deployed(client)
    read = client.deployments.functions.versions.get(**IDS).deployment
    client.deployments.functions.versions.delete(**IDS)
    again = deployed_of(client, read)
    assert again.deployment_id != read.deployment_id
    assert [item.to_request() for item in again.deployment_specifications] == [
        item.to_request() for item in read.deployment_specifications
    ]


def deployed_of(client: Client, other: nvcf_client.Deployment) -> nvcf_client.Deployment:
    return client.deployments.functions.versions.create(
        **IDS, deployment_specifications=other.deployment_specifications
    ).deployment


def test_functions_are_listed_read_made_tagged_and_deleted(client: Client) -> None:
    listed = {function.version_id: function for function in client.functions.list(visibility="private").functions}
    assert listed[ECHO].nca_id == ACCOUNT
    assert listed[ECHO].active_instances is None, "a list does not say"
    assert ECHO in client.functions.ids.list().function_ids
    made = client.functions.create(name="made", inference_url="/", container_image="registry.example/made:1").function
    assert made.status == "INACTIVE"
    ids = ids_of(made)
    second = client.functions.versions.create(
        function_id=made.id, name="made", inference_url="/", containerImage="registry.example/made:2"
    ).function
    versions = client.functions.versions.list(function_id=made.id).functions
    assert {version.version_id for version in versions} == {made.version_id, second.version_id}
    client.metadata.functions.versions.update(**ids, tags=["a", "b"])
    assert set(client.functions.versions.get(**ids).function.tags or ()) == {"a", "b"}
    client.functions.versions.update(**ids, tags=["c"], rate_limit={"rate_limit": "100-M"})
    (found,) = client.functions.list(visibility="private").details({made.version_id})
    assert found.tags == ("c",)
    assert found.rate_limit is not None
    assert found.rate_limit.rate_limit == "100-M"
    client.functions.versions.update(**ids, tags=[])
    assert not client.functions.versions.get(**ids).function.tags
    assert client.authorizations.functions.versions.get(**ids).function.id == made.id
    client.functions.versions.delete(**ids)
    with pytest.raises(nvcf_client.NotFound):
        client.functions.versions.get(**ids)


def test_a_version_holds_what_was_registered_and_the_servers_defaults(client: Client) -> None:
    made = client.functions.create(
        name="made",
        inference_url="/grpc",
        container_image="registry.example/made:1",
        container_args="--tp 2",
        container_environment=[{"key": "B", "value": "of the environment"}, {"key": "A", "value": "x"}],
        models=[{"name": name, "version": "1", "uri": "https://registry.example/m"} for name in ("b", "a")],
        tags=["b", "a"],
        secrets=[{"name": "TOKEN", "value": "of the secret"}],
    )
    for found in (made.details(), client.functions.versions.get(**ids_of(made.function)).details()):
        assert found.inference_url == "/grpc"
        assert found.container_args == "--tp 2"
        variables = [(item.key, item.value.get_secret_value()) for item in found.container_environment or ()]
        assert variables == [("B", "of the environment"), ("A", "x")]
        assert {item.name for item in found.models or ()} == {"a", "b"}
        assert found.health is not None
        assert (found.health.protocol.upper(), found.health.port, found.health.timeout) == ("GRPC", 8000, "PT10S")
        assert (found.function_type, found.api_body_format, found.description) == ("DEFAULT", "CUSTOM", "made")
        assert found.unreadable == frozenset()
    named = client.functions.versions.get(**ids_of(made.function), include_secrets=True).details()
    assert named.secrets in (("TOKEN",), None), "a key without the details scope is not shown them"
    client.functions.versions.delete(**ids_of(made.function))


def ids_of(function: nvcf_client.Function) -> dict[str, Any]:
    return {"function_id": function.id, "function_version_id": function.version_id}


def test_the_queue_of_a_deployed_version_is_read(client: Client) -> None:
    with pytest.raises(nvcf_client.NotFound):
        client.queues.functions.versions.get(**IDS)
    deployed(client)
    (queue,) = client.queues.functions.versions.get(**IDS).queues
    assert (queue.function_version_id, queue.queue_depth) == (ECHO, 0)
    assert [item.function_version_id for item in client.queues.functions.get(function_id=ECHO).queues] == [ECHO]


def test_the_account_lists_its_deployments_below_the_organisations_url(client: Client, simulator: Simulator) -> None:
    made = deployed(client)
    with pytest.raises(nvcf_client.NotFound) as caught:
        client.deployments.list()
    assert caught.value.unknown_path, "the direct API has no such list"
    with Client(
        api_key=KEY, base_url=simulator.url.replace("/v2/", "/v2/orgs/acme/"), max_retries=0, trust_env=False
    ) as org:
        assert [item.deployment_id for item in org.deployments.list().deployments] == [made.deployment_id]
        with pytest.raises(nvcf_client.NotFound) as absent:
            org.functions.versions.get(function_id=NOBODY, function_version_id=NOBODY)
    assert not absent.value.unknown_path, "the gateway's envelope is about an object"


@pytest.mark.parametrize(
    ("key", "scopes", "expected", "reason"),
    [
        ("nvapi-nobody", None, nvcf_client.Forbidden, "an unknown key is 403 on the direct API"),
        ("not-a-key", None, nvcf_client.Unauthorized, "a malformed token is 401 without a body"),
        (OTHER_KEY, None, nvcf_client.NotFound, "another account's key finds nothing"),
        ("nvapi-scopeless", ["list_functions"], nvcf_client.Forbidden, "a missing scope"),
    ],
)
def test_a_key_that_may_not_has_its_error(
    client: Client,
    simulator: Simulator,
    key: str,
    scopes: list[str] | None,
    expected: type[nvcf_client.NvcfError],
    reason: str,
) -> None:
    deployed(client)
    if scopes is not None:
        simulator.add_key("scopeless", key, scopes=scopes)
    with (
        Client(api_key=key, base_url=simulator.url, max_retries=0, trust_env=False) as other,
        pytest.raises(nvcf_client.NvcfError) as caught,
    ):
        other.deployments.functions.versions.get(**IDS)
    assert type(caught.value) is expected, reason
    assert key not in str(caught.value)


def test_a_malformed_id_is_rejected(client: Client) -> None:
    with pytest.raises(nvcf_client.Rejected):
        client.deployments.functions.versions.get(function_id="not-a-uuid", function_version_id=ECHO)


@pytest.mark.parametrize(
    ("fault", "expected", "done"),
    [
        ({"reset": True}, nvcf_client.OutcomeUnknown, False),
        ({"reset": True, "when": "after"}, nvcf_client.OutcomeUnknown, True),
        ({"truncate": True, "when": "after"}, nvcf_client.OutcomeUnknown, True),
        ({"status": 200, "body": "<html>", "when": "after"}, nvcf_client.OutcomeUnknown, True),
        ({"status": 502, "body": "<html>", "when": "after"}, nvcf_client.OutcomeUnknown, True),
        ({"status": 504, "envelope": "empty"}, nvcf_client.OutcomeUnknown, False),
        ({"status": 502}, nvcf_client.ServerFault, False),
        ({"status": 500, "envelope": "framework"}, nvcf_client.ServerFault, False),
        ({"status": 503, "envelope": "gateway", "when": "after"}, nvcf_client.ServerFault, True),
        ({"status": 429, "retryAfter": 7}, nvcf_client.Throttled, False),
        ({"status": 409, "envelope": "message"}, nvcf_client.Rejected, False),
        ({"status": 403, "envelope": "issue"}, nvcf_client.Forbidden, False),
        ({"status": 401, "envelope": "empty"}, nvcf_client.Unauthorized, False),
    ],
)
def test_after_a_fault_in_a_post_the_error_never_claims_to_know_too_much(
    client: Client, simulator: Simulator, fault: dict[str, Any], expected: type[nvcf_client.NvcfError], done: bool
) -> None:
    simulator.fault(operation="createDeployment", count=1, **fault)
    with pytest.raises(nvcf_client.NvcfError) as caught:
        deployed(client)
    error = caught.value
    assert type(error) is expected
    assert (ECHO in simulator.deployments()) == done
    assert error.maybe_done or not done
    assert error.retry_after == fault.get("retryAfter")


def test_a_lost_answer_to_a_read_is_asked_for_again(client: Client, simulator: Simulator) -> None:
    deployed(client)
    simulator.fault(operation="getDeployment", count=1, reset=True)
    simulator.fault(operation="getDeployment", count=1, status=503)
    since = simulator.cursor
    with Client(api_key=KEY, base_url=simulator.url, max_retries=2, trust_env=False) as patient:
        assert patient.deployments.functions.versions.get(**IDS).deployment.nca_id == ACCOUNT
    assert len(simulator.log(since, operation="getDeployment")) == 3


def test_an_old_server_knows_no_patch_and_its_404_says_so() -> None:
    with (
        Simulator.start(generation="old") as old,
        Client(api_key=KEY, base_url=old.url, max_retries=0, trust_env=False) as client,
    ):
        made = deployed(client, {"gpu": "L40", "backend": "GFN", "min_instances": 1, "max_instances": 1})
        assert (made.deployment_id, made.function_name) == (None, None)
        assert made.request_queue_url
        with pytest.raises((nvcf_client.NotFound, nvcf_client.MethodNotAllowed)) as caught:
            client.deployments.gpu_specifications.update(
                deployment_id=NOBODY, gpu_specification_id=NOBODY, min_instances=1, max_instances=2
            )
        assert getattr(caught.value, "unknown_path", True)
        (specification,) = made.deployment_specifications
        put = client.deployments.functions.versions.update(
            **IDS, deployment_specifications=[specification.model_copy(update={"max_instances": 3})]
        )
        assert put.deployment.deployment_specifications[0].max_instances == 3
