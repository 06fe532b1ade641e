"""docs/simulator.md against the code: everything that can be set is documented, and the examples work."""

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click import Option
from pydantic import BaseModel

from nvcf_simulator.cli import main
from nvcf_simulator.control import bodies, control_app
from nvcf_simulator.entries import AccountEntry, FunctionEntry, InstanceBehaviourEntry, KeyEntry
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.http.request_log import RequestLog
from nvcf_simulator.model.catalogue import DEFAULT_TYPES, InstanceType
from nvcf_simulator.model.registries import Artifact
from nvcf_simulator.scenario import OTHER_TOKEN, TOKEN, Scenario
from nvcf_simulator.service import Service
from nvcf_simulator.settings import Behaviour, Failure, Races
from tests.contract.simulator_client import H100, Api, deployment_of
from tests.support.control import Control
from tests.support.simulator import ECHO, Simulator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_INLINE = re.findall(r"`([^`]+)`", _FENCED.sub("", PAGE))
CODE = set(re.findall(r"[A-Za-z]\w*", " ".join(_INLINE)))
"""Words in the page's text that are set as code; examples do not count as documentation."""
MODELS: tuple[type[BaseModel], ...] = (
    Scenario,
    AccountEntry,
    KeyEntry,
    FunctionEntry,
    InstanceBehaviourEntry,
    InstanceType,
    Behaviour,
    Races,
    Fault,
    Failure,
    Artifact,
    bodies.AccountChange,
    bodies.KeyChange,
    bodies.VersionChange,
    bodies.Scaling,
    bodies.Loss,
    bodies.Jump,
    bodies.Hidden,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_that_can_be_set_is_documented(model: type[BaseModel]) -> None:
    settable = {field.alias or name for name, field in model.model_fields.items() if not field.exclude}
    assert settable - CODE == set()


def test_every_option_of_the_command_is_documented() -> None:
    options = {name for option in main.params if isinstance(option, Option) for name in option.opts}
    assert {name for name in options if f"`{name}" not in PAGE} <= {"--version"}


def test_every_route_of_the_control_api_is_documented() -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in control_app(Service(Scenario().world())).router.routes()
        if route.resource and route.method != "HEAD"
    }
    shown = set(re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/{}]*)", PAGE))
    deployment = "/versions/{version}/deployment"
    shown |= {("PATCH", deployment), ("DELETE", deployment)}  # written with three dots
    assert routes - shown == set()
    assert shown - routes == set()


def test_every_field_of_the_log_is_documented() -> None:
    names = ("method", "path", "query", "operation", "function_id", "version_id", "deployment_id", "key")
    entry = RequestLog().begin(**dict.fromkeys((*names, "user_agent", "host")))
    assert set(entry.view()) - CODE == set()


def test_the_default_scenario_is_documented() -> None:
    for word in (TOKEN, OTHER_TOKEN, ECHO, *(t.name for t in DEFAULT_TYPES), *(t.gpu for t in DEFAULT_TYPES)):
        assert word in PAGE


def test_the_pages_scenario_can_be_used() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    shown = yaml.safe_load(text)
    with Simulator.start(shown) as simulator, Api(simulator, "nvapi-test") as api:
        assert len(api.http.get("/functions").json()["functions"]) == 1001
        assert [row["functionStatus"] for row in simulator.deployments().values()] == ["ACTIVE"]
        assert [rule["operation"] for rule in simulator.faults()] == ["createDeployment"]
        with Api(simulator, "nvapi-reader") as reader:
            assert reader.http.get("/functions").json()["functions"] == []


def test_the_pages_python_works() -> None:
    held, text = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    body = "    with Api(simulator) as api, suppress(httpx.TransportError):\n        api.deploy((ECHO, ECHO))\n"
    at_work = text.replace("    ...  # a client of simulator.url at work\n", body)
    assert at_work != text
    exec(compile(at_work, "docs/simulator.md", "exec"), {"Api": Api, "httpx": httpx, "suppress": suppress})
    with Simulator.start(period=3600) as simulator:
        simulator.deploy(ECHO, H100)
        exec(compile(held, "docs/simulator.md", "exec"), {"simulator": simulator, "version": ECHO})


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulator]]:
    with Simulator.start() as current, Simulator.start(generation="old") as old:
        yield {"current": current, "old": old}


@pytest.mark.parametrize("path", sorted((ROOT / "deploy" / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_manifest_can_be_registered_and_deployed(simulators: dict[str, Simulator], path: Path) -> None:
    manifests = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    functions = {each["metadata"]["name"]: each["spec"] for each in manifests if each["kind"] == "CloudFunction"}
    deployments = [each["spec"] for each in manifests if each["kind"] == "FunctionDeployment"]
    with Api(simulators["current"]) as api:
        registered = {name: register(api, spec) for name, spec in functions.items()}
    for spec in deployments:
        placed_by_backend = any("instanceType" not in s for s in spec["deploymentSpecifications"])
        with Api(simulators["old" if placed_by_backend else "current"]) as api:
            if "functionRef" in spec:  # a version for each deployment
                name = spec["functionRef"]["name"]
                function = register(api, functions[name], f"/{registered[name][0]}/versions")
            else:
                function = (spec["functionId"], spec["functionVersionId"])
            body = {"deploymentSpecifications": spec["deploymentSpecifications"]}
            answer = api.http.post(deployment_of(function), json=body)
            assert answer.status_code == 200, answer.text
            api.wait(function, "ACTIVE")


def register(api: Api, spec: dict[str, Any], path: str = "") -> tuple[str, str]:
    """Register a version as a manifest asks for it; give its ids."""
    content = spec["template"] | {name: spec[name] for name in ("name", "description", "tags") if name in spec}
    content |= {"rateLimit": spec["rateLimit"]} if "rateLimit" in spec else {}
    answer = api.http.post(f"/functions{path}", json=content)
    assert answer.status_code == 200, answer.text
    made = answer.json()["function"]
    return made["id"], made["versionId"]


def test_the_client_has_a_method_for_each_call() -> None:
    source = inspect.getsource(Control)
    for method, path in re.findall(r"\| `(POST|PUT|PATCH|DELETE) (/[\w/]*)", PAGE):
        assert path.split("/{")[0] in source, f"{method} {path}"
