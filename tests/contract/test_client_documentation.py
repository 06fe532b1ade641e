"""Every code block of docs/client.md runs as it is printed, against both generations of the simulator."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nvcf_client
from nvcf_client import client, errors
from tests.contract.client_documentation import OLD_ID, PAGE, Block, blocks, run
from tests.support.simulator import ECHO, KEY, Simulator

CATALOGUE = [
    {"name": "string", "gpu": "string", "backends": ["string"]},
    {"name": "NCP.GPU.L40S_1x", "gpu": "L40S", "backends": ["NCP"]},
]
DOCUMENTED = {"gpu": "string", "backend": "string", "instanceType": "string", "minInstances": 1, "maxInstances": 200}
BODY = {
    "deploymentSpecifications": [{"backend": "string", "gpu": "string", "maxInstances": 123, "minInstances": 123}],
}
PATH = f"/v2/nvcf/deployments/functions/{ECHO}/versions/{ECHO}"
OLD_CALLS = {
    "create": ("POST", PATH, BODY),
    "get": ("GET", PATH, None),
    "update": ("PUT", PATH, BODY),
    "delete": ("DELETE", PATH, None),
}


@pytest.fixture(scope="module", params=["old", "current"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Simulator, str]]:
    with Simulator.start({"catalogue": CATALOGUE}, generation=request.param) as simulator:
        yield simulator, request.param


@pytest.fixture
def _account(server: tuple[Simulator, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGC_API_KEY", KEY)
    monkeypatch.setenv("NVCF_BASE_URL", server[0].url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_page_has_each_old_call_in_both_ways() -> None:
    assert ECHO == OLD_ID, "the simulator has the function of the old documentation"
    for call in OLD_CALLS:
        codes = [block.code for block in blocks() if block.heading == call]
        assert ["await" in code for code in codes] == [False, True], f"{call} synchronous, then asynchronous"
        for code in codes:
            assert f"client.deployments.functions.versions.{call}(" in code
            assert OLD_ID in code


@pytest.mark.usefixtures("_account")
@pytest.mark.parametrize("block", blocks(), ids=str)
def test_a_block_runs(server: tuple[Simulator, str], block: Block) -> None:
    simulator, generation = server
    if ECHO in simulator.deployments():
        simulator.undeploy(ECHO)
    if block.heading in ("get", "update", "delete"):
        simulator.deploy(ECHO, DOCUMENTED)
    since = simulator.cursor
    if block.heading == "create" and generation == "current":
        with pytest.raises(nvcf_client.Rejected, match="instanceType"):
            run(block.code)
    else:
        assert_typed(run(block.code), block)
    asked = [(entry["method"], entry["path"], entry["body"]) for entry in simulator.log(since)]
    if block.heading in OLD_CALLS:
        assert asked == [OLD_CALLS[block.heading]], "one request, and nothing before it"
    elif "client." in block.code:
        assert asked, "it asked the server for something"


def assert_typed(names: dict[str, Any], block: Block) -> None:
    """The results of the old calls are what their documentation says."""
    if block.heading in ("create", "get", "update"):
        deployment = names["res"].deployment
        assert (deployment.function_id, deployment.function_version_id) == (ECHO, ECHO)
        assert deployment.deployment_specifications[0].gpu == "string"
        if block.heading != "get":
            assert deployment.deployment_specifications[0].max_instances == 123
    elif block.heading == "delete":
        assert names["res"].function.status == "INACTIVE"


def test_every_error_and_every_argument_is_on_the_page() -> None:
    page = PAGE.read_text()
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.NvcfError):
            assert f"`{name}`" in page
    source = Path(client.__file__).read_text()
    arguments = re.findall(r"^        (\w+): .* = ", source, re.MULTILINE)
    assert "api_key" in arguments
    for argument in set(arguments) - {"transport"}:
        assert f"`{argument}`" in page, argument


def test_the_program_for_users_of_the_sdk_is_the_one_that_is_type_checked() -> None:
    checked = Path(__file__).with_name("sdk_program.py").read_text()
    assert checked in [block.code for block in blocks()], "mypy and ruff check it with the tests, strictly"
