"""Argo CD's health and actions of both kinds, out of the shipped files, in a sandbox like Argo CD's."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hack import documents
from hack.argocd import (
    CONFIG_MAP,
    LuaError,
    Scripts,
    config_map,
    customization,
    disagreement,
    group_kind,
    merge_patch,
    scripts,
    shipped,
)
from nvcf_operator.api import names
from nvcf_operator.api.status import MESSAGE_LIMIT
from tests.support.statuses import problems

GROUP_KIND = group_kind()
NOON = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""When the actions of the test data were asked for."""

Object = dict[str, Any]


def load(path: Path) -> Any:
    return documents.load(path.read_text())


@dataclass(frozen=True)
class Shipped:
    """What is shipped for one kind: its folder, and all that is in it."""

    kind: names.Kind
    annotations: dict[str, dict[str, str | None]]
    """What each action does to annotations."""

    @property
    def folder(self) -> Path:
        return customization(self.kind)

    @property
    def actions(self) -> Path:
        return self.folder / "actions"

    @property
    def health_tests(self) -> list[Object]:
        tests: list[Object] = load(self.folder / "health_test.yaml")["tests"]
        return tests

    def action_tests(self, of: str) -> list[Object]:
        tests: list[Object] = load(self.actions / "action_test.yaml")[of]
        return tests

    @cached_property
    def objects(self) -> dict[str, Object]:
        paths = sorted(self.folder.glob("**/testdata/*.yaml"))
        return {str(path.relative_to(self.folder)): load(path) for path in paths}


BOTH: dict[str, dict[str, str | None]] = {
    "pause": {names.PAUSED_ANNOTATION: "true"},
    "reconcile-now": {names.RECONCILE_REQUESTED_ANNOTATION: "2026-11-02T09:30:00Z"},
    "resume": {names.PAUSED_ANNOTATION: None},
}
SHIPPED = (
    Shipped(names.FUNCTION_DEPLOYMENT, BOTH),
    Shipped(
        names.CLOUD_FUNCTION,
        BOTH | {"new-version": {names.NEW_VERSION_REQUESTED_ANNOTATION: "2026-11-02T09:30:00Z"}},
    ),
)
OBJECTS = SHIPPED[0].objects
HEALTHY = OBJECTS["testdata/healthy.yaml"]

each_kind = pytest.mark.parametrize("of", SHIPPED, ids=lambda of: of.kind.name)
every_object = pytest.mark.parametrize(
    ("of", "found"),
    [pytest.param(of, found, id=f"{of.kind} {name}") for of in SHIPPED for name, found in of.objects.items()],
)


def each_case(cases: Callable[[Shipped], list[Object]], named_by: str) -> pytest.MarkDecorator:
    """Each case of each kind, named after one of its files."""
    every = [(of, case) for of in SHIPPED for case in cases(of)]
    params = [pytest.param(of, case, id=f"{of.kind} {Path(case[named_by]).stem}") for of, case in every]
    return pytest.mark.parametrize(("of", "case"), params)


def at_noon(kind: names.Kind) -> Scripts:
    return Scripts(shipped(), group_kind(kind), clock=lambda: NOON)


def with_health(script: str) -> Scripts:
    return Scripts({f"resource.customizations.health.{GROUP_KIND}": script}, GROUP_KIND)


@each_kind
def test_the_config_map_holds_the_scripts_as_they_are_in_upstreams_layout(of: Shipped) -> None:
    assert CONFIG_MAP.read_text() == config_map(), "`make argocd` rewrites it"
    data, named = shipped(), group_kind(of.kind)
    assert data[f"resource.customizations.health.{named}"] == (of.folder / "health.lua").read_text()
    actions = documents.load(data[f"resource.customizations.actions.{named}"])
    assert actions["discovery.lua"] == (of.actions / "discovery.lua").read_text()
    assert {item["name"]: item["action.lua"] for item in actions["definitions"]} == {
        path.parent.name: path.read_text() for path in of.actions.glob("*/action.lua")
    }


def test_the_kinds_differ_in_health_by_the_word_for_a_blocked_deletion_only() -> None:
    deployment, function = ((of.folder / "health.lua").read_text() for of in SHIPPED)
    assert function == deployment.replace("deployment cannot be removed", "function cannot be deleted")


@each_case(lambda of: of.health_tests, "inputPath")
def test_the_health_is_what_upstreams_test_would_expect(of: Shipped, case: Object) -> None:
    found = scripts(of.kind).health(load(of.folder / case["inputPath"]))
    assert {"status": found.status, "message": found.message} == case["healthStatus"]


@each_kind
def test_every_health_is_shown_and_every_object_is_used(of: Shipped) -> None:
    assert {case["healthStatus"]["status"] for case in of.health_tests} == {
        "Healthy",
        "Progressing",
        "Degraded",
        "Suspended",
    }
    used = {case["inputPath"] for case in of.health_tests}
    for case in of.action_tests("discoveryTests") + of.action_tests("actionTests"):
        used |= {f"actions/{case[key]}" for key in ("inputPath", "expectedOutputPath") if key in case}
    assert used == set(of.objects)


@each_case(lambda of: of.action_tests("discoveryTests"), "inputPath")
def test_actions_are_offered_where_they_do_something(of: Shipped, case: Object) -> None:
    assert scripts(of.kind).discover(load(of.actions / case["inputPath"])) == sorted(
        case["result"], key=lambda each: each["name"]
    )


@each_case(lambda of: of.action_tests("actionTests"), "expectedOutputPath")
def test_an_action_leaves_what_upstreams_test_would_expect(of: Shipped, case: Object) -> None:
    before = load(of.actions / case["inputPath"])
    assert at_noon(of.kind).act(case["action"], before) == load(of.actions / case["expectedOutputPath"])


@every_object
def test_an_action_changes_annotations_and_nothing_else(of: Shipped, found: Object) -> None:
    found, asked = copy.deepcopy(found), at_noon(of.kind)
    if of.kind == names.FUNCTION_DEPLOYMENT:
        found["spec"]["deploymentSpecifications"][0] |= {"configuration": {}, "clusters": []}
    else:
        found["spec"]["template"] |= {"models": [], "telemetries": {}}
    assert set(asked.actions) == set(of.annotations)
    for action, wanted in of.annotations.items():
        patch = merge_patch(found, asked.act(action, found))
        present = found["metadata"].get("annotations", {})
        changes = {key: value for key, value in wanted.items() if present.get(key) != value}
        assert patch == ({"metadata": {"annotations": changes}} if changes else {}), action


def test_another_click_in_another_second_is_another_token() -> None:
    seconds = iter((NOON, NOON.replace(second=1)))
    asking = Scripts(shipped(), GROUP_KIND, clock=lambda: next(seconds))
    tokens = [
        asking.act("reconcile-now", HEALTHY)["metadata"]["annotations"][names.RECONCILE_REQUESTED_ANNOTATION]
        for _ in range(2)
    ]
    assert tokens == ["2026-11-02T09:30:00Z", "2026-11-02T09:30:01Z"]


@each_kind
def test_the_scripts_name_only_annotations_that_the_operator_knows(of: Shipped) -> None:
    text = "".join(path.read_text() for path in of.folder.glob("**/*.lua"))
    known = {annotation for changes in of.annotations.values() for annotation in changes}
    assert set(re.findall(rf"{re.escape(names.GROUP)}/[\w-]+", text)) == known


@each_kind
def test_what_the_operator_writes_makes_argo_cd_compare_nothing(of: Shipped) -> None:
    ignored = documents.load(shipped()[f"resource.customizations.ignoreResourceUpdates.{group_kind(of.kind)}"])
    assert ignored == {"jsonPointers": ["/status", "/metadata/finalizers"]}


ENDED = "2026-01-01T12:00:00Z"
AT_WORK = ("Progressing", "A sync is under way")


def synced(phase: str, *, compared: str, sync: str = "Synced") -> Object:
    """The status of a healthy Application whose sync, if it has ended, did so at noon."""
    operation = {"phase": phase} if phase == "Running" else {"phase": phase, "finishedAt": ENDED}
    return {
        "health": {"status": "Healthy"},
        "sync": {"status": sync},
        "operationState": operation,
        "reconciledAt": compared,
    }


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (None, ("Progressing", "Waiting for Argo CD to see the Application")),
        ({"sync": {"status": "Unknown"}}, ("Progressing", "Waiting for Argo CD to see the Application")),
        ({"health": {"status": "Degraded", "message": "why"}}, ("Degraded", "why")),
        ({"health": {"status": "Healthy"}}, ("Healthy", "")),
        (synced("Succeeded", compared=ENDED), ("Healthy", "")),
        (synced("Failed", compared=ENDED), ("Healthy", "")),
        (synced("Succeeded", compared=ENDED, sync="OutOfSync"), AT_WORK),
        (synced("Succeeded", compared="2026-01-01T11:59:59Z"), AT_WORK),
        (synced("Succeeded", compared="2026-01-01T12:00:01Z", sync="OutOfSync"), ("Healthy", "")),
        (synced("Running", compared="2026-01-01T12:00:01Z"), AT_WORK),
        (synced("Running", compared=ENDED) | {"health": {"status": "Degraded", "message": "why"}}, ("Degraded", "why")),
    ],
)
def test_a_wave_waits_for_the_applications_of_the_one_before(status: Object | None, shown: tuple[str, str]) -> None:
    found = Scripts(shipped(), "argoproj.io_Application").health({"kind": "Application", "status": status})
    assert (found.status, found.message) == shown


def test_a_wave_waits_for_a_sync_that_was_asked_for() -> None:
    found = {"kind": "Application", "operation": {"sync": {}}, "status": synced("Succeeded", compared=ENDED)}
    assert Scripts(shipped(), "argoproj.io_Application").health(found).status == "Progressing"


# What an object may look like


@every_object
def test_argo_cd_and_kstatus_agree_about_every_object(of: Shipped, found: Object) -> None:
    assert found["kind"] == of.kind.name
    assert disagreement(found) is None


CONDITION = st.fixed_dictionaries(
    {"status": st.sampled_from(["True", "False", "Unknown"])},
    optional={"message": st.sampled_from(["", "why"]), "reason": st.sampled_from(["Active", "Suspended"])},
)


@given(
    conditions=st.fixed_dictionaries(dict.fromkeys(("Ready", "Reconciling", "Stalled"), CONDITION)),
    observed=st.integers(-1, 3),
    generation=st.integers(1, 3),
    paused=st.sampled_from([None, "true", "false"]),
    suspend=st.sampled_from([None, True, False]),
    deleting=st.booleans(),
)
def test_argo_cd_and_kstatus_agree_about_any_conditions(
    conditions: dict[str, Object],
    observed: int,
    generation: int,
    paused: str | None,
    suspend: bool | None,
    deleting: bool,
) -> None:
    metadata: Object = {"generation": generation}
    if paused is not None:
        metadata["annotations"] = {names.PAUSED_ANNOTATION: paused}
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-02T09:30:00Z"
    stated = [{"type": kind, **condition} for kind, condition in conditions.items()]
    found = {
        "metadata": metadata,
        "spec": {} if suspend is None else {"suspend": suspend},
        "status": {"observedGeneration": observed, "conditions": stated},
    }
    assert disagreement(found) is None


def mutilated(draw: Callable[[st.SearchStrategy[Any]], Any], value: Any) -> Any:
    """Drop parts of an object, or put something of another type in their place."""
    fate = draw(st.sampled_from(["keep"] * 12 + ["null", "other"]))
    if fate == "null":
        return None
    if fate == "other":
        return draw(st.sampled_from(["", "text", 7, True, [], {}, [None], ["text"], {"text": []}]))
    if isinstance(value, dict):
        return {key: mutilated(draw, item) for key, item in value.items() if draw(st.integers(0, 9))}
    if isinstance(value, list):
        return [mutilated(draw, item) for item in value if draw(st.integers(0, 9))]
    return value


@each_kind
@given(data=st.data())
def test_the_health_script_answers_whatever_is_missing(of: Shipped, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(list(of.objects.values())))
    part = mutilated(data.draw, whole)
    found = scripts(of.kind).health(part if isinstance(part, dict) else {})
    assert found.message
    assert len(found.message) <= MESSAGE_LIMIT


@each_kind
@given(data=st.data())
def test_actions_are_found_and_done_on_every_object_that_the_api_server_lets_pass(
    of: Shipped, data: st.DataObject
) -> None:
    found = copy.deepcopy(data.draw(st.sampled_from(list(of.objects.values()))))
    for key in data.draw(st.sets(st.sampled_from(["annotations", "finalizers", "generation"]))):
        found["metadata"].pop(key, None)
    for key in data.draw(st.sets(st.sampled_from(["status", "spec"]))):
        found.pop(key)
    assert [each["name"] for each in scripts(of.kind).discover(found)] == sorted(of.annotations)
    for action in scripts(of.kind).actions:
        assert set(merge_patch(found, scripts(of.kind).act(action, found))) <= {"metadata"}


def test_a_disagreement_is_reported_with_the_statuses_that_an_operator_wrote() -> None:
    healthy = with_health('return {status = "Healthy", message = "as always"}')
    stalled = OBJECTS["testdata/degraded_immutable.yaml"]
    assert disagreement(stalled, healthy) == "kstatus says Failed, and Argo CD Healthy"
    assert (
        disagreement(HEALTHY, with_health('return {status = "Healthy"}')) == "Argo CD shows Healthy without a message"
    )
    assert str(disagreement(HEALTHY, with_health("return obj.none.none"))).startswith("Argo CD's health script fails")
    sleepy = with_health('return {status = "Suspended", message = "as always"}')
    assert disagreement(HEALTHY, sleepy) == "Argo CD shows Suspended, and the resource is not paused"
    paused = OBJECTS["testdata/suspended_annotation.yaml"]
    assert disagreement(paused, healthy) == "Argo CD shows Healthy, and the resource is paused"
    without = copy.deepcopy(HEALTHY)
    del without["status"]["conditions"][0]
    assert "kstatus says Current, and Argo CD Progressing" in problems(without)


@every_object
def test_the_objects_are_of_the_kind_that_the_operator_writes(of: Shipped, found: Object) -> None:
    if "conditions" in found["status"]:
        assert problems(found) == []


# The sandbox


@pytest.mark.parametrize(
    "script",
    [
        "return string.format('')",
        "return math.floor(1)",
        "return io.open('x')",
        "return os.time()",
        "return require('os').execute('true')",
        "return require('io')",
        "return debug.getinfo(1)",
        "return coroutine.create(print)",
        "return python.eval('1')",
        "return ('text'):upper()",
        "return obj.missing.field",
        "while true do end",
        "return",
        "return 'Healthy'",
        "return {status = 'Fine'}",
        "return {status = 'Healthy', [1] = 2}",
        "local os = require('os') return {status = 'Healthy', message = os.date('!%T')}",
        "local os = require('os') return {status = 'Healthy', message = os.date('%H')}",
    ],
)
def test_a_script_gets_no_more_than_in_argo_cd(script: str) -> None:
    with pytest.raises(LuaError):
        with_health(script).health(HEALTHY)


def test_a_script_gets_what_argo_cd_gives_it() -> None:
    script = """
    local os = require("os")
    local words = {}
    for _, condition in ipairs(obj.status.conditions) do table.insert(words, condition.type) end
    assert(type(os.time()) == "number" and obj.missing == nil and select("#", unpack(words)) == 5)
    return {status = "Healthy", message = table.concat(words, " ") .. " " .. tostring(pcall(error))}
    """
    assert with_health(script).health(HEALTHY).message == "Ready Available Reconciling Stalled CredentialsValid false"


def test_one_script_leaves_nothing_to_the_next() -> None:
    counting = with_health(
        "calls = (calls or 0) + 1 table.more = 1 return {status = 'Healthy', message = tostring(calls)}"
    )
    assert [counting.health(HEALTHY).message for _ in range(2)] == ["1", "1"]


def test_what_is_empty_stays_what_it_was() -> None:
    data = {
        f"resource.customizations.health.{GROUP_KIND}": "return {}",
        f"resource.customizations.actions.{GROUP_KIND}": yaml.safe_dump(
            {
                "discovery.lua": "return {}",
                "definitions": [{"name": "touch", "action.lua": "obj.new = {} return obj"}],
            }
        ),
    }
    found = {"map": {}, "list": [], "deep": [{"map": {}}], "number": 3, "null": None}
    touched = Scripts(data, GROUP_KIND).act("touch", found)
    assert touched == {"map": {}, "list": [], "deep": [{"map": {}}], "number": 3, "new": []}
    assert isinstance(touched["number"], int)
