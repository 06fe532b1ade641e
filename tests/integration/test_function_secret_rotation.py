"""Secrets of a function that change while something else goes on, or while no operator runs."""

import pytest

from tests.support.function_secrets import NAME, allow_reading, put_secret, taken
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

PUT = "updateSecrets"


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox, whose Secret the operator may read."""
    allow_reading(sandbox.namespace, NAME)
    return Functions.of(sandbox.namespace, sandbox.simulator)


def put(functions: Functions, value: str) -> None:
    """Create or replace the Secret."""
    put_secret(functions.namespace, {"hf": value}, allow="llama")


def test_a_secret_that_is_rotated_while_it_is_sent_is_sent_again(sandbox: Sandbox, functions: Functions) -> None:
    put(functions, "erster")
    with sandbox.operator():
        sandbox.simulator.behave(races={"slowRegister": 2.0})
        functions.apply(secrets=[taken("HF", "hf")])
        eventually(functions.posts, lambda count: count == 1, within=20, what="the POST is under way")
        put(functions, "zweiter")
        functions.namespace.wait_for("llama")
        eventually(
            lambda: functions.simulator.has_secrets(functions.latest(), HF="zweiter"), bool, within=20, what="sent"
        )
        functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction", PUT]


def test_values_that_were_rotated_while_no_operator_ran_are_sent_by_the_next(
    sandbox: Sandbox, functions: Functions
) -> None:
    put(functions, "erster")
    with sandbox.operator():
        functions.apply(secrets=[taken("HF", "hf")])
        functions.namespace.wait_for("llama")
    with sandbox.operator():
        functions.namespace.annotate("llama", reconcile_requested_at="restarted")
        functions.namespace.wait_until(
            "llama", lambda it: it["status"].get("lastHandledReconcileAt") == "restarted", what="answered"
        )
    assert functions.operations() == ["createFunction"], "a restart sends nothing"
    put(functions, "rotiert")
    with sandbox.operator():
        eventually(
            lambda: functions.simulator.has_secrets(functions.latest(), HF="rotiert"), bool, within=20, what="sent"
        )
        functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction", PUT]


def test_values_whose_put_got_no_answer_are_not_taken_over_newer_ones(sandbox: Sandbox, functions: Functions) -> None:
    put(functions, "erster")
    with sandbox.operator():
        functions.apply(secrets=[taken("HF", "hf")])
        functions.namespace.wait_for("llama")
        sandbox.simulator.fault(operation=PUT, count=1, when="during", delay=0.1, reset=True)
        put(functions, "zweiter")
        eventually(lambda: functions.operations().count(PUT), lambda count: count > 0, within=20, what="it is sent")
        put(functions, "dritter")
        eventually(
            lambda: functions.simulator.has_secrets(functions.latest(), HF="dritter"), bool, within=30, what="sent"
        )
        functions.namespace.wait_for("llama")
    assert functions.simulator.has_secrets(functions.latest(), HF="dritter")
    assert len(functions.ids()) == 1
