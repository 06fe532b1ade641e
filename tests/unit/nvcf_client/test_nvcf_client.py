"""The two clients: how they are made, that they are the same tree, and that they keep their key."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

import nvcf_client
from nvcf_client import AsyncClient, Client, endpoints
from nvcf_client.calls import Branch, Call
from nvcf_client.urls import HOSTED

KEY = "nvapi-test-not-a-key"
FUNCTIONS = b'{"functions": []}'


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NGC_API_KEY", "NVCF_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


def first_request(make: Callable[[httpx.MockTransport], Client | AsyncClient]) -> httpx.Request:
    """What a client sends for `functions.list()`."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=FUNCTIONS)

    client = make(httpx.MockTransport(handle))
    if isinstance(client, Client):
        with client:
            assert client.functions.list().functions == ()
    else:

        async def ask(client: AsyncClient) -> None:
            async with client:
                assert (await client.functions.list()).functions == ()

        asyncio.run(ask(client))
    return seen[0]


@pytest.fixture(params=[Client, AsyncClient])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_without_arguments_key_and_base_url_come_from_the_environment(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NGC_API_KEY", KEY)
    assert str(first_request(lambda http: kind(transport=http)).url) == f"{HOSTED}/functions"
    monkeypatch.setenv("NVCF_BASE_URL", "http://nvcf.example:8080/v2/nvcf/")
    request = first_request(lambda http: kind(transport=http))
    assert str(request.url) == "http://nvcf.example:8080/v2/nvcf/functions"
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_arguments_come_before_the_environment(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGC_API_KEY", "nvapi-other")
    monkeypatch.setenv("NVCF_BASE_URL", "http://other.example")
    request = first_request(lambda http: kind(api_key=KEY, base_url="http://mine.example/v2/nvcf", transport=http))
    assert str(request.url) == "http://mine.example/v2/nvcf/functions"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("variable", [None, ""])
def test_a_missing_key_is_reported_by_the_first_call_and_how_to_give_one(
    kind: Any, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    if variable is not None:
        monkeypatch.setenv("NGC_API_KEY", variable)
    message = r"no NVCF API key: give api_key, or set the variable NGC_API_KEY"

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError("a call without a key is not sent")

    with pytest.raises(ValueError, match=message):
        first_request_failing(kind(transport=httpx.MockTransport(refuse)))
    with pytest.raises(ValueError, match=message):
        kind(api_key="")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"api_key": f"{KEY}\n{KEY}"}, "one line of visible ASCII"),
        ({"base_url": f"https://{KEY}@h/v2"}, "user info"),
        ({"timeout": 0}, "timeout must be a positive number"),
        ({"timeout": float("inf")}, "timeout must be a positive number"),
        ({"max_connections": 0}, "max_connections must be at least 1"),
        ({"headers": {"authorization": KEY}}, "headers must not set authorization"),
        ({"headers": {"x": "a\r\nb: c"}}, "the header 'x' cannot be sent"),
        ({"headers": {"x y": "a"}}, "the header 'x y' cannot be sent"),
        ({"user_agent": "é"}, "the header 'User-Agent' cannot be sent"),
        ({"host_header": "h\n"}, "the header 'Host' cannot be sent"),
        ({"headers": {"HOST": "x", "Content-Type": "x"}}, "headers must not set content-type, host"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused_at_once_without_showing_the_key(
    kind: Any, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        kind(**{"api_key": KEY, **options})
    assert KEY not in str(caught.value)


def test_no_repr_holds_the_key(kind: Any) -> None:
    client = kind(api_key=KEY)
    for thing in (client, client._options, client.deployments, client.deployments.functions.versions, vars(client)):
        assert KEY not in repr(thing)
    assert repr(client) == f"<{kind.__name__} {HOSTED}>"


def branches(branch: Any, path: str = "client") -> Iterator[tuple[str, str]]:
    """Every call below a branch: its place, and the name of its endpoint."""
    for name, call in vars(type(branch)).items():
        if isinstance(call, Call):
            yield f"{path}.{name}", call._endpoint.__name__
    for name, inner in vars(branch).items():
        if isinstance(inner, Branch):
            yield from branches(inner, f"{path}.{name}")


TREE = {
    "client.deployments.functions.versions.create": "create_deployment",
    "client.deployments.functions.versions.get": "get_deployment",
    "client.deployments.functions.versions.update": "update_deployment",
    "client.deployments.functions.versions.delete": "delete_deployment",
    "client.deployments.get": "get_deployment_by_id",
    "client.deployments.list": "list_deployments",
    "client.deployments.gpu_specifications.update": "update_gpu_specification",
    "client.functions.list": "list_functions",
    "client.functions.create": "create_function",
    "client.functions.ids.list": "list_function_ids",
    "client.functions.versions.list": "list_function_versions",
    "client.functions.versions.get": "get_function",
    "client.functions.versions.create": "create_function_version",
    "client.functions.versions.update": "update_function",
    "client.functions.versions.delete": "delete_function",
    "client.queues.functions.get": "list_queues",
    "client.queues.functions.versions.get": "get_queue",
    "client.metadata.functions.versions.update": "update_function_metadata",
    "client.secrets.functions.versions.update": "update_function_secrets",
    "client.ratelimit.functions.versions.update": "update_rate_limit",
    "client.ratelimit.functions.versions.delete": "delete_rate_limit",
    "client.queues.position.list": "get_queue_position",
    "client.authorizations.functions.create": "authorize_function",
    "client.authorizations.functions.get": "list_authorizations",
    "client.authorizations.functions.delete": "unauthorize_function",
    "client.authorizations.functions.add.patch": "add_authorization",
    "client.authorizations.functions.remove.patch": "remove_authorization",
    "client.authorizations.functions.versions.create": "authorize_function_version",
    "client.authorizations.functions.versions.get": "get_authorizations",
    "client.authorizations.functions.versions.delete": "unauthorize_function_version",
    "client.authorizations.functions.versions.add.patch": "add_version_authorization",
    "client.authorizations.functions.versions.remove.patch": "remove_version_authorization",
    "client.cluster_groups.list": "list_cluster_groups",
    "client.catalogue.available_instance_types.list": "list_available_instance_types",
    "client.catalogue.instance_types.list": "list_instance_types",
    "client.catalogue.quota_rules.list": "list_quota_rules",
}


def test_both_clients_are_the_same_tree_and_every_endpoint_is_in_it(kind: Any) -> None:
    assert dict(branches(kind(api_key=KEY))) == TREE
    assert set(TREE.values()) == set(endpoints.__all__)


def test_a_call_of_the_tree_is_documented_as_its_endpoint(kind: Any) -> None:
    call = kind(api_key=KEY).deployments.functions.versions.delete
    assert call.__doc__ == endpoints.delete_deployment.__doc__
    assert list(inspect.signature(call).parameters) == [
        "function_id",
        "function_version_id",
        "graceful",
        "request_options",
    ]


@pytest.mark.parametrize("name", endpoints.__all__)
def test_every_call_takes_options_of_its_own(name: str) -> None:
    assert "request_options" in inspect.signature(getattr(endpoints, name)).parameters


def test_an_asynchronous_call_does_nothing_until_it_is_awaited() -> None:
    async def ask() -> None:
        seen: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, content=FUNCTIONS)

        async with AsyncClient(api_key=KEY, transport=httpx.MockTransport(handle)) as client:
            call = client.functions.list()
            assert seen == []
            await call
            assert len(seen) == 1

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("x"), nvcf_client.Unreachable),
        (httpx.PoolTimeout("x"), nvcf_client.Unreachable),
        (httpx.ReadTimeout("x"), nvcf_client.OutcomeUnknown),
        (httpx.WriteError("x"), nvcf_client.OutcomeUnknown),
        (httpx.LocalProtocolError("x"), nvcf_client.OutcomeUnknown),
    ],
)
def test_a_transport_that_reports_no_progress_is_judged_by_its_errors(
    kind: Any, error: httpx.HTTPError, expected: type[nvcf_client.NvcfError]
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(expected):
        first_request_failing(kind(api_key=KEY, max_retries=0, transport=httpx.MockTransport(handle)))


@pytest.mark.parametrize(("timeout", "limit"), [(None, 130.0), (7.0, 7.0), (600.0, 600.0)])
def test_a_timeout_that_is_given_holds_for_every_call_the_creation_of_a_deployment_too(
    kind: Any, timeout: float | None, limit: float
) -> None:
    seen: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx.Response(400)

    specifications = [{"gpu": "L40S", "min_instances": 1, "max_instances": 1}] * 4
    client = kind(api_key=KEY, max_retries=0, timeout=timeout, transport=httpx.MockTransport(handle))
    ids = {"function_id": "f", "function_version_id": "v"}

    def create() -> None:
        answer = client.deployments.functions.versions.create(**ids, deployment_specifications=specifications)
        asyncio.run(answer)  # a synchronous client has raised before

    with pytest.raises(nvcf_client.Rejected):
        create()
    assert seen == [limit]


def first_request_failing(client: Client | AsyncClient) -> None:
    if isinstance(client, Client):
        client.functions.list()
    else:
        asyncio.run(client.functions.list())


@pytest.mark.parametrize("status", [200, 404])
def test_what_the_gateway_announces_is_passed_on_with_each_answer_and_without_the_key(kind: Any, status: int) -> None:
    notices: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        announced = {"nv-ngc-response-warning-message": f"PUT ends  in May, said to {KEY}"}
        return httpx.Response(status, content=FUNCTIONS, headers=announced)

    client = kind(api_key=KEY, notice=notices.append, transport=httpx.MockTransport(handle))
    with suppress(nvcf_client.NvcfError):
        first_request_failing(client)
    assert notices == ["PUT ends in May, said to [key]"]


def test_the_plain_part_costs_no_http_library() -> None:
    code = (
        "import sys, nvcf_client, nvcf_client.models, nvcf_client.endpoints\n"
        "print(sorted({'httpx', 'httpcore', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Cleint'"):
        nvcf_client.Cleint  # type: ignore[attr-defined]  # noqa: B018
