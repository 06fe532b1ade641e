"""Argo CD's health and actions of a FunctionDeployment, out of the shipped files, in a sandbox like Argo CD's."""

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hack.argocd import (
    CONFIG_MAP,
    CUSTOMIZATION,
    LuaError,
    Scripts,
    config_map,
    disagreement,
    merge_patch,
    scripts,
    shipped,
)
from nvcf_operator.api import names
from nvcf_operator.api.status import MESSAGE_LIMIT
from tests.support.statuses import problems

GROUP_KIND = f"{names.GROUP}_{names.KIND}"
NOON = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""When the actions of the test data were asked for."""

Object = dict[str, Any]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


HEALTH_TESTS = load(CUSTOMIZATION / "health_test.yaml")["tests"]
ACTIONS = CUSTOMIZATION / "actions"
ACTION_TESTS = load(ACTIONS / "action_test.yaml")
OBJECTS = {
    str(path.relative_to(CUSTOMIZATION)): load(path) for path in sorted(CUSTOMIZATION.glob("**/testdata/*.yaml"))
}
HEALTHY = OBJECTS["testdata/healthy.yaml"]

every_object = pytest.mark.parametrize("found", [pytest.param(each, id=name) for name, each in OBJECTS.items()])


@pytest.fixture(scope="module")
def at_noon() -> Scripts:
    return Scripts(shipped(), GROUP_KIND, clock=lambda: NOON)


def with_health(script: str) -> Scripts:
    return Scripts({f"resource.customizations.health.{GROUP_KIND}": script}, GROUP_KIND)


def test_the_config_map_holds_the_scripts_as_they_are_in_upstreams_layout() -> None:
    assert CONFIG_MAP.read_text() == config_map(), "`make argocd` writes it anew"
    data = shipped()
    assert data[f"resource.customizations.health.{GROUP_KIND}"] == (CUSTOMIZATION / "health.lua").read_text()
    actions = yaml.safe_load(data[f"resource.customizations.actions.{GROUP_KIND}"])
    assert actions["discovery.lua"] == (ACTIONS / "discovery.lua").read_text()
    assert {item["name"]: item["action.lua"] for item in actions["definitions"]} == {
        path.parent.name: path.read_text() for path in ACTIONS.glob("*/action.lua")
    }


@pytest.mark.parametrize("case", HEALTH_TESTS, ids=lambda case: Path(case["inputPath"]).stem)
def test_the_health_is_what_upstreams_test_would_expect(case: Object) -> None:
    found = scripts().health(load(CUSTOMIZATION / case["inputPath"]))
    assert {"status": found.status, "message": found.message} == case["healthStatus"]


def test_every_health_is_shown_and_every_object_is_used() -> None:
    assert {case["healthStatus"]["status"] for case in HEALTH_TESTS} == {
        "Healthy",
        "Progressing",
        "Degraded",
        "Suspended",
    }
    used = {case["inputPath"] for case in HEALTH_TESTS}
    for case in ACTION_TESTS["discoveryTests"] + ACTION_TESTS["actionTests"]:
        used |= {f"actions/{case[key]}" for key in ("inputPath", "expectedOutputPath") if key in case}
    assert used == set(OBJECTS)


@pytest.mark.parametrize("case", ACTION_TESTS["discoveryTests"], ids=lambda case: Path(case["inputPath"]).stem)
def test_actions_are_offered_where_they_do_something(case: Object) -> None:
    assert scripts().discover(load(ACTIONS / case["inputPath"])) == sorted(
        case["result"], key=lambda each: each["name"]
    )


@pytest.mark.parametrize("case", ACTION_TESTS["actionTests"], ids=lambda case: Path(case["expectedOutputPath"]).stem)
def test_an_action_leaves_what_upstreams_test_would_expect(at_noon: Scripts, case: Object) -> None:
    before = load(ACTIONS / case["inputPath"])
    assert at_noon.act(case["action"], before) == load(ACTIONS / case["expectedOutputPath"])


@every_object
def test_an_action_changes_annotations_and_nothing_else(at_noon: Scripts, found: Object) -> None:
    found = copy.deepcopy(found)
    found["spec"]["deploymentSpecifications"][0] |= {"configuration": {}, "clusters": []}
    expected: dict[str, dict[str, str | None]] = {
        "pause": {names.PAUSED_ANNOTATION: "true"},
        "resume": {names.PAUSED_ANNOTATION: None},
        "reconcile-now": {names.RECONCILE_REQUESTED_ANNOTATION: "2026-11-02T09:30:00Z"},
    }
    assert set(at_noon.actions) == set(expected)
    for action, wanted in expected.items():
        patch = merge_patch(found, at_noon.act(action, found))
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


def test_the_scripts_name_only_annotations_that_the_operator_knows() -> None:
    text = "".join(path.read_text() for path in CUSTOMIZATION.glob("**/*.lua"))
    assert set(re.findall(rf"{re.escape(names.GROUP)}/[\w-]+", text)) == {
        names.PAUSED_ANNOTATION,
        names.RECONCILE_REQUESTED_ANNOTATION,
    }


def test_what_the_operator_writes_makes_argo_cd_compare_nothing() -> None:
    ignored = yaml.safe_load(shipped()[f"resource.customizations.ignoreResourceUpdates.{GROUP_KIND}"])
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
def test_argo_cd_and_kstatus_agree_about_every_object(found: Object) -> None:
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


@given(data=st.data())
def test_the_health_script_answers_whatever_is_missing(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(list(OBJECTS.values())))
    part = mutilated(data.draw, whole)
    found = scripts().health(part if isinstance(part, dict) else {})
    assert found.message
    assert len(found.message) <= MESSAGE_LIMIT


@given(data=st.data())
def test_actions_are_found_and_done_on_every_object_that_the_api_server_lets_pass(data: st.DataObject) -> None:
    found = copy.deepcopy(data.draw(st.sampled_from(list(OBJECTS.values()))))
    for key in data.draw(st.sets(st.sampled_from(["annotations", "finalizers", "generation"]))):
        found["metadata"].pop(key, None)
    for key in data.draw(st.sets(st.sampled_from(["status", "spec"]))):
        found.pop(key)
    assert [each["name"] for each in scripts().discover(found)] == ["pause", "reconcile-now", "resume"]
    for action in scripts().actions:
        assert set(merge_patch(found, scripts().act(action, found))) <= {"metadata"}


def test_a_disagreement_is_told_with_the_statuses_that_an_operator_wrote() -> None:
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
def test_the_objects_are_of_the_kind_that_the_operator_writes(found: Object) -> None:
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
