"""What the documentation names is there: pages, flags, annotations, fields, reasons, files and make's targets."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from hack.docs.errors import errors_tables, with_errors
from hack.docs.reasons import reasons_table, with_reasons
from nvcf_operator import settings
from nvcf_operator.api import names
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES, FunctionPhase
from nvcf_operator.api.spec import VersionChange
from nvcf_operator.api.status import CONDITION_TYPES, Phase
from nvcf_operator.cli import main
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.settings import Settings
from tests.unit.core.situations import deployment, held, present

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
READMES = tuple(sorted(page for folder in ("hack", "tests") for page in (ROOT / folder).rglob("README.md")))
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), *READMES)
OPERATORS = tuple(page for page in PAGES if page.name not in ("client.md", "simulator.md") and page not in READMES)
"""Pages about the operator; the client and the simulator have names of their own, which their tests hold."""

OTHERS_FLAGS = {
    "--all",
    "--all-namespaces",
    "--body-file",
    "--bundle",
    "--cap-drop",
    "--certificate-identity-regexp",
    "--certificate-oidc-issuer",
    "--check",
    "--create-if-none",
    "--create-namespace",
    "--data-urlencode",
    "--dry-run",
    "--edit-last",
    "--field-manager",
    "--for",
    "--force-conflicts",
    "--format",
    "--from-literal",
    "--help",
    "--host",
    "--ignore-missing",
    "--image",
    "--kustomization-file",
    "--name",
    "--network",
    "--no-install-recommends",
    "--overwrite",
    "--path",
    "--port",
    "--prefix",
    "--read-only",
    "--recursive",
    "--no-crowd",
    "--resources",
    "--revision",
    "--rm",
    "--secret",
    "--server-side",
    "--set",
    "--sort-by",
    "--steady",
    "--strict",
    "--tail",
    "--take-ownership",
    "--target",
    "--type",
    "--validate",
    "--version",
    "--wait",
}
"""Flags of kubectl, Helm, docker and mypy that the pages name."""

OTHERS_WORDS = {*(kind.name for kind in names.KINDS), *VersionChange}
"""Words of two humps that are no reason."""

each_page = pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
each_operators = pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in OPERATORS]
)


def fenced(text: str) -> str:
    """The blocks of code of a page."""
    return "\n".join(re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S))


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def spans(text: str) -> list[str]:
    """What stands between backticks in a line."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """The links inside the repository: as written, file, anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text())):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            yield link, (page.parent / path).resolve() if path else page, anchor


def block(page: Path, language: str, number: int = 0) -> str:
    """A block of code of a page, by its language."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)
    return found[number]


@each_page
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    broken = [
        link
        for link, target, anchor in links(page)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]
    assert broken == []


@each_page
def test_no_page_names_a_place_of_the_machine_it_was_written_on(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|root|home|tmp)/\S*", page.read_text()) == []


@pytest.mark.parametrize("index", [pytest.param(README, id="README"), pytest.param(DOCS / "README.md", id="index")])
def test_every_page_is_in_the_index_and_in_the_readme(index: Path) -> None:
    linked = {target for _, target, _ in links(index)}
    assert sorted(page.name for page in DOCS.glob("*.md") if page not in linked | {DOCS / "README.md"}) == []


def test_the_table_of_reasons_is_that_of_the_code() -> None:
    page = (DOCS / "conditions.md").read_text()
    assert with_reasons(page) == page, f"`make generate` rewrites it; it should be:\n{reasons_table()}"


def test_the_tables_of_errors_are_those_of_the_code() -> None:
    page = (DOCS / "errors.md").read_text()
    assert with_errors(page) == page, f"`make generate` rewrites it; it should be:\n{errors_tables()}"


@pytest.mark.parametrize("copies", [0, 2])
def test_a_page_without_its_marks_is_refused_rather_than_spoilt(copies: int) -> None:
    with pytest.raises(ValueError, match="once"):
        with_reasons((DOCS / "conditions.md").read_text() * copies)


@each_operators
def test_words_that_look_like_reasons_are_reasons(page: Path) -> None:
    known = {*Reason, *Phase, *FunctionPhase, *CONDITION_TYPES, *FUNCTION_CONDITION_TYPES, *OTHERS_WORDS}
    named = {span for span in spans(page.read_text()) if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", span)}
    assert sorted(named - known) == []


@each_operators
def test_flags_and_variables_are_settings(page: Path) -> None:
    text = page.read_text()
    fields = Settings.model_fields
    options = [item for command in main.commands.values() for item in command.params]
    flags = {flag for item in options for flag in (*item.opts, *item.secondary_opts)}
    assert {settings.flag(name) for name in fields} <= flags
    code = "\n".join([*spans(text), fenced(text)])
    assert sorted(set(re.findall(r"(?<!\S)--[a-z][a-z-]*", code)) - flags - OTHERS_FLAGS) == []
    variables = {settings.variable(name) for name in fields}
    assert sorted(set(re.findall(r"NVCF_OPERATOR_[A-Z]\w*", text)) - variables) == []


FINALIZERS = {kind.finalizer for kind in names.KINDS}
CHARTS_LABEL = "nvcf-operator.io/protected"
"""The chart's admission policy asks for it, the operator does not."""


@each_page
def test_annotations_are_those_of_the_code(page: Path) -> None:
    known = {value for name, value in vars(names).items() if name.endswith("_ANNOTATION")}
    found = set(re.findall(rf"(?<![.\w]){re.escape(names.GROUP)}/[a-z][a-z0-9-]*", page.read_text()))
    assert sorted(found - known - {names.API_VERSION, *FINALIZERS, CHARTS_LABEL}) == []


@each_operators
def test_fields_are_those_of_the_crds(page: Path, schemas: tuple[Mapping[str, Any], ...]) -> None:
    named = {span for span in spans(page.read_text()) if re.fullmatch(r"(spec|status|rollout|undeploy)(\.\w+)+", span)}
    lost = [path for path in named if not any(leads_somewhere(schema, path.split(".")) for schema in schemas)]
    assert sorted(lost) == []


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    named = {
        span for span in spans(page.read_text()) if re.fullmatch(r"[\w./-]+/[\w.-]+\.(py|yaml|md|in|txt|toml)", span)
    }
    roots = (ROOT, ROOT / "operator" / "nvcf_operator", ROOT / "deploy", page.parent)
    assert sorted(name for name in named if not any((root / name).exists() for root in roots)) == []


@each_page
def test_targets_of_make_are_in_the_makefile(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    lines = [line.partition("#")[0] for line in fenced(text).splitlines()]
    said = " ".join(re.findall(r"\bmake ([a-z0-9 -]+)", "\n".join([*spans(text), *lines])))
    asked = {word for word in said.split() if not word.startswith("-")}
    assert sorted(asked - targets) == []


def test_the_readmes_manifest_is_the_example() -> None:
    example = ROOT / "deploy" / "examples" / "functiondeployment.yaml"
    assert documents.load(block(README, "yaml")) == documents.load(example.read_text())


@pytest.mark.parametrize(("page", "number"), [(README, 1), (DOCS / "functions.md", 0)], ids=["README", "functions"])
def test_the_function_of_a_page_is_the_example(page: Path, number: int) -> None:
    example = ROOT / "deploy" / "examples" / "cloudfunction.yaml"
    assert documents.load_all(block(page, "yaml", number)) == documents.load_all(example.read_text())


def test_the_readmes_sample_of_a_condition_is_what_the_operator_reports() -> None:
    wanted = held(gpu={"gpu": "L40S", "instanceType": "NCP.GPU.L40S_2x"}, generation=2)
    condition_set = decide(
        present(wanted, deployment(gpu={"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x"}))
    ).condition_set
    assert condition_set is not None
    _, shown = block(README, "console", 1).splitlines()
    assert shown == condition_set.message


def test_the_rule_for_secrets_is_the_bases_and_the_overlays_path_leads_to_it() -> None:
    objects = documents.load_all((ROOT / "deploy" / "base" / "operator.yaml").read_text())
    role = next(each for each in objects if each["kind"] == "ClusterRole")
    (rule,) = documents.load(block(DOCS / "credentials.md", "yaml"))
    (operation,) = documents.load(documents.load(block(DOCS / "credentials.md", "yaml", 1))["patches"][0]["patch"])
    assert role["rules"][int(operation["path"].split("/")[2])] == rule


@pytest.fixture(scope="module")
def schemas() -> tuple[Mapping[str, Any], ...]:
    """The schema of each kind, with the members of spec that pages name without it."""
    files = (ROOT / "crds" / f"{names.GROUP}_{kind.plural}.yaml" for kind in names.KINDS)
    versions = (documents.load(file.read_text())["spec"]["versions"][0] for file in files)
    wholes = (version["schema"]["openAPIV3Schema"]["properties"] for version in versions)
    return tuple({**whole, **whole["spec"]["properties"]} for whole in wholes)


def leads_somewhere(properties: Mapping[str, Any], path: list[str]) -> bool:
    """Whether a path of names leads to a field."""
    for name in path:
        if name not in properties:
            return False
        found = properties[name]
        properties = found.get("properties", found.get("items", {}).get("properties", {}))
    return True
