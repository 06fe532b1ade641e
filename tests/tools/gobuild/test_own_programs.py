"""Our own programs in Go are built once, and again when their source changes; others can be named."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from hack.dashboard import engine
from hack.flux import binary


@dataclass(frozen=True)
class Program:
    """One of them."""

    build: Callable[[], Path]
    module: ModuleType
    variable: str
    error: type[Exception]


PROGRAMS = {
    "promql": Program(engine.engine_binary, engine, "PROMQL_EVALUATE", engine.EngineError),
    "flux": Program(binary.flux_binary, binary, "FLUX_APPLY", binary.FluxError),
}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Program:
    found = PROGRAMS[request.param]
    monkeypatch.delenv(found.variable, raising=False)
    return found


def test_it_is_built_once(program: Program, cache: Path, go_calls: Path) -> None:
    found = program.build()
    assert found.is_relative_to(cache)
    calls = go_calls.read_text()
    assert calls.splitlines()[-1] == "build ."
    assert program.build() == found
    assert go_calls.read_text() == calls


def test_another_source_is_another_program(
    program: Program, cache: Path, go_calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, changed = program.build(), tmp_path / "module"
    changed.mkdir()
    for path in program.module.MODULE.iterdir():
        (changed / path.name).write_text(path.read_text() + ("// größer\n" if path.suffix == ".go" else ""))
    monkeypatch.setattr(program.module, "MODULE", changed)
    assert program.build() != found


def test_another_one_can_be_named(program: Program, go_calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(program.variable, "/opt/bin/größer")
    assert program.build() == Path("/opt/bin/größer")
    assert go_calls.read_text() == ""


def test_where_none_can_be_built_the_ways_are_listed(
    program: Program, go_calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(
        program.error, match=rf"no such host[^$]+1\. {program.variable}[^$]+2\. the cache[^$]+3\. a build"
    ):
        program.build()


def test_the_documentation_names_the_version_of_flux() -> None:
    page = Path(__file__).parents[3] / "docs" / "gitops.md"
    assert f"`fluxcd/pkg/ssa` {binary.version().rpartition('.')[0]}," in page.read_text()
