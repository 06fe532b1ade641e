"""Secrets of a function: read from Secrets that allow it, sent with each version, and sent again when they change."""

from typing import Any

import pytest

from tests.support.cluster import condition_of, follower
from tests.support.function_secrets import NAME, allow_reading, put_secret, taken
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

TOKEN = 'Schlüssel <&> "zitiert"\nzweite Zeile'
PUT = "updateSecrets"

CONTENT = {"inferenceUrl": "/v1/chat", "inferencePort": None, "containerImage": "nvcr.io/org/llama:1"}
"""The content of the small manifest, as somebody else has registered it."""


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of a tenant who lets the operator read its Secret."""
    allow_reading(tenant.namespace, NAME)
    return Functions.of(tenant.namespace, tenant.simulator)


def put(functions: Functions, allow: str | None = "other, llama", **values: str) -> None:
    """Create or replace the Secret."""
    put_secret(functions.namespace, {"hf": TOKEN, **values}, allow=allow)


def puts(functions: Functions) -> int:
    """How often secrets were sent to versions of these functions."""
    return functions.operations().count(PUT)


def gets(functions: Functions, version: str, **values: Any) -> None:
    """Wait until a version has these values."""
    eventually(lambda: functions.simulator.has_secrets(version, **values), bool, within=20, what="the values")


def apply(functions: Functions, *names: str, **spec: Any) -> None:
    """Apply a function with secrets of these names, each from the key of its name in lower case."""
    secrets = [taken(name, name.lower()) for name in names or ("HF",)]
    functions.apply(secrets=secrets, **spec)


def synced(functions: Functions, status: str = "True", reason: str | None = None) -> str:
    """Wait for the condition, and give its message."""
    found = functions.namespace.wait_for("llama", "SecretsSynced", status, reason=reason)
    return str(condition_of(found, "SecretsSynced")["message"])


def test_a_version_is_registered_with_its_secrets_and_a_second_pass_sends_nothing(functions: Functions) -> None:
    put(functions, config='{"größe": [1, "<&>"]}')
    functions.apply(secrets=[taken("HF", "hf"), taken("CONFIG", "config", format="JSON"), taken("TEXT", "config")])
    functions.namespace.wait_for("llama")
    synced(functions)
    version = functions.latest()
    config = {"größe": [1, "<&>"]}
    assert functions.simulator.has_secrets(version, HF=TOKEN, CONFIG=config, TEXT='{"größe": [1, "<&>"]}')
    functions.namespace.annotate("llama", reconcile_requested_at="now")
    functions.namespace.wait_until(
        "llama", lambda it: it["status"].get("lastHandledReconcileAt") == "now", what="answered"
    )
    assert functions.operations() == ["createFunction"]


def test_a_changed_value_is_one_put_to_the_version_in_use_and_no_other_version(functions: Functions) -> None:
    put(functions, other="same")
    apply(functions, "HF", "OTHER")
    functions.namespace.wait_for("llama")
    version = functions.latest()
    put(functions, hf="neu <&>", other="same")
    eventually(lambda: puts(functions), lambda count: count == 1, within=20, what="it is sent")
    functions.namespace.wait_for("llama")
    assert functions.simulator.has_secrets(version, HF="neu <&>", OTHER="same")
    assert functions.operations() == ["createFunction", PUT]
    [sent] = [entry for entry in functions.log() if entry["operation"] == PUT]
    assert [item["name"] for item in sent["body"]["secrets"]] == ["HF"], "only what has changed"


def test_changed_metadata_of_a_secret_are_no_put(functions: Functions) -> None:
    put(functions)
    apply(functions)
    functions.namespace.wait_for("llama")
    before = functions.status()["versions"][0]["secrets"]
    put(functions, allow="*", unused="more")
    functions.namespace.wait_until(
        "llama", lambda it: it["status"]["versions"][0]["secrets"] != before, what="the change is seen"
    )
    assert functions.operations() == ["createFunction"]
    assert functions.simulator.has_secrets(functions.latest(), HF=TOKEN)


def test_a_name_added_or_removed_is_another_version(functions: Functions) -> None:
    put(functions, other="x")
    apply(functions)
    functions.namespace.wait_for("llama")
    first = functions.latest()
    functions.namespace.edit("llama", secrets=[taken("HF", "hf"), taken("OTHER", "other")])
    functions.namespace.wait_for("llama")
    second = functions.latest()
    assert second != first
    assert functions.simulator.has_secrets(second, HF=TOKEN, OTHER="x")
    functions.namespace.edit("llama", secrets=None)
    functions.namespace.wait_for("llama")
    assert functions.latest() not in (first, second)
    assert functions.simulator.secrets(functions.latest()) == {}
    assert not condition_of(functions.namespace.get("llama"), "SecretsSynced")
    assert puts(functions) == 0


@pytest.mark.parametrize("allow", [None, "", "llama-2, other"])
def test_without_consent_nothing_is_sent_and_the_message_says_how_to_give_it(
    functions: Functions, allow: str | None
) -> None:
    put(functions, allow=allow)
    apply(functions)
    message = synced(functions, "False", "SecretNotConsenting")
    functions.namespace.wait_for("llama", status="False", reason="SecretNotConsenting")
    assert functions.operations() == []
    command = message[message.index("kubectl ") :].split()
    functions.namespace.plane.kubectl(*command[1:])
    functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction"]


def test_nothing_is_registered_before_the_secret_is_there_and_then_it_is(functions: Functions) -> None:
    apply(functions)
    functions.namespace.wait_for("llama", status="False", reason="SecretMissing")
    assert functions.operations() == []
    put(functions)
    functions.namespace.wait_for("llama")
    assert functions.operations() == ["createFunction"]


@pytest.mark.parametrize(
    ("values", "entry", "reason"),
    [
        pytest.param({}, taken("HF", "elsewhere"), "SecretMissing", id="no such key"),
        pytest.param({"hf": b"\xff\xfe"}, taken("HF", "hf"), "SecretInvalid", id="no text"),
        pytest.param({"hf": ""}, taken("HF", "hf"), "SecretInvalid", id="empty"),
        pytest.param({"hf": "[1]"}, taken("HF", "hf", format="JSON"), "SecretInvalid", id="no JSON object"),
        pytest.param({}, taken("HF", "hf", secret="not-bound"), "SecretNotPermitted", id="not permitted"),
    ],
)
def test_a_value_that_cannot_be_sent_is_named_and_nothing_is_registered(
    functions: Functions, values: dict[str, bytes | str], entry: dict[str, Any], reason: str
) -> None:
    put_secret(functions.namespace, {"hf": TOKEN, **values}, allow="llama")
    functions.apply(secrets=[entry])
    found = functions.namespace.wait_for("llama", status="False", reason=reason)
    synced(functions, "False", reason)
    assert functions.operations() == []
    assert "[1]" not in str(found["status"])


def test_what_is_registered_stays_as_it_is_while_its_secret_is_missing(functions: Functions) -> None:
    put(functions)
    apply(functions)
    functions.namespace.apply(follower("llama"))
    functions.namespace.wait_for("llama")
    version = functions.latest()
    functions.namespace.plane.kubectl("-n", functions.namespace.name, "delete", "secret", NAME)
    functions.namespace.wait_for("llama", status="False", reason="SecretMissing")
    synced(functions, "False", "SecretMissing")
    functions.namespace.edit("llama", description="Sagt März.")
    functions.namespace.wait_until(
        "llama",
        lambda it: it["status"]["latest"]["generation"] == it["metadata"]["generation"],
        what="followers are not held",
    )
    assert functions.simulator.has_secrets(version, HF=TOKEN)
    put(functions, hf="wieder da")
    functions.namespace.wait_for("llama")
    assert functions.simulator.has_secrets(version, HF="wieder da")
    assert functions.ids() == [version]


def test_a_request_sends_all_values_once_though_none_has_changed(functions: Functions) -> None:
    put(functions, other="same")
    apply(functions, "HF", "OTHER")
    functions.namespace.wait_for("llama")
    functions.simulator.set_secrets(functions.latest(), HF="changed behind our back")
    functions.namespace.annotate("llama", secrets_requested_at="once")
    functions.namespace.wait_until(
        "llama", lambda it: it["status"].get("lastHandledSecretsAt") == "once", what="it is answered"
    )
    assert functions.simulator.has_secrets(functions.latest(), HF=TOKEN, OTHER="same")
    functions.namespace.wait_for("llama")
    assert puts(functions) == 1


def test_a_key_that_may_not_send_secrets_hears_which_scope_is_missing(functions: Functions) -> None:
    put(functions)
    apply(functions)
    functions.namespace.wait_for("llama")
    functions.simulator.fault(operation=PUT, count=None, when="before", status=403)
    put(functions, hf="neu")
    found = functions.namespace.wait_for("llama", status="False")
    functions.simulator.clear_faults()
    assert "update_secrets" in condition_of(found, "Ready")["message"]
    functions.namespace.annotate("llama", reconcile_requested_at="scope given")
    functions.namespace.wait_for("llama")


@pytest.mark.parametrize("stopped", [{"suspend": True}, {"managementPolicy": "Observe"}])
def test_nothing_is_read_or_sent_while_nothing_may_be_written(functions: Functions, stopped: dict[str, Any]) -> None:
    apply(functions, **stopped)
    reason = "Suspended" if "suspend" in stopped else "Observing"
    found = functions.namespace.wait_for("llama", status="False", reason=reason)
    assert not condition_of(found, "SecretsSynced")
    assert functions.operations() == []


def test_a_way_back_gets_the_current_values_before_the_version_is_taken(functions: Functions) -> None:
    put(functions)
    apply(functions, history={"limit": 1})
    functions.namespace.apply(follower("llama"))
    functions.namespace.wait_for("llama")
    first = functions.latest()
    eventually(
        lambda: [item.get("served") for item in functions.status()["versions"]],
        lambda served: served == [True],
        within=30,
        what="it has served",
    )
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_until("llama", lambda it: it["status"]["latest"]["versionId"] != first, what="the next")
    functions.namespace.wait_for("llama")
    second = functions.latest()
    eventually(
        lambda: {item["versionId"]: item["status"] for item in functions.versions()}.get(first),
        lambda status: status == "INACTIVE",
        within=60,
        what="the former one rests",
    )
    put(functions, hf="rotiert")
    gets(functions, second, HF="rotiert")
    assert functions.simulator.has_secrets(first, HF=TOKEN), "the history rests"
    functions.change(containerImage="nvcr.io/org/llama:1")
    functions.namespace.wait_until(
        "llama", lambda it: it["status"]["latest"]["versionId"] == first, what="the way back"
    )
    assert functions.simulator.has_secrets(first, HF="rotiert")


def test_a_pinned_version_with_other_names_gets_the_values_of_those_that_it_has(functions: Functions) -> None:
    put(functions, other="x")
    apply(functions, revision="1-0")
    functions.namespace.apply(follower("llama", {"revision": "1-0"}))
    functions.namespace.wait_for("llama")
    pinned = functions.latest()
    both = [taken("HF", "hf"), taken("OTHER", "other")]
    functions.namespace.edit("llama", revision="1-1", secrets=both)
    functions.namespace.wait_for("llama")
    newest = functions.latest()
    put(functions, hf="rotiert", other="y")
    for version in (newest, pinned):
        gets(functions, version, HF="rotiert")
    functions.namespace.wait_for("llama")
    assert functions.simulator.has_secrets(newest, OTHER="y")
    assert set(functions.simulator.secrets(pinned)) == {"HF"}, "no name is added to it"
    assert puts(functions) == 2


def test_an_adopted_version_gets_all_values_once_and_then_those_that_change(functions: Functions) -> None:
    function, version = functions.simulator.add_function(functions.called(), details=CONTENT)
    functions.simulator.set_secrets(version, HF="von Hand")
    put(functions)
    apply(functions, functionId=function)
    functions.namespace.wait_for("llama")
    synced(functions)
    assert functions.latest() == version
    assert functions.simulator.has_secrets(version, HF=TOKEN)
    put(functions, hf="rotiert")
    gets(functions, version, HF="rotiert")
    functions.namespace.wait_for("llama")
    assert functions.ids() == [version]
    log = functions.simulator.log(functions.cursor, functionId=function)
    assert [entry["operation"] for entry in log if entry["mutating"]] == ["updateFunction", PUT, PUT]


def test_a_function_with_other_secrets_is_not_the_manifests_version(functions: Functions) -> None:
    function, version = functions.simulator.add_function(functions.called(), details=CONTENT)
    functions.simulator.set_secrets(version, HF="von Hand", OTHER="x")
    put(functions)
    apply(functions, functionId=function)
    functions.namespace.wait_for("llama")
    assert functions.latest() != version
    assert functions.simulator.has_secrets(version, HF="von Hand", OTHER="x")
