"""Lists and reads that lag behind, as those of another region do: what they lack is neither registered nor deleted."""

import pytest

from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

WITHIN = 60
LAG = 2.0
"""Seconds; shorter than each settle."""


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


@pytest.mark.parametrize("lag", ["listLag", "readLag"])
def test_a_function_lives_and_goes_though_answers_lag_behind(sandbox: Sandbox, functions: Functions, lag: str) -> None:
    sandbox.simulator.behave(races={lag: LAG})
    with sandbox.operator(redeploy_settle_seconds=4.0, register_settle_seconds=6.0):
        functions.apply(history={"limit": 0}, tags=["team:a"])
        functions.namespace.wait_for("llama", within=WITHIN)
        first = functions.latest()
        functions.change(containerImage="nvcr.io/org/llama:2")
        functions.namespace.wait_for("llama", within=WITHIN)
        second = functions.latest()
        eventually(functions.ids, lambda ids: ids == [second], within=WITHIN, what="the former one is deleted")
        functions.namespace.edit("llama", tags=["team:b"])
        functions.namespace.wait_for("llama", within=WITHIN)
        functions.namespace.delete("llama")
        functions.namespace.wait_gone("llama", within=WITHIN)
    assert functions.ids() == []
    operations = functions.operations()
    assert [name for name in operations if name.startswith("create")] == ["createFunction", "createVersion"]
    assert {entry["functionVersionId"] for entry in functions.log() if entry["operation"] == "deleteFunction"} == {
        first,
        second,
    }
    assert 1 <= operations.count("updateFunction") <= 2
