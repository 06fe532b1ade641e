"""Bugs put in on purpose, each caught by the story that its safeguard is for; without the bug the story ends well."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.environment import Environment
from tests.chaos.stories import OPERATORS_KEY, STORIES
from tests.support import planted

pytestmark = pytest.mark.xdist_group("planted")

CASES = [(name, bug) for name, story in STORIES.items() for bug in (story.disruption, *story.bugs)]
AT_ONCE = 8

Outcomes = Mapping[tuple[str, str | None], Future[list[str]]]


@pytest.fixture(scope="module")
def outcomes(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcomes]:
    """What is wrong after each story, with each of its bugs and with none; they are played beside one another."""
    folder = tmp_path_factory.mktemp("planted")
    key = folder / "key"
    key.write_text(OPERATORS_KEY)

    def played(environment: Environment, name: str, bug: str | None) -> list[str]:
        story = STORIES[name]
        settings = {"api_key_file": key, "api_key_namespaces": "*", **story.settings}
        with environment.run(bug=bug, lone=story.lone, **settings) as run:
            return story.play(run)

    with (
        Environment.made(control_plane, operator_identity, folder, at_once=AT_ONCE) as environment,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        yield {(name, bug): pool.submit(played, environment, name, bug) for name, bug in CASES}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well(outcomes: Outcomes, name: str) -> None:
    assert outcomes[name, STORIES[name].disruption].result() == []


@pytest.mark.parametrize(("name", "bug"), [case for case in CASES if case[1] in STORIES[case[0]].bugs])
def test_a_story_catches_its_bug(outcomes: Outcomes, name: str, bug: str) -> None:
    assert outcomes[name, bug].result() != []


def test_every_bug_is_caught_by_a_story_and_every_invariant_has_two() -> None:
    others = "".join(path.read_text() for path in Path(__file__).parents[1].glob("*/test_*.py"))
    named = {bug for story in STORIES.values() for bug in (*story.bugs, story.disruption) if bug is not None}
    assert {bug for bug in planted.BUGS if bug not in named and f'"{bug}"' not in others} == set()
    assert named <= set(planted.BUGS)
    bugs = {
        number: {bug for story in STORIES.values() if number in story.invariants for bug in story.bugs}
        for number in range(1, 8)
    }
    assert {number: found for number, found in bugs.items() if len(found) < 2} == {}


def test_the_table_of_the_readme_is_that_of_the_stories() -> None:
    lines = Path(__file__).with_name("README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]
    named, number = set(), 0
    for invariant, bug, story in cells:
        number = int(invariant.split(".")[0]) if invariant else number
        named.add((number, bug.strip("`"), story.strip("`")))
    stories = STORIES.items()
    assert named == {(n, bug, name) for name, story in stories for n in story.invariants for bug in story.bugs}
