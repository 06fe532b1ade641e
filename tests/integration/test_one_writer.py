"""Tags, rate limit, deployment and end of a version are written one after the other, whichever resource asks for them.

NVCF rewrites the version's whole row at each of these, so that of two at once one is undone, or the deployment is ended
again (races R4, R5, R7 and R14 of the design).
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.cluster import condition_of, follower, manifest
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

WITHIN = 60
NEVER = 3600.0
"""Seconds: longer than any test."""
CHANGE = "updateFunction"
"""PUT of tags and rate limit."""


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


def requests(functions: Functions, *operations: str) -> list[dict[str, Any]]:
    """The requests of these kinds, the oldest first."""
    return [entry for entry in functions.log() if entry["operation"] in operations]


def writes(functions: Functions, version: str, *operations: str) -> list[str]:
    """The writes of a version, of these kinds, in the order in which they were asked for."""
    return [e["operation"] for e in requests(functions, *operations) if e["functionVersionId"] == version]


def asked(functions: Functions, operation: str) -> None:
    """Wait until a request of that kind is under way."""

    eventually(
        lambda: [entry for entry in requests(functions, operation) if entry["ended"] is None],
        bool,
        within=WITHIN,
        what=f"{operation} is under way",
    )


def tags(functions: Functions, version: str) -> set[str]:
    """The tags of a version but its mark."""
    [found] = [item for item in functions.versions() if item["versionId"] == version]
    details = found.get("details") or found
    return {tag for tag in details.get("tags") or () if not tag.startswith("nvcf-operator:")}


def tagged(functions: Functions, version: str, *wanted: str) -> None:
    """Wait until a version has these tags, and its CloudFunction is Ready."""
    eventually(lambda: tags(functions, version), lambda found: found == set(wanted), within=WITHIN, what=f"{wanted}")
    functions.namespace.wait_for("llama", within=WITHIN)


def is_serving(sandbox: Sandbox, version: str, name: str = "echo") -> None:
    """Wait until a resource serves with a version, and nothing of it has been written by two at once."""
    sandbox.namespace.wait_until(
        name,
        lambda it: (
            it["status"].get("functionVersionId") == version and condition_of(it, "Ready").get("status") == "True"
        ),
        what=f"{version} serves",
        within=WITHIN,
    )
    assert sandbox.simulator.overlapping(version) == []
    assert sandbox.simulator.deployments()[version]["functionStatus"] == "ACTIVE"


def waits(sandbox: Sandbox, name: str = "echo") -> None:
    """Wait until a resource reports that its version is being changed, and has not been deployed."""
    sandbox.namespace.wait_until(
        name, lambda it: condition_of(it, "Ready").get("reason") == "VersionBusy", what="it waits", within=WITHIN
    )


def two_versions(functions: Functions, **spec: Any) -> tuple[str, str]:
    """Register two revisions, and keep both."""
    functions.apply(revision="eins", tags=["alt"], history={"limit": 2}, **spec)
    functions.namespace.wait_for("llama", within=WITHIN)
    first = functions.latest()
    functions.namespace.edit("llama", revision="zwei", template={"containerImage": "nvcr.io/org/llama:2"})
    functions.namespace.wait_for("llama", within=WITHIN)
    return first, functions.latest()


def test_tags_are_not_changed_while_the_version_is_being_deployed(sandbox: Sandbox, functions: Functions) -> None:
    """Scenario 24: POST would write back the tags that it has read at its start."""
    with sandbox.operator():
        functions.apply(tags=["alt", "a:b=c"])
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"slowPost": 4.0})
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        asked(functions, "createDeployment")
        functions.namespace.edit("llama", tags=["neu"])
        tagged(functions, version, "neu")
        is_serving(sandbox, version)
    assert writes(functions, version, CHANGE, "createDeployment") == ["createDeployment", CHANGE]


@pytest.mark.parametrize(
    ("fault", "settle", "changes"),
    [
        pytest.param({"when": "during", "reset": True}, NEVER, 1, id="it is made in the end"),
        pytest.param({"when": "before", "reset": True}, 6.0, 2, id="it is never made"),
    ],
)
def test_a_change_without_an_answer_delays_the_deployment_until_it_is_seen_or_settled(
    sandbox: Sandbox, functions: Functions, fault: Mapping[str, Any], settle: float, changes: int
) -> None:
    """Scenario 24, and R4: a change that has read INACTIVE would end what is deployed meanwhile."""
    with sandbox.operator(write_settle_seconds=settle):
        functions.apply(tags=["alt"])
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"slowUpdate": NEVER})
        sandbox.simulator.fault(operation=CHANGE, count=1, **fault)
        functions.namespace.edit("llama", tags=["neu"], rateLimit={"rateLimit": "9-M"})
        eventually(lambda: requests(functions, CHANGE), bool, within=WITHIN, what="the change has no answer")
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        waits(sandbox)
        sandbox.simulator.behave(races={"slowUpdate": 2.0})
        is_serving(sandbox, version)
        tagged(functions, version, "neu")
    assert writes(functions, version, CHANGE, "createDeployment") == [*[CHANGE] * changes, "createDeployment"]


def test_what_waits_for_a_change_without_an_answer_says_so(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator(write_settle_seconds=60.0):
        functions.apply(tags=["alt"])
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        is_serving_after_start(sandbox, functions)
        version = functions.latest()
        sandbox.simulator.fault(operation=CHANGE, count=1, when="before", reset=True)
        functions.namespace.edit("llama", tags=["neu"])
        eventually(lambda: requests(functions, CHANGE), bool, within=WITHIN, what="the change has no answer")
        sandbox.namespace.delete("echo")
        waits(sandbox)
        assert version in condition_of(sandbox.namespace.get("echo"), "Ready")["message"]
        functions.simulator.change(version, tags=["neu", *marks(functions, version)])
        sandbox.namespace.wait_gone("echo", within=WITHIN)
    assert version not in sandbox.simulator.deployments()


def is_serving_after_start(sandbox: Sandbox, functions: Functions) -> None:
    """Wait until the follower serves with the latest version."""
    functions.namespace.wait_for("llama", within=WITHIN)
    is_serving(sandbox, functions.latest())


def marks(functions: Functions, version: str) -> list[str]:
    """The mark of a version, among its tags."""
    [found] = [item for item in functions.versions() if item["versionId"] == version]
    return [tag for tag in (found.get("details") or found)["tags"] if tag.startswith("nvcf-operator:")]


def test_on_the_way_back_the_version_is_brought_up_to_date_before_it_is_deployed(
    sandbox: Sandbox, functions: Functions
) -> None:
    """R4."""
    with sandbox.operator():
        first, _ = two_versions(functions)
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        sandbox.namespace.wait_for("echo", within=WITHIN)
        functions.namespace.edit("llama", tags=["neu"])
        functions.namespace.wait_for("llama", within=WITHIN)
        assert tags(functions, first) == {"alt"}, "what is only kept stays as it is"
        sandbox.simulator.behave(races={"slowUpdate": 2.0})
        functions.namespace.edit("llama", revision="eins", template={"containerImage": "nvcr.io/org/llama:1"})
        is_serving(sandbox, first)
        tagged(functions, first, "neu")
    assert writes(functions, first, CHANGE, "createDeployment") == [CHANGE, "createDeployment"]


def test_a_pinned_version_is_brought_up_to_date_before_it_is_deployed(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator():
        first, _ = two_versions(functions)
        functions.namespace.edit("llama", tags=["neu"])
        functions.namespace.wait_for("llama", within=WITHIN)
        assert tags(functions, first) == {"alt"}, "what is only kept stays as it is"
        sandbox.simulator.behave(races={"slowUpdate": 2.0})
        sandbox.namespace.apply(follower("echo", {"name": "llama", "revision": "eins"}))
        is_serving(sandbox, first)
        assert tags(functions, first) == {"neu"}
    assert writes(functions, first, CHANGE, "createDeployment") == [CHANGE, "createDeployment"]


def test_a_pinned_version_waits_for_its_update_while_the_cloud_function_registers_another(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator(write_settle_seconds=20.0):
        first, _ = two_versions(functions)
        functions.namespace.edit("llama", tags=["neu"])
        functions.namespace.wait_for("llama", within=WITHIN)
        sandbox.simulator.behave(races={"slowRegister": 4.0})
        functions.namespace.edit("llama", revision="drei", template={"containerImage": "nvcr.io/org/llama:3"})
        eventually(functions.posts, lambda count: count == 3, within=WITHIN, what="the third is being registered")
        sandbox.namespace.apply(follower("echo", {"name": "llama", "revision": "eins"}))
        sandbox.namespace.wait_for("echo", status="False", reason="FunctionNotReady", within=WITHIN)
        is_serving(sandbox, first)
        assert tags(functions, first) == {"neu"}
    assert writes(functions, first, CHANGE, "createDeployment") == [CHANGE, "createDeployment"]


def test_a_pinned_version_that_cannot_be_brought_up_to_date_is_deployed_all_the_same(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator():
        first, _ = two_versions(functions)
        functions.namespace.edit("llama", tags=["neu"])
        functions.namespace.wait_for("llama", within=WITHIN)
        sandbox.simulator.fault(operation=CHANGE, status=400, envelope="service", detail="no, <&> größer")
        sandbox.namespace.apply(follower("echo", {"name": "llama", "revision": "eins"}))
        is_serving(sandbox, first)
        assert tags(functions, first) == {"alt"}


def test_a_change_that_a_killed_operator_has_asked_for_does_not_end_what_the_next_one_deploys(
    sandbox: Sandbox, functions: Functions
) -> None:
    """R4 across a restart: nothing on record says that the change is still to come."""
    with sandbox.operator():
        functions.apply(tags=["alt"])
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"slowUpdate": NEVER})
        functions.namespace.edit("llama", tags=["neu"])
        asked(functions, CHANGE)
    with sandbox.operator(write_settle_seconds=NEVER):
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        waits(sandbox)
        sandbox.simulator.behave(races={"slowUpdate": 0})
        is_serving(sandbox, version)
        tagged(functions, version, "neu")
        sandbox.simulator.run_pass()
        is_serving(sandbox, version)


def test_tags_that_nvcf_takes_back_are_sent_again(sandbox: Sandbox, functions: Functions) -> None:
    """R5: somebody else's POST writes back the row that it has read."""
    with sandbox.operator():
        functions.apply(tags=["alt"])
        sandbox.namespace.apply(follower("echo", {"name": "llama"}))
        is_serving_after_start(sandbox, functions)
        version = functions.latest()
        sandbox.simulator.behave(races={"undoneUpdate": 1})
        functions.namespace.edit("llama", tags=["neu"])
        eventually(
            lambda: writes(functions, version, CHANGE),
            lambda found: found == [CHANGE] * 2,
            within=WITHIN,
            what="it is sent again",
        )
        tagged(functions, version, "neu")
        is_serving(sandbox, version)


def test_a_version_that_is_being_deleted_is_not_deployed(sandbox: Sandbox, functions: Functions) -> None:
    """R7: the deployment of the FunctionDeployment that has just been pointed at it would bring the version back."""
    with sandbox.operator():
        functions.apply(history={"limit": 0})
        functions.namespace.wait_for("llama")
        former, function = functions.latest(), functions.status()["functionId"]
        sandbox.simulator.behave(races={"writeGap": 3.0})
        functions.change(containerImage="nvcr.io/org/llama:2")
        asked(functions, "deleteFunction")
        sandbox.namespace.apply(manifest("echo", function, former))
        sandbox.namespace.wait_for("echo", status="False", reason="FunctionNotFound", within=WITHIN)
        sandbox.simulator.run_pass()
        eventually(functions.ids, lambda ids: ids == [functions.latest()], within=WITHIN, what="it is gone")
    assert sandbox.simulator.overlapping(former) == []
    assert sandbox.simulator.leaked() == []


def test_a_post_without_an_answer_keeps_its_version_though_its_resource_is_gone(
    sandbox: Sandbox, functions: Functions
) -> None:
    """R14: DELETE of the version while the POST runs would be undone by it."""
    with sandbox.operator(create_settle_seconds=NEVER):
        functions.apply()
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"slowPost": 5.0})
        sandbox.simulator.fault(operation="createDeployment", count=1, when="during", reset=True)
        sandbox.namespace.apply(follower("echo", {"name": "llama"}, deletionPolicy="Retain"))
        eventually(lambda: requests(functions, "createDeployment"), bool, within=WITHIN, what="it has no answer")
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo", within=WITHIN)
        functions.namespace.delete("llama")
        functions.namespace.wait_until(
            "llama", lambda it: bool(condition_of(it, "DeletionBlocked")), what="it waits", within=WITHIN
        )
        eventually(sandbox.simulator.in_flight, lambda count: count == 0, within=WITHIN, what="the POST has ended")
        assert functions.ids() == [version]
    assert sandbox.simulator.overlapping(version) == []
