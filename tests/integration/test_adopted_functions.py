"""Functions that somebody else created, or another object did: they are adopted as they are, and nothing is lost."""

from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.support.cluster import condition_of, follower, manifest
from tests.support.function_secrets import NAME, allow_reading, put_secret, taken
from tests.support.functions import Functions, mark_of
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

ODD = {
    "inferenceUrl": "/v1/chat",
    "inferencePort": None,
    "containerImage": "nvcr.io/org/llama:1",
    "description": "Grüße <&>",
    "später": {"ü": 1},
}
"""The content of the small manifest, as NVCF may show it."""
TAGS = ["team:a", "owner=ops"]
NOBODYS = "3e4666bf-0000-4000-8000-00000000000f"


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant."""
    return Functions.of(tenant.namespace, tenant.simulator)


def registered(functions: Functions, *, function: str | None = None, **details: Any) -> tuple[str, str]:
    """A version that somebody else has registered with the content of the small manifest."""
    where = {"functionId": function} if function is not None else {}
    return functions.simulator.add_function(functions.called(), details={**ODD, "tags": TAGS, **details}, **where)


def writes(functions: Functions, function: str) -> list[str]:
    """The changes that were asked for of a function, the oldest first."""
    log = functions.simulator.log(functions.cursor, functionId=function)
    return [entry["operation"] for entry in log if entry["mutating"]]


def tags_of(functions: Functions, version: str) -> list[str]:
    """The tags of a version but for marks."""
    [found] = [item for item in functions.versions() if item["versionId"] == version]
    return sorted(tag for tag in (found.get("details") or found)["tags"] if not tag.startswith("nvcf-operator:"))


def at_rest(functions: Functions, function: str, *, token: str = "once more") -> None:
    """Check that another pass writes nothing to NVCF."""
    before = writes(functions, function)
    functions.namespace.annotate("llama", reconcile_requested_at=token)
    functions.namespace.wait_until(
        "llama", lambda it: it["status"].get("lastHandledReconcileAt") == token, what="reconciled again"
    )
    assert writes(functions, function) == before


def test_the_newest_equal_version_of_a_function_is_adopted_by_id_and_marked_beside_its_tags(
    functions: Functions,
) -> None:
    function, _ = registered(functions)
    functions.simulator.jump(1.0)
    _, newest = registered(functions, function=function)
    _, other = registered(functions, function=function, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function.upper(), revision="1-4", deletionPolicy="Retain")
    status = functions.namespace.wait_for("llama")["status"]
    assert (status["functionId"], status["latest"]["versionId"], status["latest"]["revision"]) == (
        function,
        newest,
        "1-4",
    )
    assert [item["versionId"] for item in status["versions"]] == [newest]
    eventually(functions.marked, lambda found: found == [newest], within=30, what="the mark")
    assert tags_of(functions, newest) == sorted(TAGS)
    assert writes(functions, function) == ["updateFunction"]
    assert other in functions.ids()
    at_rest(functions, function)


def test_without_an_equal_version_one_is_registered_in_the_function_that_is_adopted(functions: Functions) -> None:
    function, foreign = registered(functions, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function)
    found = functions.namespace.wait_for("llama")
    assert found["status"]["functionId"] == function
    assert functions.latest() != foreign
    assert CLOUD_FUNCTION.finalizer in found["metadata"]["finalizers"]
    assert writes(functions, function) == ["createVersion"]
    assert functions.marked() == [functions.latest()]


def test_the_only_function_of_the_name_is_adopted_where_the_manifest_asks_for_it(functions: Functions) -> None:
    function, version = registered(functions)
    functions.apply()
    found = functions.namespace.wait_for("llama", "Stalled", reason="AlreadyExists")
    for word in (function, "spec.functionId", "adoptionPolicy: Adopt"):
        assert word in condition_of(found, "Stalled")["message"]
    functions.namespace.edit("llama", adoptionPolicy="Adopt")
    functions.namespace.wait_for("llama")
    assert (functions.status()["functionId"], functions.latest()) == (function, version)
    assert writes(functions, function) == ["updateFunction"]
    assert functions.posts() == 0
    at_rest(functions, function)


def test_of_two_functions_of_the_name_none_is_chosen_until_the_manifest_names_one(functions: Functions) -> None:
    first, _ = registered(functions)
    second, version = registered(functions)
    functions.apply(adoptionPolicy="Adopt")
    message = condition_of(functions.namespace.wait_for("llama", "Stalled", reason="Ambiguous"), "Stalled")["message"]
    assert first in message
    assert second in message
    functions.namespace.edit("llama", functionId=second)
    functions.namespace.wait_for("llama")
    assert functions.latest() == version
    assert (writes(functions, first), writes(functions, second)) == ([], ["updateFunction"])


def test_a_function_that_is_not_there_is_never_created_and_is_adopted_when_it_appears(functions: Functions) -> None:
    functions.apply(functionId=NOBODYS)
    found = functions.namespace.wait_for("llama", "Stalled", reason="FunctionGone")
    assert NOBODYS in condition_of(found, "Stalled")["message"]
    assert "functionId" not in found["status"]
    assert functions.operations() == []
    _, version = registered(functions, function=NOBODYS)
    functions.namespace.wait_for("llama", within=40)
    assert functions.latest() == version
    assert writes(functions, NOBODYS) == ["updateFunction"]


def test_an_adopted_function_whose_versions_are_all_gone_is_not_created_again(functions: Functions) -> None:
    function, _ = registered(functions)
    functions.apply(functionId=function)
    functions.namespace.wait_for("llama")
    functions.simulator.remove_function(function)
    functions.namespace.annotate("llama", new_function_requested_at="please")
    found = functions.namespace.wait_for("llama", "Stalled", reason="FunctionGone", within=60)
    assert "without functionId" in condition_of(found, "Stalled")["message"]
    assert functions.posts() == 0


def test_two_resources_for_one_function_are_a_conflict_for_the_later_one(functions: Functions) -> None:
    function, version = registered(functions)
    functions.apply(functionId=function)
    functions.namespace.wait_for("llama")
    functions.apply("other", functionId=function.upper(), name=functions.called())
    found = functions.namespace.wait_for("other", status="False", reason="Conflict")
    assert "/llama already manages" in condition_of(found, "Ready")["message"]
    assert "functionId" not in found["status"]
    assert functions.latest() == version
    functions.namespace.edit("llama", deletionPolicy="Retain")
    functions.namespace.wait_for("llama")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    functions.namespace.wait_for("other", within=40)
    assert functions.latest("other") == version
    assert "deleteFunction" not in writes(functions, function)


@pytest.mark.parametrize("by_name", [False, True], ids=["both by id", "one by name"])
def test_of_two_that_come_at_once_one_adopts_and_the_other_leaves_the_function_alone(
    functions: Functions, *, by_name: bool
) -> None:
    function, version = registered(functions)
    by_id = {"functionId": function}
    both: dict[str, dict[str, Any]] = {"one": by_id, "two": {"adoptionPolicy": "Adopt"} if by_name else by_id}
    functions.namespace.apply(
        *(functions.manifest(name, **{"name": functions.called(), **spec}) for name, spec in both.items())
    )

    def marks() -> list[str]:
        return [mark_of(item) or "" for item in functions.versions()]

    def reasons() -> list[str]:
        found = [functions.namespace.get(name).get("status", {}) for name in both]
        return sorted(
            item["reason"] for each in found for item in each.get("conditions", ()) if item["type"] == "Ready"
        )

    eventually(reasons, lambda found: found == ["Conflict", "Registered"], within=60, what="one of them has it")
    holder = next(name for name in both if functions.status(name).get("latest"))
    uid = functions.namespace.get(holder)["metadata"]["uid"].replace("-", "")
    eventually(marks, lambda found: [uid in mark for mark in found] == [True], within=30, what="the holder's mark")
    assert functions.ids() == [version]
    assert set(writes(functions, function)) == {"updateFunction"}
    polls = functions.simulator.cursor
    functions.until_polled()
    assert not [entry for entry in functions.simulator.log(polls, functionId=function) if entry["mutating"]]


def test_an_id_that_is_added_later_has_to_be_that_of_the_function(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    function = functions.status()["functionId"]
    functions.apply("same")
    functions.namespace.wait_for("same")
    functions.namespace.edit("same", functionId=functions.status("same")["functionId"].upper())
    functions.namespace.wait_for("same")
    functions.namespace.edit("llama", functionId=NOBODYS)
    found = functions.namespace.wait_for("llama", "Stalled", reason="InvalidSpec")
    assert function in condition_of(found, "Stalled")["message"]
    assert functions.operations() == ["createFunction", "createFunction"]


def test_a_retained_function_is_adopted_again_by_its_id_and_nothing_is_made(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(deletionPolicy="Retain", revision="1-0")
    tenant.namespace.apply(follower("echo", {"name": "llama", "revision": "1-0"}))
    tenant.namespace.wait_for("echo", within=60)
    before = functions.status()
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    posts = functions.posts()
    functions.apply(deletionPolicy="Retain", revision="1-0")
    found = functions.namespace.wait_for("llama", "Stalled", reason="AlreadyExists")
    assert before["functionId"] in condition_of(found, "Stalled")["message"]
    functions.namespace.edit("llama", functionId=before["functionId"])
    after = functions.namespace.wait_for("llama")["status"]
    assert (after["functionId"], after["latest"]["versionId"]) == (
        before["functionId"],
        before["latest"]["versionId"],
    )
    tenant.namespace.wait_for("echo", within=40)
    assert functions.posts() == posts
    assert functions.operations() == ["createFunction", "createDeployment", "updateFunction"]
    assert "Adopted" in [reason for _, reason, _ in functions.namespace.events("llama")]


def test_the_version_with_the_manifests_secrets_is_adopted_and_gets_their_values(functions: Functions) -> None:
    allow_reading(functions.namespace, NAME)
    put_secret(functions.namespace, {"hf": "Schlüssel <&>"}, allow="llama")
    function, version = registered(functions)
    functions.simulator.set_secrets(version, HF="from before")
    functions.simulator.jump(1.0)
    registered(functions, function=function)
    functions.apply(functionId=function, secrets=[taken("HF", "hf")], deletionPolicy="Retain")
    functions.namespace.wait_for("llama")

    assert functions.latest() == version
    assert functions.simulator.has_secrets(version, HF="Schlüssel <&>")
    assert sorted(writes(functions, function)) == ["updateFunction", "updateSecrets"]
    at_rest(functions, function)


def test_a_deployment_by_ids_moves_to_a_function_that_adopts_and_its_version_runs_on(
    tenant: Tenant, functions: Functions
) -> None:
    function, serving = registered(functions)
    functions.simulator.jump(1.0)
    registered(functions, function=function)
    tenant.namespace.apply(manifest("echo", function, serving))
    tenant.namespace.wait_for("echo")
    functions.apply(functionId=function, deletionPolicy="Retain")
    functions.namespace.wait_for("llama")
    assert functions.latest() == serving
    tenant.namespace.edit("echo", functionId=None, functionVersionId=None, functionRef={"name": "llama"})
    tenant.namespace.wait_until("echo", lambda it: "functionRef" in it["status"], what="the reference is taken")
    tenant.namespace.wait_for("echo")
    assert sorted(writes(functions, function)) == ["createDeployment", "updateFunction"]


def test_a_function_that_is_suspended_is_left_as_it_is_until_it_is_deleted(functions: Functions) -> None:
    function, foreign = registered(functions, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function)
    functions.namespace.wait_for("llama")
    first = functions.latest()
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    second = functions.latest()
    functions.namespace.edit("llama", suspend=True, tags=["mine"], rateLimit={"rateLimit": "5-S"}, history={"limit": 0})
    functions.namespace.wait_for("llama", status="True", reason="Suspended")
    before = writes(functions, function)
    functions.simulator.change(second, tags=["somebody:s"])
    at_rest(functions, function)
    functions.simulator.change(second, tags=[])
    at_rest(functions, function, token="without tags")
    assert before == ["createVersion", "createVersion"]
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama", within=60)
    assert set(functions.ids()) == {foreign, second}, "nothing shows that the second one is ours"
    assert first not in functions.ids()


def test_a_function_that_is_only_observed_from_now_on_gives_its_finalizer_back_and_is_left(
    functions: Functions,
) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    functions.namespace.edit("llama", managementPolicy="Observe", tags=["mine"])
    functions.namespace.wait_until("llama", lambda it: not it["metadata"].get("finalizers"), what="without finalizer")
    functions.namespace.wait_for("llama", status="True", reason="Observing")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert functions.operations() == ["createFunction"]


def test_a_mark_that_somebody_wipes_is_put_back_and_the_version_is_ours_again(functions: Functions) -> None:
    function, foreign = registered(functions, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function)
    functions.namespace.wait_for("llama")
    functions.simulator.remove_tags(functions.latest())
    eventually(functions.marked, lambda found: found == [functions.latest()], within=40, what="the mark is put back")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama", within=60)
    assert functions.ids() == [foreign]


def test_the_deletion_of_an_adopted_function_removes_our_versions_only(functions: Functions) -> None:
    function, _ = registered(functions)
    _, foreign = registered(functions, function=function, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function, history={"limit": 0})
    functions.namespace.wait_for("llama")
    adopted = functions.latest()
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama")
    eventually(functions.ids, lambda ids: adopted not in ids, within=40, what="the marked one is collected as ours")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama", within=60)
    assert functions.ids() == [foreign]


def test_a_version_whose_mark_is_contradicted_is_not_deleted_with_the_resource(functions: Functions) -> None:
    function, foreign = registered(functions, containerImage="nvcr.io/org/llama:0")
    functions.apply(functionId=function, managementPolicy="Manage")
    functions.namespace.wait_for("llama")
    latest = functions.latest()
    [mark] = [mark_of(item) for item in functions.versions() if item["versionId"] == latest]
    assert mark is not None
    functions.namespace.edit("llama", suspend=True)
    functions.namespace.wait_for("llama", status="True", reason="Suspended")
    other = mark.replace(mark.split(":")[2], "0" * 32)
    functions.simulator.change(latest, tags=[mark, other])
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama", within=60)
    assert set(functions.ids()) == {foreign, latest}
    assert "Released" in [reason for _, reason, _ in functions.namespace.events("llama")]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"managementPolicy": "Observe"}, "Observing"), ({"suspend": True}, "Suspended")],
    ids=["observed", "suspended"],
)
def test_what_must_not_be_written_is_neither_adopted_nor_changed_and_its_deletion_works(
    functions: Functions, spec: dict[str, Any], reason: str
) -> None:
    function, version = registered(functions)
    functions.apply(functionId=function, tags=["mine"], rateLimit={"rateLimit": "5-S"}, **spec)
    found = functions.namespace.wait_for("llama", status="False", reason=reason)
    assert version in condition_of(found, "Ready")["message"]
    assert not found["metadata"].get("finalizers")
    functions.namespace.delete("llama")
    functions.namespace.wait_gone("llama")
    assert writes(functions, function) == []


def test_a_key_for_the_function_alone_makes_versions_of_it_and_no_function(
    tenant: Tenant, functions: Functions
) -> None:
    function, version = registered(functions, containerImage="nvcr.io/org/llama:0")
    token = f"nvapi-{tenant.namespace.name}"
    functions.simulator.add_key(token, token, resources=[f"function:{function}/*"])
    tenant.namespace.secret(token)
    functions.apply(functionId=function, deletionPolicy="Retain")
    functions.namespace.wait_for("llama")
    newest = functions.latest()
    functions.apply("another")
    found = functions.namespace.wait_for("another", status="False", reason="Forbidden")
    message = condition_of(found, "Ready")["message"]
    assert "register_function" in message
    assert "account-functions:*" in message
    functions.simulator.change_key(token, resources=[f"function:{function}/{version}"])
    functions.namespace.annotate("llama", reconcile_requested_at="with fewer rights")
    found = functions.namespace.wait_for("llama", status="False", reason="Forbidden")
    message = condition_of(found, "Ready")["message"]
    assert "list_functions" in message
    assert "function:<id>/*" in message
    assert newest in functions.ids()
