"""The command `nvcf-simulator`: its output, its files, its exit."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from nvcf_simulator.scenario import ScenarioError, load
from nvcf_simulator.service import Service
from tests.contract.simulator_client import DEADLINE, H100, Api
from tests.support.simulator import ACCOUNT, COMMAND, ECHO, KEY, Simulator
from tests.support.waiting import eventually

FUNCTION = (ECHO, ECHO)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def written(path: Path, scenario: Any) -> Path:
    path.write_text(yaml.safe_dump(scenario))
    return path


def test_it_prints_one_json_line_when_it_listens_and_exits_on_sigterm() -> None:
    with subprocess.Popen([COMMAND, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        try:
            assert line["pid"] == process.pid
            assert line["url"].startswith("http://127.0.0.1:")
            assert line["url"].endswith("/v2/nvcf")
            headers = {"Authorization": f"Bearer {KEY}"}
            functions = httpx.get(f"{line['url']}/functions", headers=headers, trust_env=False).json()["functions"]
            assert ECHO in {function["versionId"] for function in functions}, "it works without a file"
        finally:
            process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(10) == 0


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "cannot listen on 127.0.0.1" in result.stderr
    assert "Traceback" not in result.stderr


def test_it_exits_with_its_parent_even_if_that_is_killed() -> None:
    starter = (
        "import time; from tests.support.simulator import Simulator\n"
        "with Simulator.start() as simulator: print(simulator.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starter],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()

    def gone() -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return True

    eventually(gone, within=DEADLINE, what="the end of the simulator")


def test_it_exits_with_an_ancestor_and_immediately_if_that_is_gone() -> None:
    with subprocess.Popen(["sleep", "60"]) as grandparent:
        command: list[str | Path] = [COMMAND, "--parent-pid", str(grandparent.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["pid"] == process.pid
            assert process.poll() is None
            grandparent.kill()
            assert process.wait(10) == 0
    assert run("--parent-pid", str(grandparent.pid)).returncode == 0


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ({"functons": []}, ["functons"]),
        ({"functions": [{"name": "a", "kind": "vm"}, {"kind": "helm"}]}, ["functions.0.kind", "functions.1.name"]),
        ({"functions": [{"name": "a", "ncaId": "nobody"}]}, ["'nobody'"]),
        ({"functions": [{"name": "a", "functionId": "x"}]}, ["functions.0.functionId", "UUID"]),
        ({"keys": [{"name": "a", "token": "plain"}]}, ["keys.0", "nvapi-"]),
        ({"keys": [{"name": "a", "token": "nvapi-a"}] * 2}, ["key name 'a'"]),
        ({"behaviour": {"period": 0}}, ["behaviour.period"]),
        ({"faults": [{"status": 42}]}, ["faults.0.status"]),
        ({"functions": [{"name": "a", "deploymentSpecifications": [{"gpu": "Z9"}]}]}, ["'a'", "instanceType"]),
        (
            {"functions": [{"name": "a", "deploymentSpecifications": [H100 | {"gpu": "Z9"}]}]},
            ["'a'", "Z9"],
        ),
        ("text", ["scenario"]),
    ],
)
def test_an_invalid_scenario_is_reported_with_the_location(tmp_path: Path, scenario: Any, words: list[str]) -> None:
    path = written(tmp_path / "scenario.yaml", scenario)
    with pytest.raises(ScenarioError) as error:
        started(path)
    for word in words:
        assert word in str(error.value)
    assert "plain" not in str(error.value), "tokens are never shown"


def started(path: Path) -> None:
    Service.start(load(path))


def test_a_scenario_that_is_not_yaml_or_missing_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    for name in ("broken.yaml", "missing.yaml"):
        with pytest.raises(ScenarioError, match=name):
            load(tmp_path / name)


def test_the_command_reports_an_error_without_a_traceback(tmp_path: Path) -> None:
    result = run("--scenario", str(written(tmp_path / "scenario.yaml", {"functons": []})))
    assert result.returncode == 1
    assert "functons" in result.stderr
    assert "Traceback" not in result.stderr


def test_many_functions_have_ids_derived_from_their_names() -> None:
    scenario = {"functions": [{"name": "bench", "count": 1000}]}

    def listed() -> list[dict[str, Any]]:
        with Simulator.start(scenario) as simulator, Api(simulator) as api:
            functions: list[dict[str, Any]] = api.http.get("/functions").json()["functions"]
            return functions

    first = listed()
    assert [function["name"] for function in first] == [f"bench-{number}" for number in range(1000)]
    assert [f["versionId"] for f in first] == [f["versionId"] for f in listed()]


def test_a_function_can_be_deployed_from_the_start() -> None:
    scenario = {"functions": [{"name": "old", "count": 3, "deploymentSpecifications": [H100]}]}
    with Simulator.start(scenario) as simulator, Api(simulator) as api:
        assert [d["functionStatus"] for d in simulator.state()["deployments"]] == ["ACTIVE"] * 3
        simulator.run_pass()
        assert {f["status"] for f in api.http.get("/functions").json()["functions"]} == {"ACTIVE"}
        assert {item["state"] for item in simulator.allocations()} == {"running"}


def test_a_state_file_resumes_the_last_run_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with Simulator.start(state=path) as simulator, Api(simulator) as api:
        api.deployed(FUNCTION)
        simulator.add_key("later", "nvapi-later")
        simulator.jump(3600)
        before, instances = api.get(FUNCTION).json(), simulator.allocations()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Simulator.start(state=path) as simulator, Api(simulator, "nvapi-later") as api:
        assert api.get(FUNCTION).json() == before
        assert simulator.allocations() == instances
        assert simulator.state()["time"] > before["deployment"]["createdAt"]


def test_the_state_of_a_killed_simulator_is_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with Simulator.start(state=path) as simulator, Api(simulator) as api:
        api.deployed(FUNCTION)
        eventually(
            lambda: path.exists() and b'"ACTIVE"' in path.read_bytes(), within=DEADLINE, what="the state in the file"
        )
        os.kill(simulator.pid, signal.SIGKILL)
    with Simulator.start(state=path) as simulator, Api(simulator) as api:
        assert api.status(FUNCTION) == "ACTIVE"


def test_a_file_that_is_not_a_state_is_reported_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"accounts": 1}')
    result = run("--state", str(path))
    assert result.returncode == 1
    assert "is not a state file" in result.stderr
    assert path.read_text() == '{"accounts": 1}'


def test_flags_override_the_scenario(tmp_path: Path) -> None:
    path = written(tmp_path / "scenario.yaml", {"behaviour": {"period": 60, "deploySeconds": 60}})
    arguments = ["--scenario", str(path), "--speed", "100", "--period", "5", "--deploy-seconds", "20", "--old"]
    simulator = Simulator(arguments)
    try:
        with Api(simulator) as api:
            old = {"backend": "NCP", "gpu": "H100", "minInstances": 1, "maxInstances": 1}
            assert "deploymentId" not in api.deployed(FUNCTION, old)
            assert simulator.state()["functions"][0]["ncaId"] == ACCOUNT
    finally:
        simulator.stop()
