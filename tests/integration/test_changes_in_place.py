"""Tags and rate limits of a CloudFunction follow the manifest in place, and whatever else happens to them."""

from typing import Any

import pytest

from tests.integration.changes_in_place import changes, drifts, shown, tags, until_tags
from tests.support.cluster import condition_of
from tests.support.functions import Functions, mark_of
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

TAGS = ["team-a", "env:prod", "a=b-_1"]


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant."""
    return Functions.of(tenant.namespace, tenant.simulator)


def test_changed_tags_and_rate_limit_are_one_put_and_no_version(functions: Functions) -> None:
    functions.apply(tags=["team-a"], rateLimit={"rateLimit": "100-M"})
    functions.namespace.wait_for("llama")
    version, mark = functions.latest(), mark_of(shown(functions))
    functions.namespace.edit("llama", tags=TAGS, rateLimit={"rateLimit": "5-S, 100-M", "perUserRate": "1-S"})
    until_tags(functions, set(TAGS))
    found = functions.namespace.wait_for("llama")
    assert found["status"]["latest"]["generation"] == found["metadata"]["generation"]
    assert shown(functions)["rateLimit"]["perUserRate"] == "1-S"
    assert (functions.ids(), mark_of(shown(functions))) == ([version], mark)
    assert changes(functions) == ["updateFunction"]
    assert "Updated" in [reason for _, reason, _ in functions.namespace.events("llama")]
    assert drifts(functions) == 0


def test_a_rate_limit_that_is_only_written_differently_is_not_sent(functions: Functions) -> None:
    functions.apply(rateLimit={"rateLimit": "100-M, 5-S"})
    functions.namespace.wait_for("llama")
    functions.namespace.edit("llama", rateLimit={"rateLimit": "5-S,100-M"}, description="<&> ändern")
    functions.namespace.wait_for("llama")
    functions.namespace.annotate("llama", reconcile_requested_at="now")
    functions.namespace.wait_until("llama", lambda it: it["status"].get("lastHandledReconcileAt") == "now", what="now")
    assert changes(functions) == []


def test_what_is_taken_out_of_the_manifest_stays_in_nvcf(functions: Functions) -> None:
    functions.apply(tags=["team-a"], rateLimit={"rateLimit": "100-M"})
    functions.namespace.wait_for("llama")
    functions.namespace.edit("llama", tags=None, rateLimit=None)
    functions.namespace.wait_for("llama")
    assert (tags(functions), shown(functions)["rateLimit"]["rateLimit"]) == ({"team-a"}, "100-M")
    assert changes(functions) == []


def test_unlimited_removes_the_rate_limit_by_one_delete(functions: Functions) -> None:
    functions.apply(rateLimit={"rateLimit": "100-M"})
    functions.namespace.wait_for("llama")
    functions.namespace.edit("llama", rateLimit=None, rateLimitPolicy="Unlimited")
    eventually(lambda: shown(functions).get("rateLimit"), lambda limit: not limit, within=40, what="the limit is gone")
    functions.namespace.wait_for("llama")
    assert changes(functions) == ["deleteRateLimit"]


def test_tags_that_somebody_else_changed_are_put_back_with_the_mark(functions: Functions) -> None:
    functions.apply(tags=["team-a"])
    functions.namespace.wait_for("llama")
    functions.simulator.change(functions.latest(), tags=["theirs"])
    until_tags(functions, {"team-a"})
    assert mark_of(shown(functions)) is not None
    functions.namespace.wait_for("llama")
    assert changes(functions) == ["updateFunction"]
    eventually(lambda: drifts(functions), lambda count: count == 1, within=20, what="the drift is reported")


def test_without_tags_in_the_manifest_foreign_tags_stay_and_only_the_mark_is_put_back(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    functions.simulator.change(functions.latest(), tags=["theirs", "nvcf-operator:1:stranger"])
    eventually(
        lambda: mark_of(shown(functions)), lambda it: it is not None and "stranger" not in it, within=40, what="marked"
    )
    functions.namespace.wait_for("llama")
    assert set(shown(functions)["tags"]) == {"theirs", mark_of(shown(functions))}
    assert changes(functions) == ["updateFunction"]


def test_a_tug_of_war_ends_until_somebody_asks_for_more(functions: Functions) -> None:
    functions.apply(tags=["team-a"])
    functions.namespace.wait_for("llama")
    version = functions.latest()
    for _ in range(20):
        if condition_of(functions.namespace.get("llama"), "Stalled")["reason"] == "NotConverging":
            break
        functions.simulator.change(version, tags=["theirs"])
        eventually(
            lambda: (tags(functions), condition_of(functions.namespace.get("llama"), "Stalled")["reason"]),
            lambda found: found[0] == {"team-a"} or found[1] == "NotConverging",
            within=40,
            what="put back, or given up",
        )
    found = functions.namespace.wait_for("llama", "Stalled", reason="NotConverging")
    assert condition_of(found, "Registered")["status"] == "True"
    assert tags(functions) == {"theirs"}
    assert 3 <= changes(functions).count("updateFunction") <= 6
    functions.namespace.annotate("llama", reconcile_requested_at="once more")
    until_tags(functions, {"team-a"})
    functions.namespace.wait_for("llama")


def refused(functions: Functions, reason: str, *words: str) -> None:
    """Check that a change of the tags is refused, and that all else stays as it is."""
    functions.namespace.edit("llama", tags=["team-b"])
    found = functions.namespace.wait_for("llama", "Stalled", reason=reason, within=60)
    message = condition_of(found, "Ready")["message"]
    assert [word for word in words if word not in message] == []
    assert condition_of(found, "Registered")["status"] == "True"
    assert condition_of(found, "CredentialsValid")["status"] == "True"
    assert found["status"]["latest"]["generation"] == found["metadata"]["generation"]


def test_a_refused_change_leaves_the_version_registered_and_is_made_on_request(functions: Functions) -> None:
    functions.apply(tags=["team-a"])
    functions.namespace.wait_for("llama")
    rule = functions.simulator.fault(
        operation="updateFunction", functionVersionId=functions.latest(), status=400, detail="tags: <&> größer"
    )
    refused(functions, "Rejected", "update_function", "<&> größer")
    functions.simulator.clear_faults(rule)
    functions.namespace.annotate("llama", reconcile_requested_at="corrected")
    functions.namespace.wait_for("llama")
    assert tags(functions) == {"team-b"}


def test_a_key_without_the_scope_hears_which_scope_and_policy_are_missing(functions: Functions) -> None:
    scopes = ["list_functions", "list_functions_details", "register_function", "delete_function", "deploy_function"]
    functions.simulator.add_key("few-scopes", "nvapi-test-few-scopes", scopes=scopes)
    functions.namespace.secret("nvapi-test-few-scopes")
    functions.apply(tags=["team-a"])
    functions.namespace.wait_for("llama")
    refused(functions, "Forbidden", "update_function", "account-functions:*")


@pytest.mark.parametrize("stopped", [{"suspend": True}, {"managementPolicy": "Observe"}], ids=["suspend", "observe"])
def test_nothing_is_changed_while_nothing_may_be_written(functions: Functions, stopped: dict[str, Any]) -> None:
    functions.apply(tags=["team-a"])
    functions.namespace.wait_for("llama")
    functions.namespace.edit("llama", tags=["team-b"], **stopped)
    reason = "Suspended" if "suspend" in stopped else "Observing"
    functions.namespace.wait_for("llama", reason=reason)
    functions.simulator.change(functions.latest(), rateLimit={"rateLimit": "1-D"})
    functions.namespace.annotate("llama", reconcile_requested_at="now")
    functions.namespace.wait_until("llama", lambda it: it["status"].get("lastHandledReconcileAt") == "now", what="now")
    assert changes(functions) == []
