"""Every command line of the documentation is typed by a test, or stands here with the reason why none types it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.page_commands import ROOT, TYPED_ON_A_CLUSTER, Command, commands

CLUSTER = "tests/integration/test_docs_commands.py::test_the_pages_commands_do_what_they_say"
KIND = "tests/e2e/kind/test_kind_page.py::test_the_page_can_be_typed_as_it_stands"
EXAMPLES = "tests/contract/commands/test_command_documentation.py::test_an_example_prints_what_the_page_says"
PLANS = "tests/contract/commands/test_plan_documentation.py::test_an_example_prints_what_the_page_says"
MIGRATION = "tests/integration/test_migration_page.py::test_the_commands_take_over_a_function_and_deploy_nothing"
HERE = "tests/unit/test_docs_page_commands.py"
SIMULATOR = "tests/contract/test_docs_simulator_commands.py::test_the_simulators_console_can_be_typed"

TYPED = (
    *((page, re.escape(beginning), CLUSTER) for page, beginning in sorted(TYPED_ON_A_CLUSTER, reverse=True)),
    (r"docs/commands\.md", r"nvcf-operator (check|import|plan) (?!.*>)", EXAMPLES),
    (r"docs/plan\.md", r"(cat .* \| )?nvcf-operator plan (?!.* > plan\.md)", PLANS),
    (r"docs/migration\.md", r"nvcf-operator |kubectl ", MIGRATION),
    (r"docs/kind\.md", r"kubectl (?!get fd -w)|helm ", KIND),
    (r"docs/simulator\.md", r"nvcf-simulator |curl ", SIMULATOR),
    (r".*", r"make (?!up\b)", f"{HERE}::test_make_has_the_target"),
    (r".*", r"([A-Z_]+='?[^']*'? )?\.venv/bin/pytest ", f"{HERE}::test_pytest_finds_what_is_named"),
    (r"docs/gitops\.md", r"grep -rl .*sed -i", f"{HERE}::test_the_repositorys_address_is_replaced"),
)
"""Page, beginning of the command, and the test that types it (or has make or pytest find what it names)."""

A_CLUSTER_WITH_NODES = "runs pods, so it takes nodes: `make e2e` does the same on kind"
AN_ENGINE = "takes a container engine and registries: `make e2e` builds, loads and runs the images"
ARGO_CD = "takes Argo CD: `make e2e-argocd` applies these files and deletes the Application"
FLUX = "takes Flux in a cluster: its library applies these files and waits on them in the tests of deploy/flux"
TERRAFORM = "takes NVIDIA's Terraform provider and an NVCF account"
SIGNED = "takes a release that a forge has signed"

NOT_TYPED = (
    (r".*", r"helm install ", A_CLUSTER_WITH_NODES),
    (r".*", r"kubectl -n nvcf-operator-system ", A_CLUSTER_WITH_NODES),
    (r".*", r"(docker|podman|kind) ", AN_ENGINE),
    (r"docs/kind\.md", r"export KIND_EXPERIMENTAL_PROVIDER=", AN_ENGINE),
    (r"docs/kind\.md", r"kubectl get fd -w", "ends by Ctrl-C only: the page's test waits for what it would show"),
    (r"docs/gitops\.md", r"kubectl (apply .*-f deploy/argocd/|-n argocd )", ARGO_CD),
    (r"docs/gitops\.md", r"kubectl (apply -k deploy/flux|-n flux-system |wait --for=delete )", FLUX),
    (r"docs/plan\.md", r"argocd |flux ", "takes the command and the server of Argo CD, or Flux"),
    (r"docs/plan\.md", r"nvcf-operator plan .* > plan\.md", "the same command is typed in the jobs of that page"),
    (r"docs/migration\.md", r"terraform ", TERRAFORM),
    (r"docs/release\.md", r"cosign |sha256sum ", SIGNED),
    (r"docs/development\.md", r"go get ", "changes a pinned module, and asks the module proxy"),
    (r".*", r"make up$", "leaves processes running"),
    (
        r".*",
        r"(\.venv/bin/)?nvcf-operator run ",
        "runs until it is stopped: the integration tests start it by the same options",
    ),
    (
        r"(README|docs/(install|commands))\.md",
        r"kubectl (-n my-team )?(create secret generic nvcf-credentials|apply -k crds|apply -f functions\.yaml)",
        "the same command is typed from another page",
    ),
    (
        r"docs/commands\.md",
        r"nvcf-operator import .*> functions\.yaml",
        f"the same command is typed from docs/migration.md: {MIGRATION}",
    ),
)
"""Page, beginning of the command, and why no test types it."""


def rule_of(command: Command) -> tuple[str, str, str] | None:
    """The first rule that a command falls under."""
    rules = (*TYPED, *NOT_TYPED)
    return next((r for r in rules if re.fullmatch(r[0], command.page) and re.match(r[1], command.text)), None)


def test_every_command_is_typed_or_has_a_reason() -> None:
    unknown = [str(command) for command in commands() if rule_of(command) is None]
    assert unknown == [], "type them in a test, or give the reason in NOT_TYPED"


def test_every_rule_is_about_a_command() -> None:
    used = {rule_of(command) for command in commands()}
    assert [rule for rule in (*TYPED, *NOT_TYPED) if rule not in used] == []


@pytest.mark.parametrize("test", sorted({rule[2] for rule in TYPED}))
def test_the_tests_that_type_are_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def ruled_by(name: str) -> list[str]:
    """The commands that a test of this module is about, each once."""
    return sorted({c.text for c in commands() if (rule := rule_of(c)) is not None and rule[2] == f"{HERE}::{name}"})


def test_make_has_the_target() -> None:
    known = set(re.findall(r"^([a-z][\w-]*(?: [a-z][\w-]*)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets = {target for names in known for target in names.split()}
    named = {
        word
        for line in ruled_by("test_make_has_the_target")
        for word in line.split()[1:]
        if "=" not in word and not word.startswith("-")
    }
    assert named
    assert named - targets == set()


@pytest.mark.parametrize("line", ruled_by("test_pytest_finds_what_is_named"))
def test_pytest_finds_what_is_named(line: str) -> None:
    (place,) = re.findall(r"tests/\S+\.py(?:::[^\s']+)?", line)
    path, _, test = place.partition("::")
    text = (ROOT / path).read_text()
    name, _, case = test.partition("[")
    assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)
    for word in (case.rstrip("]"), *re.findall(r" -k (\w+)", line)):
        assert word in text
    for variable in re.findall(r"^([A-Z_]+)=", line):
        names = subprocess.run(
            ["git", "grep", "-lw", variable, "--", "tests"], cwd=ROOT, capture_output=True, text=True
        )
        assert names.stdout, f"nothing reads {variable}"


def test_the_repositorys_address_is_replaced(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    (line,) = ruled_by("test_the_repositorys_address_is_replaced")
    environment = {**os.environ, "YOUR_REPOSITORY": "https://git.example.org/größe/functions.git"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=tmp_path, env=environment, check=True, timeout=60)
    texts = [
        path.read_text() for folder in ("argocd", "flux") for path in (tmp_path / "deploy" / folder).rglob("*.yaml")
    ]
    assert not any("git.example.com/platform/nvcf.git" in text for text in texts)
    assert any("https://git.example.org/" in text for text in texts)
