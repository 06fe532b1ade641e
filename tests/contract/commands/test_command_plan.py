"""`nvcf-operator plan` as a process: what it reads, what it prints, how it ends, and that nothing is written."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from nvcf_operator.cli import main
from tests.contract.commands.command_process import COMMAND, LONGEST, Account, nvcf_operator
from tests.contract.commands.conftest import unchanged
from tests.support.cluster import follower, manifest
from tests.support.forks import Fork
from tests.support.functions import function_manifest
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}


Versions = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def nvcf() -> Iterator[tuple[Simulator, Versions]]:
    """A simulator that none of these tests changes, and ids by the function's name; `läuft` is deployed."""
    with unchanged("current") as running:
        found = {name: running.add_function(name) for name in ("neu & <b>", "läuft")}
        running.deploy(found["läuft"][1], L40S)
        eventually(
            lambda: {item["name"]: item["status"] for item in running.state()["functions"]},
            lambda statuses: statuses["läuft"] == "ACTIVE",
            within=30,
            what="it is ACTIVE",
        )
        yield running, found


@pytest.fixture
def account(nvcf: tuple[Simulator, Versions], tmp_path: Path) -> Account:
    return Account(nvcf[0].url, tmp_path, KEY)


@pytest.fixture
def versions(nvcf: tuple[Simulator, Versions]) -> Versions:
    return nvcf[1]


def written(path: Path, *objects: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.dump_all(objects, allow_unicode=True))
    return str(path)


def planned(stdout: str) -> dict[str, str]:
    return {item["name"]: item["action"] for item in json.loads(stdout)["resources"]}


def test_a_folder_in_each_format(account: Account, versions: Versions, tmp_path: Path) -> None:
    new, runs = versions["neu & <b>"], versions["läuft"]
    refused = manifest("refused", *runs)
    refused["spec"]["adoptionPolicy"] = "Refuse"
    written(tmp_path / "m/a.yaml", manifest("new", *new), {"apiVersion": "v1", "kind": "Secret", "data": {}})
    written(tmp_path / "m/b.yml", refused)
    (tmp_path / "m/c.json").write_text(json.dumps(function_manifest("llama")))
    written(tmp_path / "m/values.yaml", {"replicas": 1})
    arguments = ("plan", "-f", f"{tmp_path}/m", "-f", written(tmp_path / "d.yaml", follower("llama")))
    done = account.run(*arguments, "--output=json", "--namespace=team-a")
    assert (done.returncode, done.stderr) == (1, "")
    assert planned(done.stdout) == {"new": "deploy", "refused": "refuse", "llama": "deploy"}
    found = json.loads(done.stdout)
    assert [item["kind"] for item in found["resources"]].count("CloudFunction") == 1
    assert {item["namespace"] for item in found["resources"]} == {"team-a"}
    assert found["skipped"] == 2
    text = account.run(*arguments, "--namespace=team-a")
    assert text.returncode == 1
    assert "!   FunctionDeployment team-a/refused: refused\n" in text.stdout
    assert "Note: 2 documents of other kinds skipped: 1 Secret, 1 no kind.\n" in text.stdout
    assert "\x1b" not in text.stdout
    comment = account.run(*arguments, "--output=markdown")
    assert comment.stdout.startswith("<!-- nvcf-operator plan -->\n### nvcf-operator plan: ")
    assert comment.returncode == 1


def test_exit_codes_of_changes_and_of_none(account: Account, versions: Versions, tmp_path: Path) -> None:
    changed = account.run("plan", "-f", written(tmp_path / "a.yaml", manifest("new", *versions["neu & <b>"])))
    assert (changed.returncode, changed.stderr) == (2, "")
    assert changed.stdout.endswith("\nPlan: 1 deploy.\nOrdered in all: instances 0 -> 1-2, GPUs 0 -> 1-2\n")
    observed = manifest("seen", *versions["läuft"], gpu=L40S)
    observed["spec"]["managementPolicy"] = "Observe"
    same = account.run("plan", "-f", written(tmp_path / "b.yaml", observed))
    assert (same.returncode, same.stderr) == (0, "")
    assert "No changes: 1 unchanged." in same.stdout
    nothing = account.run("plan", "-f", written(tmp_path / "c.yaml", {"apiVersion": "v1", "kind": "Secret"}))
    assert (nothing.returncode, nothing.stdout.count("Nothing to plan")) == (0, 1)


def test_a_plan_that_takes_long_says_so(account: Account, versions: Versions, tmp_path: Path) -> None:
    many = [manifest(f"copy-{number}", *versions["läuft"]) for number in range(101)]
    for item in many:
        item["spec"]["managementPolicy"] = "Observe"
    done = account.run("plan", "-f", written(tmp_path / "a.yaml", *many))
    assert done.stderr == "nvcf-operator: reading the deployments of 101 manifests, 25 per second\n"


def test_mistakes_are_listed_and_nothing_is_asked(
    nvcf: tuple[Simulator, Versions], account: Account, tmp_path: Path
) -> None:
    bad = manifest("bad", "no-uuid", "no-uuid")
    calls = len(nvcf[0].log())
    done = account.run("plan", "-f", written(tmp_path / "a.yaml", bad), "-f", f"{tmp_path}/missing.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("nvcf-operator: ") for line in lines)
    assert "a.yaml, document 1, line 1: FunctionDeployment bad: spec.functionId: must match" in lines[0]
    assert len(nvcf[0].log()) == calls


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--filename: must be files, folders, or - for standard input"),
        (("--nix",), "No such option"),
        (("-f", "x", "--output=xml"), "--output: must be text, json or markdown"),
        (("-f", "x", "--namespace=Ü"), "--namespace: must be the name of a namespace"),
        (("-f", "x", "--kubeconfig="), "--kubeconfig: must be the path of a kubeconfig"),
        (("-f", "x", "--context="), "--context: must be the name of a context"),
        (("-f", "x", "-f", ""), "--filename: item 2: must be files, folders, or - for standard input"),
    ],
)
def test_a_bad_option_is_no_change(account: Account, arguments: tuple[str, ...], says: str) -> None:
    flags = ["--nvcf-base-url", account.url, "--api-key-file", str(account.file)]
    done = CliRunner().invoke(main, ["plan", *flags, *arguments])
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr


def test_a_cluster_that_is_not_there(account: Account, tmp_path: Path) -> None:
    source = written(tmp_path / "a.yaml", function_manifest("llama"))
    done = account.run("plan", "-f", source, "--kubeconfig", f"{tmp_path}/missing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"nvcf-operator: {tmp_path}/missing: there is no such file\n"


def test_a_refused_key_is_an_error_of_each_resource(account: Account, tmp_path: Path) -> None:
    stranger = Account(account.url, tmp_path, "nvapi-unknown-0123456789")
    done = stranger.run("plan", "-f", written(tmp_path / "a.yaml", function_manifest("llama")), "-o", "json")
    assert done.returncode == 1
    assert planned(done.stdout) == {"llama": "error"}


def test_no_variable_makes_it_read_a_cluster(account: Account, tmp_path: Path) -> None:
    source = written(tmp_path / "a.yaml", function_manifest("llama"))
    done = nvcf_operator(
        *("plan", "-f", source, "--nvcf-base-url", account.url, "--api-key-file", str(account.file)),
        KUBECONFIG=f"{tmp_path}/missing",
    )
    assert (done.returncode, done.stderr) == (2, "")


def started(account: Account, *arguments: str) -> subprocess.Popen[bytes]:
    flags = ("--nvcf-base-url", account.url, "--api-key-file", str(account.file))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NVCF_OPERATOR_")}
    return subprocess.Popen(
        [COMMAND, "plan", *flags, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "LC_ALL": "C", "PYTHONUTF8": "0"},
    )


def test_standard_input_in_a_plain_locale_and_a_reader_that_goes(account: Account) -> None:
    text = yaml.dump_all([function_manifest("llama"), {"apiVersion": "v1", "kind": "Größe"}], allow_unicode=True)
    with started(account, "-f", "-") as process:
        out, err = process.communicate(text.encode(), timeout=LONGEST)
    assert (process.returncode, err) == (2, b"")
    assert "from standard input, document 1" in out.decode()
    assert "1 Größe" in out.decode()
    with started(account, "-f", "-") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(text.encode(), timeout=LONGEST)
    assert (process.returncode, err) == (2, b"")


@pytest.mark.parametrize("command", ["plan", "check", "import", "import --cloud-functions"])
def test_output_that_cannot_be_written_is_an_error_in_one_line(account: Account, tmp_path: Path, command: str) -> None:
    flags = ["--nvcf-base-url", account.url, "--api-key-file", str(account.file)]
    if command == "plan":
        flags += ["-f", written(tmp_path / "a.yaml", function_manifest("llama"))]
    errors = tmp_path / "errors"
    process = Fork(COMMAND.name, [*command.split(), *flags], output=Path("/dev/full"), errors=errors)
    try:
        assert process.wait(LONGEST) == 1
    finally:
        process.kill()
    said = [line for line in errors.read_text().splitlines() if not line.startswith("nvcf-operator: note on ")]
    assert said == ["nvcf-operator: standard output cannot be written: No space left on device"]


def test_an_interrupt_ends_it_without_a_traceback(account: Account, tmp_path: Path) -> None:
    source = written(tmp_path / "a.yaml", function_manifest("llama"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONGEST)
        account.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with started(account, "-f", source) as process, server.accept()[0]:  # it waits for an answer that never comes
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, out, err) == (130, b"", b"")
