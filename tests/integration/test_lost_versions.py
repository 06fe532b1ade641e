"""Versions that somebody else deletes: what is forgotten, what is registered again, and what waits for a user."""

import pytest

from tests.support.cluster import condition_of, follower, manifest
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox

SETTLE = 3.0
"""Seconds of the redeploy settle, for which nothing that is gone is believed to be so."""

MANY = 8
HALF = 4


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


def rolled_out_twice(sandbox: Sandbox, functions: Functions) -> tuple[str, str]:
    """Have a version serve, and a former one in the history."""
    functions.apply(history={"limit": 1})
    sandbox.namespace.apply(follower("llama"))
    sandbox.namespace.wait_for("llama", within=60)
    first = functions.latest()
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama", within=60)
    functions.until_deployed_alone(functions.latest())
    sandbox.namespace.wait_for("llama", within=60)
    return first, functions.latest()


def test_a_former_version_that_somebody_deleted_is_forgotten(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator():
        first, latest = rolled_out_twice(sandbox, functions)
        posts, cursor = functions.posts(), functions.simulator.cursor
        sandbox.simulator.remove(first)
        functions.namespace.wait_until(
            "llama", lambda it: [item["versionId"] for item in it["status"]["versions"]] == [latest], what="forgotten"
        )
        found = functions.namespace.wait_for("llama")
    assert found["status"]["latest"]["versionId"] == latest
    assert functions.posts() == posts
    assert not [entry for entry in functions.simulator.log(cursor) if entry["mutating"]]


def test_a_latest_version_that_somebody_deleted_is_registered_again_after_the_settle_and_rolled_out(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator(redeploy_settle_seconds=SETTLE):
        _, lost = rolled_out_twice(sandbox, functions)
        before, posts = functions.status(), functions.posts()
        sandbox.simulator.remove(lost)
        functions.namespace.wait_for("llama", status="False", reason="VersionGone")
        functions.namespace.wait_for("llama", within=60)
        after = functions.status()
        assert after["latest"]["versionId"] != lost
        assert (after["functionId"], after["latest"]["hash"]) == (before["functionId"], before["latest"]["hash"])
        functions.until_deployed_alone(after["latest"]["versionId"])
        sandbox.namespace.wait_for("llama", within=60)
    assert functions.posts() == posts + 1
    assert "Drift" in [reason for _, reason, _ in functions.namespace.events("llama")]
    missed = next(e["started"] for e in functions.log() if e["status"] == 404 and e["functionVersionId"] == lost)
    posted = [e["started"] for e in functions.log() if e["operation"] == "createVersion"][-1]
    assert posted - missed >= SETTLE


def test_too_many_versions_gone_at_once_are_not_registered_again_without_a_user(
    sandbox: Sandbox, functions: Functions
) -> None:
    names = [f"llama-{number}" for number in range(MANY)]
    with sandbox.operator():
        for name in names:
            functions.apply(name)
        for name in names:
            functions.namespace.wait_for(name, within=60)
            of_name = functions.status(name)
            sandbox.simulator.add_function(functions.called(name), functionId=of_name["functionId"])
        lost = [functions.latest(name) for name in names[:-1]]
        cursor = functions.simulator.cursor
        for version in lost:
            sandbox.simulator.remove(version)
        for name in names[:-1]:
            found = functions.namespace.wait_for(name, "Stalled", reason="MassAbsence", within=60)
            assert "reconcile-requested-at" in condition_of(found, "Stalled")["message"]
        assert registered(functions, cursor) == 0
        functions.namespace.annotate(names[0], reconcile_requested_at="yes")
        functions.namespace.wait_for(names[0], within=60)
        assert functions.latest(names[0]) not in lost
        functions.until_polled()
        assert registered(functions, cursor) == 1


def test_an_adopted_version_that_somebody_deleted_is_registered_again_beside_those_of_others(
    sandbox: Sandbox, functions: Functions
) -> None:
    content = {"inferenceUrl": "/v1/chat", "inferencePort": None, "containerImage": "nvcr.io/org/llama:1"}
    function, adopted = sandbox.simulator.add_function(functions.called(), details=content)
    _, foreign = sandbox.simulator.add_function(functions.called(), functionId=function, details={"tags": ["ä"]})
    with sandbox.operator(redeploy_settle_seconds=SETTLE):
        functions.apply(functionId=function, revision="1-0")
        sandbox.namespace.apply(follower("llama", {"revision": "1-0"}))
        sandbox.namespace.wait_for("llama", within=60)
        assert functions.latest() == adopted
        _, equal = sandbox.simulator.add_function(functions.called(), functionId=function, details=content)
        sandbox.simulator.remove(adopted)
        functions.namespace.wait_for("llama", status="False", reason="VersionGone")
        functions.namespace.wait_for("llama", within=60)
        found = functions.status()
        assert found["functionId"] == function
        assert found["latest"]["versionId"] not in (adopted, foreign, equal)
        assert found["latest"]["revision"] == "1-0"
        functions.until_deployed_alone(found["latest"]["versionId"])
        sandbox.namespace.wait_for("llama", within=60)
    assert {foreign, equal} < set(functions.ids())
    assert functions.posts() == 1


def test_what_is_gone_of_both_kinds_counts_together(sandbox: Sandbox, functions: Functions) -> None:
    """Of each kind so few are gone that they would be made good."""
    names = [f"llama-{number}" for number in range(HALF)]
    with sandbox.operator():
        deployed = [sandbox.simulator.add_function(f"echo-{number}") for number in range(HALF)]
        for name, (function, version) in zip(names, deployed, strict=True):
            functions.apply(name)
            sandbox.namespace.apply(manifest(name, function, version))
        for name in names:
            functions.namespace.wait_for(name, within=60)
            sandbox.namespace.wait_for(name, within=60)
            sandbox.simulator.add_function(functions.called(name), functionId=functions.status(name)["functionId"])
        cursor = functions.simulator.cursor
        for name, (_, version) in zip(names, deployed, strict=True):
            sandbox.simulator.remove(functions.latest(name))
            sandbox.simulator.undeploy(version)
        for name in names:
            functions.namespace.wait_for(name, "Stalled", reason="MassAbsence", within=60)
            sandbox.namespace.wait_for(name, "Stalled", reason="MassAbsence", within=60)
        assert not [entry for entry in functions.simulator.log(cursor) if entry["mutating"]]


def registered(functions: Functions, cursor: int) -> int:
    """How many registrations were asked for since."""
    made = functions.simulator.log(cursor)
    return sum(entry["operation"] in ("createFunction", "createVersion") for entry in made)
