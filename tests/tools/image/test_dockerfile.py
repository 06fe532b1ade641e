"""The Dockerfile, read as text: what the chart's Pods need of the image, and what keeps a build honest.

`make e2e` builds it and runs it.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import click
import pytest
from hatchling.builders.wheel import WheelBuilder

from hack import documents
from hack.chart import CHART, Helm

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INSTALLED = "/opt/nvcf-operator/bin/"


def instructions() -> Iterator[tuple[str, str]]:
    """Name and arguments of each instruction, comments left out and continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, arguments = line.partition(" ")
        yield name, " ".join(arguments.split())


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage by its name, those before the first under an empty one, in the file's order."""
    found: dict[str, list[tuple[str, str]]] = {"": []}
    for name, arguments in instructions():
        if name == "FROM":
            found[arguments.split()[-1]] = []
        found[[*found][-1]].append((name, arguments))
    return found


def parent(stage: str) -> str:
    """What a stage is made from."""
    return stages()[stage][0][1].split()[0]


def of(stage: str, name: str) -> list[str]:
    """The arguments of a stage's instructions of that name."""
    return [arguments for each, arguments in stages()[stage] if each == name]


def test_the_base_is_chosen_by_one_argument_and_pinned_to_one_release() -> None:
    (argument,) = of("", "ARG")
    name, _, base = argument.partition("=")
    assert name == "BASE_IMAGE"
    release = re.fullmatch(r"docker\.io/library/python:(\d+)\.(\d+)\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    assert release
    assert (int(release[1]), int(release[2])) >= (3, 11)
    assert {parent(stage) for stage in ("build", "both")} == {"${BASE_IMAGE}"}


def test_the_operator_is_what_is_built_by_default_and_the_simulator_differs_by_its_command_only() -> None:
    assert [*stages()][-1] == "operator"
    for stage in ("operator", "simulator"):
        (only,) = stages()[stage][1:]
        assert parent(stage) == "both"
        assert only[0] == "ENTRYPOINT"


def test_the_last_stages_run_nothing_so_that_they_hold_no_compiler_and_no_pip() -> None:
    assert not [stage for stage in ("both", "operator", "simulator", "sbom") if of(stage, "RUN")]
    assert any("venv --without-pip /opt/nvcf-operator" in run for run in of("build", "RUN"))
    assert of("both", "COPY") == ["--from=build /opt/nvcf-operator /opt/nvcf-operator"]


def test_packages_are_installed_by_hash_as_wheels_and_from_wherever_the_builder_says() -> None:
    installs = [part for run in of("build", "RUN") for part in run.split("&&") if "pip" in part and " install " in part]
    fetching = [part for part in installs if "--no-index" not in part]
    assert len(fetching) == 2
    assert all("--require-hashes" in part and "--only-binary=:all:" in part for part in fetching)
    text = (ROOT / "Dockerfile").read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("name", ["run", "tracing", "image"])
def test_the_requirements_of_the_image_are_pinned_with_hashes_and_name_no_registry(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = [each for each in re.split(r"\n(?=[a-z])", text) if not each.startswith("#")]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []
    assert "://" not in text


def test_what_the_project_needs_is_what_the_image_installs() -> None:
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "tracing.txt").read_text(), re.M))
    needs = (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["tracing"])
    assert {re.split(r"[^a-z0-9-]", need)[0] for need in needs} <= pinned


def test_the_labels_name_version_and_license() -> None:
    text = " ".join(of("both", "LABEL"))
    arguments = of("both", "ARG")
    assert f"VERSION={PROJECT['version']}" in arguments
    for name in ("version", "revision", "source", "created"):
        assert f'org.opencontainers.image.{name}="${{{name.upper()}}}"' in text
        assert any(argument.startswith(f"{name.upper()}=") for argument in arguments)
    assert f'org.opencontainers.image.licenses="{PROJECT["license"]}"' in text


def test_it_runs_as_the_user_of_the_charts_pods() -> None:
    pod = documents.load((CHART / "values.yaml").read_text())["podSecurityContext"]
    assert of("both", "USER") == [f"{pod['runAsUser']}:{pod['runAsGroup']}"] == ["65532:65532"]


def test_the_charts_arguments_are_arguments_of_its_command(tmp_path: Path) -> None:
    (deployment,) = [each for each in Helm(4, tmp_path).template() if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "command" not in container  # the image's own is run
    (command,) = json.loads(of("operator", "ENTRYPOINT")[0])
    module, _, function = PROJECT["scripts"][command.removeprefix(INSTALLED)].partition(":")
    main = getattr(import_module(module), function)
    name, *arguments = container["args"]
    assert isinstance(main, click.Group)
    assert main.commands[name].make_context(name, arguments).params["leader_election"] is True


def test_the_simulators_command_is_a_command_of_the_project() -> None:
    (command,) = json.loads(of("simulator", "ENTRYPOINT")[0])
    assert command.removeprefix(INSTALLED) in PROJECT["scripts"]


def test_the_build_is_given_what_it_copies_and_nothing_else_of_a_checkout() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    first, *rest = lines
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for arguments in of("build", "COPY")
        for source in arguments.split()[:-1]
        if not source.startswith("--")
    }
    assert first == "*"
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    kept_out = [line for line in rest if not line.startswith("!")]
    assert any(fnmatch("operator/nvcf_operator/__pycache__", pattern) for pattern in kept_out)


def test_the_wheel_holds_the_operator_and_the_simulator_and_nothing_of_the_tools_and_tests() -> None:
    held = {Path(file.distribution_path) for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {path.parts[0] for path in held} == {"nvcf_client", "nvcf_operator", "nvcf_simulator"}
    assert Path("nvcf_operator/cli.py") in held
