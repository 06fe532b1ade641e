"""Changes of tags and rate limit that NVCF undoes, and a server that takes them at another path only."""

import pytest

from tests.integration.changes_in_place import changes, drifts, shown, until_tags
from tests.support.cluster import follower
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


@pytest.mark.parametrize("race", ["undone", "stale"])
def test_what_nvcf_undoes_is_made_again_and_is_no_drift(sandbox: Sandbox, functions: Functions, race: str) -> None:
    with sandbox.operator():
        functions.apply(tags=["one"])
        sandbox.namespace.apply(follower("llama"))
        sandbox.namespace.wait_for("llama", within=60)
        functions.namespace.wait_for("llama")
        if race == "undone":
            sandbox.simulator.behave(races={"undoneUpdate": 1})
            functions.namespace.edit("llama", tags=["two"])
            until_tags(functions, {"two"})
        else:
            version = functions.latest()
            sandbox.simulator.behave(races={"staleRows": True})
            with sandbox.simulator.long_pass():
                sandbox.simulator.lose(version)
                functions.namespace.edit("llama", tags=["two"])
                until_tags(functions, {"two"})
        again = ["updateFunction", "updateFunction"]
        eventually(lambda: changes(functions), lambda asked: asked == again, within=40, what="the change is made again")
        until_tags(functions, {"two"})
        functions.namespace.wait_for("llama")
        assert changes(functions) == again
        assert drifts(functions) == 0


def test_an_old_server_is_called_at_its_own_path(sandbox: Sandbox, functions: Functions) -> None:
    sandbox.simulator.behave(generation="old")
    with sandbox.operator():
        functions.apply(tags=["one"])
        functions.namespace.wait_for("llama")
        for wanted in ("two", "three"):
            functions.namespace.edit("llama", tags=[wanted], rateLimit={"rateLimit": "3-S"})
            until_tags(functions, {wanted})
            functions.namespace.wait_for("llama")
    assert shown(functions)["rateLimit"]["rateLimit"] == "3-S"
    asked = [entry["operation"] for entry in functions.log() if entry["method"] == "PUT" and entry["status"] == 200]
    assert asked == ["updateFunctionMetadata", "updateFunctionMetadata"]
