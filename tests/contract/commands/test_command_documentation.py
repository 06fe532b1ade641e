"""Every example of docs/commands.md gives what is printed there, and every option of the commands is named."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from nvcf_operator.cli import main
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"
ORIGIN = "http://127.0.0.1:8080"
URL = f"{ORIGIN}/v2/nvcf"
"""The base URL that the page's examples use."""

L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
CHAT = {
    "functionId": "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61",
    "functionVersionId": "588a4e1d-9bda-486b-9d91-938285f51a5d",
}
RAG = {
    "functionId": "0f9c2f6a-53b4-4a0e-9d5b-2f8d8c1b7e33",
    "functionVersionId": "c81d4e2e-bcf2-41e6-869b-7df92533d2db",
}
SUMMARY = {
    "functionId": "4d2a7f60-1f0b-4c55-8f3c-6a9e0b7d1c28",
    "functionVersionId": "cd9d98c8-5165-4293-b578-3959ae7693ab",
}
SCENARIO: dict[str, Any] = {
    "keys": [
        {"name": "default", "token": KEY},
        {"name": "reader", "token": "nvapi-reader", "scopes": ["list_functions"]},
    ],
    "quota": [{"name": "H100", "limit": 64, "clusters": {"research-east": 16}}],
    "functions": [
        {
            "name": "llm-chat",
            **CHAT,
            "details": {"tags": ["prod"], "containerEnvironment": [{"key": "LOG_LEVEL", "value": "info"}]},
            "deploymentSpecifications": [{**L40S, "maxRequestConcurrency": 8}],
        },
        {
            "name": "rag-pipeline",
            **RAG,
            "kind": "helm",
            "deploymentSpecifications": [
                {
                    "gpu": "H100",
                    "instanceType": "NCP.GPU.H100_8x",
                    "minInstances": 1,
                    "maxInstances": 1,
                    "configuration": {"replicas": 2},
                }
            ],
        },
        {"name": "summary", **SUMMARY, "weather": {"fate": "fail"}},
        {"name": "translate"},
    ],
}
"""The account of the examples; in it the deployment of `summary` has failed."""


def examples() -> list[tuple[str, str]]:
    """The commands of the page and what they print."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.M) if part]
    return [(line, output.rstrip("\n")) for line, _, output in (part.partition("\n") for part in parts)]


@pytest.fixture(scope="module")
def account() -> Iterator[Simulator]:
    with Simulator.start(SCENARIO) as running:
        running.deploy(SUMMARY["functionVersionId"], L40S)
        eventually(
            lambda: {item["name"]: item["status"] for item in running.state()["functions"]},
            lambda statuses: (statuses["summary"], statuses["llm-chat"]) == ("ERROR", "ACTIVE"),
            within=20,
            what="the deployment of summary has failed",
        )
        yield running


@pytest.mark.parametrize(("line", "output"), examples(), ids=[line for line, _ in examples()])
def test_an_example_prints_what_the_page_says(account: Simulator, tmp_path: Path, line: str, output: str) -> None:
    for name, token in (("ngc.key", KEY), ("reader.key", "nvapi-reader")):
        (tmp_path / name).write_text(f"{token}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NVCF_OPERATOR_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment["NVCF_OPERATOR_NVCF_BASE_URL"] = account.url
    done = subprocess.run(
        ["bash", "-c", line.replace(ORIGIN, account.url.removesuffix("/v2/nvcf"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
    )
    assert done.stdout.replace(account.url, URL).rstrip("\n") == output


def test_there_are_examples_of_both_commands() -> None:
    assert {line.split()[1] for line, _ in examples()} == {"check", "import"}


@pytest.mark.parametrize("name", ["check", "import"])
def test_every_option_is_named(name: str) -> None:
    options = [item for item in main.commands[name].params if isinstance(item, click.Option)]
    missing = [flag for item in options for flag in item.opts if f"`{flag}" not in PAGE.read_text()]
    assert missing == []
