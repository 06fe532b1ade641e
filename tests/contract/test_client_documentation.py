"""Every code block of docs/client.md runs as it is printed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_documentation import OLD_ID, PAGE, Block, blocks, run
from client_server import Server, answer, serving

from nvcf_operator.nvcf import connection, errors

SPECIFICATION = {
    "gpuSpecificationId": "s",
    "gpu": "string",
    "backend": "string",
    "maxInstances": 123,
    "minInstances": 123,
}
DEPLOYMENT = {
    "functionId": OLD_ID,
    "functionVersionId": OLD_ID,
    "deploymentId": "d",
    "ncaId": "account",
    "functionStatus": "DEPLOYING",
    "deploymentSpecifications": [SPECIFICATION],
}
FUNCTION = {"id": OLD_ID, "versionId": OLD_ID, "ncaId": "account", "name": "echo", "status": "INACTIVE"}
EVERYTHING = json.dumps(
    {"deployment": DEPLOYMENT, "function": FUNCTION, "functions": [FUNCTION], "gpuSpecification": SPECIFICATION}
).encode()


@pytest.fixture
def anything_goes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An NVCF that answers every call with everything."""
    monkeypatch.setenv("NGC_API_KEY", "nvapi-test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(answer(200, EVERYTHING)) as server:
        monkeypatch.setenv("NVCF_BASE_URL", server.url)
        yield server


def test_the_page_has_each_old_call_in_both_ways() -> None:
    for call in ("create", "get", "update", "delete"):
        codes = [block.code for block in blocks() if block.heading == call]
        assert ["await" in code for code in codes] == [False, True], f"{call} synchronous, then asynchronous"
        for code in codes:
            assert f"client.deployments.functions.versions.{call}(" in code
            assert OLD_ID in code


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_a_block_runs(anything_goes: Server, block: Block) -> None:
    run(block.code)
    if "client." in block.code:
        assert anything_goes.received, "it asked the server for something"


def test_every_error_and_every_argument_is_on_the_page() -> None:
    page = PAGE.read_text()
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.NvcfError):
            assert f"`{name}`" in page
    source = Path(connection.__file__).with_name("client.py").read_text()
    arguments = re.findall(r"^        (\w+): .* = ", source, re.MULTILINE)
    assert "api_key" in arguments
    for argument in set(arguments) - {"transport"}:
        assert f"`{argument}`" in page, argument
