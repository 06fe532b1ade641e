"""Every example of docs/plan.md gives what is printed there, and every option and action is named."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from nvcf_operator.cli import main
from nvcf_operator.commands.plan.model import Action, FieldChange, Plan, Planned, Source, Write
from nvcf_operator.commands.plan.output import structured, words
from tests.support.cluster import follower, manifest
from tests.support.functions import function_manifest
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

PAGE = Path(__file__).parents[3] / "docs" / "plan.md"
CHAT = ("b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61", "588a4e1d-9bda-486b-9d91-938285f51a5d")
TRANSLATE = ("0f9c2f6a-53b4-4a0e-9d5b-2f8d8c1b7e33", "c81d4e2e-bcf2-41e6-869b-7df92533d2db")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SPECIFICATION_ID = "995f6959-a54e-4131-8d98-d69b852b092a"
DEPLOYMENT_ID = "4f6d1c20-7a3b-4be7-9a51-0c2e8d94b6f3"
DEPLOYED = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
SCENARIO: dict[str, Any] = {
    "keys": [{"name": "default", "token": KEY}],
    "functions": [
        {
            "name": "llm-chat",
            "functionId": CHAT[0],
            "functionVersionId": CHAT[1],
            "deploymentSpecifications": [{**DEPLOYED, "maxRequestConcurrency": 8}],
        },
        {"name": "translate", "functionId": TRANSLATE[0], "functionVersionId": TRANSLATE[1]},
    ],
}
"""The account of the examples."""


def chat(gpu: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return manifest("llm-chat", *CHAT, gpu={**DEPLOYED, **gpu}, **spec)


H100 = {"gpu": "H100", "instanceType": "NCP.GPU.H100_8x"}
FILES: dict[str, list[dict[str, Any]]] = {
    "apps/chat.yaml": [chat({"maxInstances": 8})],
    "apps/translate.yaml": [manifest("translate", *TRANSLATE), {"apiVersion": "v1", "kind": "ConfigMap"}],
    "same.yaml": [chat({})],
    "observe.yaml": [chat({}, managementPolicy="Observe")],
    "concurrency.yaml": [chat({"maxRequestConcurrency": 16})],
    "gpu.yaml": [chat(H100)],
    "redeploy.yaml": [chat(H100, rollout={"immutableChange": "Redeploy"})],
    "llama.yaml": [function_manifest("llama"), follower("llama")],
    "missing.yaml": [manifest("gone", CHAT[0], TRANSLATE[1])],
    "twice.yaml": [manifest("one", *TRANSLATE), manifest("two", *TRANSLATE)],
    "mistakes.yaml": [manifest("translate", *TRANSLATE, gpu={"minInstances": 5}, rolout={})],
}
"""The manifests of the examples."""


def examples() -> list[tuple[str, str]]:
    """The commands of the page and what they print."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.M) if part]
    return [(line, output.rstrip("\n")) for line, _, output in (part.partition("\n") for part in parts)]


@pytest.fixture(scope="module")
def account() -> Iterator[Simulator]:
    with Simulator.start(SCENARIO) as running:
        eventually(
            lambda: {item["name"]: item["status"] for item in running.state()["functions"]},
            lambda statuses: statuses["llm-chat"] == "ACTIVE",
            within=30,
            what="llm-chat is ACTIVE",
        )
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repository")
    (made / "apps").mkdir()
    (made / "ngc.key").write_text(f"{KEY}\n")
    for name, objects in FILES.items():
        (made / name).write_text(yaml.safe_dump_all(objects, sort_keys=False))
    return made


def printed(account: Simulator, folder: Path, line: str) -> str:
    """What a command prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NVCF_OPERATOR_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment["NVCF_OPERATOR_NVCF_BASE_URL"] = account.url
    environment["NVCF_OPERATOR_API_KEY_FILE"] = str(folder / "ngc.key")
    environment |= dict.fromkeys(("PULL_REQUEST", "PLAN_TOKEN", "CI_API_V4_URL"), "x")
    environment |= dict.fromkeys(("CI_PROJECT_ID", "CI_MERGE_REQUEST_IID"), "1")
    done = subprocess.run(
        ["bash", "-c", line],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
        timeout=120,
    )
    output = re.sub(r":[0-9a-f]{16}:", ":d0f1a4b27c3e5968:", done.stdout).rstrip("\n")
    # Ids that the simulator makes up.
    output = re.sub(f"(?<=/deployments/){UUID.pattern}", DEPLOYMENT_ID, output)
    known = (*CHAT, *TRANSLATE, DEPLOYMENT_ID)
    return UUID.sub(lambda found: found[0] if found[0] in known else SPECIFICATION_ID, output)


@pytest.mark.parametrize(("line", "output"), examples(), ids=[line for line, _ in examples()])
def test_an_example_prints_what_the_page_says(account: Simulator, folder: Path, line: str, output: str) -> None:
    assert printed(account, folder, line) == output


def test_every_option_action_and_mark_is_named() -> None:
    text = PAGE.read_text()
    options = [item for item in main.commands["plan"].params if isinstance(item, click.Option)]
    own = [flag for item in options for flag in item.opts if item.name not in ("nvcf_base_url", "nvcf_ca_file")]
    assert [flag for flag in own if f"`{flag}" not in text and "nvcf" not in flag] == []
    for action in Action:
        assert f"| `{words.MARKS[action]}` | `{action.value}` |" in text


def test_every_member_of_the_json_is_described() -> None:
    changed = Planned("FunctionDeployment", "a", "b", Source("c"), Action.PATCH)
    whole = Planned(
        **{name: getattr(changed, name) for name in ("kind", "namespace", "name", "source", "action")},
        changes=(FieldChange("x", 1, 2),),
        first_write=Write("PUT", "/y", {}),
    )
    found = structured.structured(Plan((whole,)))
    (resource,) = found["resources"]
    named = {*found, *resource, *resource["source"], *resource["fields"][0], *resource["firstWrite"]}
    named |= {*resource["orders"], *resource["orders"]["now"]}
    assert [name for name in sorted(named) if f"`{name}`" not in PAGE.read_text()] == []


STUBS = {
    "kubectl": '[ "$*" = "kustomize functions" ] && cat apps/translate.yaml',
    "helm": '[ "$*" = "template functions charts/functions" ] && cat apps/translate.yaml',
    "gh": 'printf "%s\\n" "$@" > posted; cat "${@: -1}" >> posted',
    "curl": 'printf "%s\\n" "$@" > posted; cat plan.md >> posted',
}
"""What the jobs of the page call, in place of tools and servers."""


def jobs() -> list[str]:
    """The scripts of the two jobs."""
    github, gitlab = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S) if "plan:" in block
    )
    step = next(step for step in github["jobs"]["plan"]["steps"] if step.get("name") == "Plan")
    return [step["run"], "\n".join(gitlab["plan"]["script"])]


@pytest.mark.parametrize("number", [0, 1], ids=["github", "gitlab"])
def test_a_job_posts_its_plan_and_succeeds_where_something_changes(
    account: Simulator, folder: Path, tmp_path: Path, number: int
) -> None:
    for name, body in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    script = f"set -e\nexport PATH={tmp_path}:$PATH RUNNER_TEMP={tmp_path} NGC_API_KEY={KEY}\n{jobs()[number]}"
    assert printed(account, folder, f"bash -euc {shlex.quote(script)}; echo $?") == "0"
    posted = (folder / "posted").read_text()
    assert "<!-- nvcf-operator plan -->\n### nvcf-operator plan: 1 deploy\n" in posted
