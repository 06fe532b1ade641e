"""Helm values: what Kubernetes and its tools do to them is no difference, and a difference is named by its place."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nvcf_operator.core.diff.compare import (
    MOST_CHARACTERS,
    MOST_OF_A_PATH,
    Comparison,
    compare,
    cut_in_the_middle,
    path_text,
)
from nvcf_operator.core.diff.fields import Path, places_of_values, values
from tests.unit.core.specification_samples import found, wanted

KEYS = st.sampled_from(["a", "b", "naïve <&>", "app.example/x", ""])
JSON = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.5, "1", "", "größe & <nil>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
CHARTS = st.dictionaries(KEYS, JSON, max_size=4)

SECRET = "hunter2"
TOP = "deploymentSpecifications[0].configuration"


def held_against(manifest: Any, deployed: Any) -> Comparison:
    return compare([wanted(configuration=manifest)], [found(configuration=deployed)])


def merge_patched(value: Any) -> Any:
    """What is left of an object that is written into nothing by a JSON merge patch, as RFC 7396 says."""
    if not isinstance(value, dict):
        return value
    return {name: merge_patched(item) for name, item in value.items() if item is not None}


def without_empty(value: Any) -> Any:
    """The same without members that are empty objects, from the leaves up."""
    if not isinstance(value, dict):
        return value
    members = {name: without_empty(item) for name, item in value.items()}
    return {name: item for name, item in members.items() if item != {}}


@given(CHARTS)
def test_what_tools_make_of_values_is_no_difference_in_either_direction(chart: dict[str, Any]) -> None:
    for other in (merge_patched(chart), without_empty(merge_patched(chart)), json.loads(json.dumps(chart))):
        assert values(chart, other), other
        assert values(other, chart), other
        assert list(places_of_values(chart, other)) == []


@given(CHARTS, CHARTS, CHARTS)
def test_to_mean_the_same_is_an_equivalence(one: Any, two: Any, three: Any) -> None:
    assert values(one, one)
    assert values(one, two) == values(two, one)
    if values(one, two):
        assert values(one, three) == values(two, three)


@given(CHARTS, CHARTS)
def test_values_differ_exactly_where_a_place_is_named_and_always_in_one_order(one: Any, two: Any) -> None:
    places = list(places_of_values(one, two))
    assert bool(places) != values(one, two)
    assert len(set(places)) == len(places)
    shuffled = {name: one[name] for name in reversed(one)}, {name: two[name] for name in reversed(two)}
    assert list(places_of_values(*shuffled)) == places
    assert list(places_of_values(two, one)) == places


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where values are that are no objects and no lists, and not null."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from leaves(item, (*path, position))
    elif value is not None:
        yield path


@given(CHARTS, st.data())
def test_one_changed_value_is_named_and_nothing_else(chart: dict[str, Any], data: st.DataObject) -> None:
    places = sorted(leaves(chart), key=repr)
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    changed = deepcopy(chart)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = SECRET
    assert list(places_of_values(chart, changed)) == [path]
    message = held_against(chart, changed).describe()
    assert message.endswith(f"{path_text(path)} differs"), message
    assert SECRET not in message


DIFFERENCES: list[tuple[Any, Any, str, str]] = [
    (
        {"resources": {"limits": {"cpu": 1}}},
        {"resources": {"limits": {"cpu": 2}}},
        f"{TOP}.resources.limits.cpu differs",
        "the place alone",
    ),
    ({"a": 1, "b": 2}, {"a": 1}, f"{TOP}.b differs", "what one side lacks"),
    ({"a": 1}, None, f"{TOP}.a differs", "where the deployment shows none at all"),
    ({}, {"a": 1}, f"{TOP}.a differs", "where the manifest wants none"),
    ({"a": {"b": 1}}, {}, f"{TOP}.a differs", "an object that one side lacks is one place"),
    ({"a": {"b": 1}}, {"a": [1]}, f"{TOP}.a differs", "an object is no list"),
    ({"e": [{"n": 1}, {"n": 2}]}, {"e": [{"n": 1}, {"n": 3}]}, f"{TOP}.e[1].n differs", "an element by its position"),
    ({"e": [1, 2]}, {"e": [1]}, f"{TOP}.e differs", "a list of another length as a whole"),
    ({"e": [[0], [1]]}, {"e": [[0], [True]]}, f"{TOP}.e[1][0] differs", "lists in lists"),
    ({"b": 1, "a": 1}, {"a": 2, "b": 2}, f"{TOP}: a, b differ", "several in the order of their keys"),
    ({"c": 1, "b": 1, "a": 1}, {}, f"{TOP}: a, b, c differ", "up to three"),
    (dict.fromkeys("abcdefg", 1), {}, f"{TOP}: a, b, c and 4 more differ", "of more than three the number"),
    ({"app.example/x": 1}, {}, f'{TOP}["app.example/x"] differs', "a key with a dot is quoted"),
    ({"a": {"x y": 1}}, {"a": {"x y": 2}}, f'{TOP}.a["x y"] differs', "so is one with a blank"),
    ({"": 1}, {}, f'{TOP}[""] differs', "and one without a letter"),
    ({"0": 1}, {}, f'{TOP}["0"] differs', "and one that looks like a position"),
    ({"größe <&>": 1}, {}, f'{TOP}["größe <&>"] differs', "letters stay what they are"),
    ({'a"]\nReady': 1}, {}, f'{TOP}["a\\"]\\nReady"] differs', "no key makes a line of its own"),
    ({"\u202egpj": 1}, {}, f'{TOP}["\\u202egpj"] differs', "nor turns the text around"),
]


@pytest.mark.parametrize(("manifest", "deployed", "message", "reason"), DIFFERENCES)
def test_a_message_names_the_place_and_no_value(manifest: Any, deployed: Any, message: str, reason: str) -> None:
    assert held_against(manifest, deployed).describe() == message, reason


LONG = st.text(max_size=3000)


@given(st.lists(LONG | st.integers(0, 10**6), max_size=40).map(tuple))
@example(("k" * 5000,))
@example(("\ud800",))
@example(("k" * 40 + "é" * 40,) * 30)
def test_a_path_is_one_short_printable_line_whatever_the_keys(path: Path) -> None:
    text = path_text(path)
    assert len(text) <= MOST_OF_A_PATH
    assert text.isprintable()
    text.encode()


@given(st.text(max_size=50), st.integers(1, 60))
def test_what_is_cut_keeps_both_ends(text: str, most: int) -> None:
    cut = cut_in_the_middle(text, most)
    assert len(cut) == min(len(text), most)
    head, _, tail = cut.partition("…") if cut != text else (cut, "", "")
    assert text.startswith(head)
    assert text.endswith(tail)


def test_a_message_is_short_however_many_and_long_the_keys() -> None:
    charts = [{f"{number}-{'größe & <nil> ' * 200}": {"k" * 300: number} for number in range(50)} for _ in range(16)]
    comparison = compare([wanted(configuration=chart) for chart in charts], [found(configuration={})] * 16)
    assert len(comparison.describe()) <= MOST_CHARACTERS
    first = str(comparison.differences[0])
    assert first.endswith(" and 47 more differ")
    assert len(first) <= MOST_CHARACTERS
