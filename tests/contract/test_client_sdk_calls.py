"""Every call of the SDK `nvidia_cloud_functions`, with every argument, over HTTP: both clients, both ways to a key."""

import asyncio
import inspect
from functools import reduce
from typing import Any

import httpx
import pytest

import nvcf_client
from nvcf_client.core import ApiError as CoreError
from nvcf_client.types import models, params
from tests.contract import sdk_calls
from tests.support.simulator import KEY, Simulator

JWT = "eyJzZGs.eyJqd3Q.x"
OTHER = [{"nca_id": "globex"}]
SPECIFICATION: dict[str, Any] = {
    "availability_zones": ["zone-1"],
    "backend": "NCP",
    "configuration": {"größe": "<&>"},
    "gpu": "L40S",
    "instance_type": "NCP.GPU.L40S_1x",
    "max_instances": 2,
    "max_request_concurrency": 3,
    "min_instances": 1,
}
IN_PLACE = {name: value for name, value in SPECIFICATION.items() if name not in ("availability_zones", "configuration")}
ARTIFACT = {"name": "modèle", "uri": "https://registry.example/m?a=b&c", "version": "1"}
CONTAINER = {
    "name": "made",
    "inference_url": "/gr%C3%B6%C3%9Fe",
    "inference_port": 9000,
    "health_uri": "/health",
    "api_body_format": "CUSTOM",
    "container_image": "registry.example/made:1",
    "container_args": "--a '<&>'",
    "container_environment": [{"key": "A", "value": "größe <&>"}],
    "models_field": [ARTIFACT],
    "resources": [ARTIFACT],
}
CHART = {
    "name": "made",
    "inference_url": "/",
    "helm_chart": "https://helm.ngc.nvidia.com/acme/charts/made-1.0.tgz",
    "helm_chart_service_name": "made",
}
FIRST = "00000001-0000-4000-8000-00000000000a"
SECOND = "00000002-0000-4000-8000-00000000000a"


@pytest.fixture(scope="module")
def _keys(running: Simulator) -> None:
    running.add_key("the sdk's", JWT, kind="jwt")


class Program:
    """A program of a user, which notes the arguments that it has given."""

    def __init__(self, client: Any, simulator: Simulator) -> None:
        self._client = client
        self._simulator = simulator
        self.given: dict[str, set[str]] = {}

    async def __call__(self, name: str, /, **arguments: Any) -> Any:
        """Make a call with options of its own, and check that they arrived."""
        self.given.setdefault(name, set()).update(arguments)
        since, options = self._simulator.cursor, {"timeout": 60, "additional_params": {"größe": ["<&>", 1]}}
        options["additional_headers"] = {"User-Agent": f"sdk {name}"}
        call = reduce(getattr, name.split("."), self._client)
        result = call(**arguments, request_options=options)
        result = await result if inspect.isawaitable(result) else result
        (entry,) = self._simulator.log(since)
        assert (entry["userAgent"], entry["key"]) == (f"sdk {name}", "the sdk's")
        assert "größe=<%26>&größe=1" in entry["query"]
        return result


def has(thing: object, kind: str) -> None:
    """The object has all attributes that the SDK's has."""
    for name in sdk_calls.RESULTS[kind].split():
        getattr(thing, name)


async def sharing(call: Program, ids: dict[str, str]) -> None:
    """All calls about authorizations, of a function and of a version."""
    for path, about in (("functions", {"function_id": ids["function_id"]}), ("functions.versions", ids)):
        made = (await call(f"authorizations.{path}.create", **about, authorized_parties=OTHER)).function
        has(made, "authorized")
        has(made.authorized_parties[0], "party")
        await call(f"authorizations.{path}.remove.patch", **about, authorized_party=OTHER[0])
        with pytest.raises(nvcf_client.ApiError) as caught:
            await call(f"authorizations.{path}.add.patch", **about, authorized_party=OTHER[0])
        assert caught.value.status_code == 404, "none is there to be added to"
        await call(f"authorizations.{path}.create", **about, authorized_parties=OTHER)
        with pytest.raises(nvcf_client.ApiError) as caught:
            await call(f"authorizations.{path}.add.patch", **about, authorized_party=OTHER[0])
        assert caught.value.status_code == 409
        read = await call(f"authorizations.{path}.get", **about)
        shown = read.function if path.endswith("versions") else read.functions[0]
        has(shown, "authorized")
        assert [party.nca_id for party in shown.authorized_parties] == ["globex"]
        await call(f"authorizations.{path}.delete", **about)


async def life(call: Program, simulator: Simulator) -> None:
    """A function's life, in which every call is made."""
    function = (await call("functions.create", **CONTAINER)).function
    ids = {"function_id": function.id, "function_version_id": function.version_id}
    second = (await call("functions.versions.create", function_id=function.id, **CONTAINER)).function
    charts = [(await call("functions.create", **CHART)).function]
    charts.append((await call("functions.versions.create", function_id=charts[0].id, **CHART)).function)
    assert [item.helm_chart_service_name for item in charts] == ["made", "made"]
    visible = ["private", "authorized"]
    assert function.id in (await call("functions.ids.list", visibility=visible)).function_ids
    listed = (await call("functions.list", visibility=visible)).functions
    versions = (await call("functions.versions.list", function_id=function.id)).functions
    for shown in (function, second, *versions, *(item for item in listed if item.id == function.id)):
        has(shown, "function")
        assert (shown.inference_url, shown.inference_port, shown.health_uri) == ("/gr%C3%B6%C3%9Fe", 9000, "/health")
        assert (shown.container_args, shown.api_body_format) == ("--a '<&>'", "CUSTOM")
        assert [item.value.get_secret_value() for item in shown.container_environment] == ["größe <&>"]
        has(shown.container_environment[0], "variable")
        assert [item.uri for item in (*shown.models_field, *shown.resources)] == [ARTIFACT["uri"]] * 2
        has(shown.models_field[0], "artifact")
    await sharing(call, ids)

    chart = {"function_id": charts[0].id, "function_version_id": charts[0].version_id}
    for about, given in ((chart, SPECIFICATION), (ids, IN_PLACE)):
        deployed = await call("deployments.functions.versions.create", **about, deployment_specifications=[given])
        has(deployed.deployment, "deployment")
        (specification,) = deployed.deployment.deployment_specifications
        has(specification, "specification")
        zones = tuple(given.get("availability_zones", ())) or None
        expected = {**given, "availability_zones": zones}
        assert {name: getattr(specification, name) for name in expected} == expected
    with pytest.raises(ValueError, match="a PUT cannot change availability_zones, configuration"):
        await call("deployments.functions.versions.update", **ids, deployment_specifications=[SPECIFICATION])
    changed = await call(
        "deployments.functions.versions.update", **ids, deployment_specifications=[{**IN_PLACE, "max_instances": 3}]
    )
    assert changed.deployment.deployment_specifications[0].max_instances == 3
    simulator.change(function.version_id, queueDepth=2, requests=[FIRST, SECOND])
    whole = await call("queues.functions.get", function_id=function.id)
    queues = await call("queues.functions.versions.get", function_id=function.id, version_id=function.version_id)
    has(queues, "queues")
    has(queues.queues[0], "queue")
    assert [item.queue_depth for item in (*whole.queues, *queues.queues)] == [2, 2]
    position = await call("queues.position.list", request_id=SECOND)
    has(position, "position")
    assert (position.function_version_id, position.position_in_queue) == (function.version_id, 1)
    read = (await call("functions.versions.get", **ids)).function
    has(read, "function")
    for instance in read.active_instances:
        has(instance, "instance")
    assert (await call("deployments.functions.versions.get", **ids)).deployment.function_id == function.id
    for group in (await call("cluster_groups.list")).cluster_groups:
        has(group, "cluster_group")
        for gpu in group.gpus:
            has(gpu, "gpu")
            has(gpu.instance_types[0], "instance_type")
    for about in (chart, ids):
        ended = await call("deployments.functions.versions.delete", **about, graceful=False)
        has(ended.function, "function")
    for item in (function, second, *charts):
        gone = {"function_id": item.id, "function_version_id": item.version_id}
        assert await call("functions.versions.delete", **gone) is None
    with pytest.raises(nvcf_client.ApiError) as caught:
        await call("functions.versions.get", **ids)
    error = caught.value
    assert isinstance(error, CoreError)
    assert (error.status_code, error.response.status_code) == (404, 404)
    assert error.body == error.response.json()
    assert function.version_id in str(error.body)
    assert error.response.headers["content-type"].startswith("application/")
    assert error.response.request.method == "GET"


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize("kind", [nvcf_client.Client, nvcf_client.AsyncClient])
@pytest.mark.parametrize("way", ["an httpx client", "the environment"])
def test_every_call_is_made_with_every_argument(
    kind: Any, way: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = simulator.url.removesuffix("/v2/nvcf" if way == "an httpx client" else "v2/nvcf")
    monkeypatch.delenv("NGC_API_KEY", raising=False)
    monkeypatch.delenv("NVCF_BASE_URL", raising=False)
    assert origin != simulator.url

    async def program() -> dict[str, set[str]]:
        options: dict[str, Any] = {"base_url": origin, "timeout": 60, "environment": nvcf_client.Environment.PRODUCTION}
        of_httpx: Any = None
        if way == "an httpx client":
            monkeypatch.setenv("NGC_API_KEY", "nvapi-another")
            given: dict[str, Any] = {"headers": {"Authorization": f"Bearer {JWT}"}, "trust_env": False}
            of_httpx = httpx.Client(**given) if kind is nvcf_client.Client else httpx.AsyncClient(**given)
            options["httpx_client"] = of_httpx
        else:
            monkeypatch.setenv("NGC_API_KEY", JWT)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        client = kind(**options)
        call = Program(client, simulator)
        await life(call, simulator)
        if kind is nvcf_client.Client:
            client.close()
        else:
            await client.aclose()
        if of_httpx is not None:
            assert not of_httpx.is_closed, "it is the caller's"
            of_httpx.close() if kind is nvcf_client.Client else await of_httpx.aclose()
        return call.given

    expected = {name: set(arguments.split()) for name, arguments in sdk_calls.CALLS.items()}
    assert asyncio.run(program()) == expected


@pytest.mark.parametrize("kind", [nvcf_client.Client, nvcf_client.AsyncClient])
@pytest.mark.parametrize("name", sdk_calls.NOT_OFFERED)
def test_what_is_not_offered_says_what_takes_its_place(kind: Any, name: str) -> None:
    with pytest.raises(AttributeError, match=r"this client manages functions and has no .*any HTTP client: POST /v2/"):
        reduce(getattr, name.split("."), kind(api_key=KEY))
    with pytest.raises(AttributeError, match="run nvcf-simulator, and give its address as base_url"):
        nvcf_client.Environment.MOCK_SERVER  # type: ignore[attr-defined]  # noqa: B018


def test_types_have_the_names_of_the_sdk() -> None:
    assert set(sdk_calls.MODELS.split()) == set(models.__all__)
    for name in sdk_calls.PARAMS.split():
        assert getattr(params, name)
    for kind in ("health_info", "cluster"):
        model = {"health_info": models.DeploymentHealthDto, "cluster": models.Cluster}[kind]
        has(model(), kind)
