"""One version for one template, whatever becomes of the POST, its answer, and the operator that sent it."""

from typing import Any

import pytest

from tests.support import tools
from tests.support.cluster import condition_of, resource_path
from tests.support.functions import Functions, mark_of
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

SETTLE = 4.0
"""Seconds of the register settle."""

FIRST, NEXT = "createFunction", "createVersion"


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


def settings(**more: Any) -> dict[str, Any]:
    """The settings of an operator with that settle."""
    return {"register_settle_seconds": SETTLE, **more}


def lose_answer(functions: Functions, operation: str) -> None:
    """Have the connection of the next registration broken while NVCF goes on with it."""
    functions.simulator.fault(operation=operation, count=1, when="during", delay=0.1, reset=True)


def awaits(functions: Functions) -> None:
    """Wait until the operator says that an answer is missing."""
    functions.namespace.wait_until(
        "llama", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingRegistration", what="awaited"
    )


@pytest.mark.parametrize("operation", [FIRST, NEXT])
def test_a_version_whose_answer_is_lost_is_found_when_it_shows(
    sandbox: Sandbox, functions: Functions, operation: str
) -> None:
    with sandbox.operator(**settings()):
        if operation == NEXT:
            functions.apply()
            functions.namespace.wait_for("llama")
        sandbox.simulator.behave(races={"slowRegister": 2.0})
        lose_answer(functions, operation)
        if operation == NEXT:
            functions.change(containerImage="nvcr.io/org/llama:2")
        else:
            functions.apply()
        awaits(functions)
        functions.namespace.wait_for("llama")
    assert functions.operations().count(operation) == 1
    assert functions.latest() in functions.marked()
    assert len({item["id"] for item in functions.versions()}) == 1


@pytest.mark.parametrize("operation", [FIRST, NEXT])
def test_a_version_that_shows_after_the_settle_is_deleted_and_the_used_one_stays(
    sandbox: Sandbox, functions: Functions, operation: str
) -> None:
    with sandbox.operator(**settings()):
        if operation == NEXT:
            functions.apply(history={"limit": 0})
            functions.namespace.wait_for("llama")
        sandbox.simulator.behave(races={"slowRegister": SETTLE + 6})
        lose_answer(functions, operation)
        if operation == NEXT:
            functions.change(containerImage="nvcr.io/org/llama:2")
        else:
            functions.apply(history={"limit": 0})
        awaits(functions)
        sandbox.simulator.behave(races={"slowRegister": 0.0})
        functions.namespace.wait_for("llama", within=40)
        used = functions.latest()
        assert functions.operations().count(operation) == 2
        eventually(functions.ids, lambda ids: len(set(ids) - {used}) > 0, within=30, what="the late one shows")
        eventually(functions.ids, lambda ids: ids == [used], within=60, what="the late one is deleted")
        assert functions.latest() == used
    assert len({item["id"] for item in functions.versions()}) == 1


def test_a_registration_that_never_comes_is_asked_for_again_after_the_settle(
    sandbox: Sandbox, functions: Functions
) -> None:
    sandbox.simulator.fault(operation=FIRST, count=1, when="before", reset=True)
    with sandbox.operator(**settings()):
        functions.apply()
        functions.namespace.wait_for("llama", within=40)
    first, second = (entry["started"] for entry in functions.log() if entry["operation"] == FIRST)
    assert second - first >= SETTLE
    assert len(functions.ids()) == 1


def test_a_crash_between_post_and_record_leads_to_no_second_post(sandbox: Sandbox, functions: Functions) -> None:
    sandbox.simulator.behave(races={"slowRegister": 1.5})
    with sandbox.operator(**settings()) as operator:
        functions.apply()
        eventually(functions.posts, lambda count: count == 1, within=20, what="the POST is sent")
        operator.kill()
    with sandbox.operator(**settings()):
        functions.namespace.wait_for("llama")
    assert functions.operations() == [FIRST]
    assert functions.ids() == [functions.latest()]


def test_a_crash_between_intent_and_post_leads_to_one_version_after_the_settle(
    sandbox: Sandbox, functions: Functions
) -> None:
    functions.apply()
    write_intent(functions, token="a" * 16)
    with sandbox.operator(**settings()):
        awaits(functions)
        assert functions.operations() == []
        functions.namespace.wait_for("llama")
    assert functions.operations() == [FIRST]
    assert functions.ids() == [functions.latest()]


def write_intent(functions: Functions, *, token: str) -> None:
    """Leave an intent in the status, as an operator does that ends before its POST."""
    uid = functions.namespace.get("llama")["metadata"]["uid"]
    intent = {"uid": uid, "hash": "h1" + "0" * 16, "token": token, "answered": False}
    body = {"status": {"uid": uid, "observedGeneration": 1, "intent": intent}}
    path = f"{resource_path(functions.namespace.name, 'llama', functions.namespace.kind)}/status"
    assert functions.namespace.plane.change("PATCH", path, body, "application/merge-patch+json")


def test_a_template_that_changes_while_one_registers_is_registered_after_it(
    sandbox: Sandbox, functions: Functions
) -> None:
    sandbox.simulator.behave(races={"slowRegister": 1.5})
    with sandbox.operator(**settings()):
        functions.apply()
        eventually(functions.posts, lambda count: count == 1, within=20, what="the POST is sent")
        functions.change(containerImage="nvcr.io/org/llama:2")
        functions.namespace.wait_for("llama")
    [first, second] = [entry for entry in functions.log() if entry["operation"] in (FIRST, NEXT)]
    assert first["ended"] <= second["started"]
    assert second["body"]["containerImage"] == "nvcr.io/org/llama:2"
    newest = next(item for item in functions.versions() if item["versionId"] == functions.latest())
    assert (mark_of(newest) or "").split(":")[4] == (mark_of({"tags": second["body"]["tags"]}) or "").split(":")[4]


def test_a_copy_makes_no_use_of_the_intent_and_no_second_function(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator(**settings()):
        functions.apply()
        original = functions.namespace.wait_for("llama")
        copy = functions.manifest("copy", name=functions.called())
        copy["status"] = original["status"]
        functions.namespace.apply(copy)
        functions.namespace.wait_for("copy", status="False", reason="Conflict")
    assert functions.operations() == [FIRST]


@pytest.mark.parametrize("answered", [True, False], ids=["registered", "in the middle of it"])
def test_a_restored_copy_makes_no_use_of_the_record_and_no_second_function(
    sandbox: Sandbox, functions: Functions, answered: bool
) -> None:
    with sandbox.operator(**settings()):
        functions.apply()
        original = functions.namespace.wait_for("llama")
    copy = tools.copy_of(original, status=True)
    if not answered:
        intent = {**copy["status"]["intent"], "answered": False}
        copy["status"] = {"uid": copy["status"]["uid"], "observedGeneration": 1, "intent": intent}
    tools.force_away(functions.namespace, "llama")
    tools.restore(functions.namespace, copy)
    with sandbox.operator(**settings()):
        found = functions.namespace.wait_for("llama", "Stalled", reason="AlreadyExists", within=40)
        assert original["status"]["functionId"] in condition_of(found, "Ready")["message"]
    assert functions.operations() == [FIRST]
    assert functions.ids() == [original["status"]["latest"]["versionId"]]


def test_the_quotas_refusal_leaves_other_functions_alone(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator(**settings()):
        functions.apply("one")
        functions.namespace.wait_for("one")
        count = len(sandbox.simulator.state()["functions"])
        sandbox.simulator.change_account(sandbox.simulator.state()["functions"][0]["ncaId"], maxFunctionsAllowed=count)
        functions.apply("two")
        found = functions.namespace.wait_for("two", status="False", reason="QuotaExceeded")
        assert condition_of(found, "CredentialsValid")["status"] == "True"
        functions.namespace.edit("one", template={"containerImage": "nvcr.io/org/llama:2"})
        functions.namespace.wait_for("one")


def test_what_is_registered_for_an_object_that_is_gone_is_deleted(sandbox: Sandbox, functions: Functions) -> None:
    sandbox.simulator.behave(races={"slowRegister": 2.0})
    lose_answer(functions, FIRST)
    with sandbox.operator(**settings()) as operator:
        functions.apply()
        awaits(functions)
        operator.freeze()
        tools.force_away(functions.namespace, "llama")
        operator.thaw()
        eventually(functions.operations, lambda made: made[-1] == "deleteFunction", within=40, what="it is deleted")
    assert functions.ids() == []
