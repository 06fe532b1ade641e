"""Each row of docs/errors.md, provoked at the simulator and met by the running operator."""

from collections.abc import Callable
from typing import Any

import pytest

from hack.docs.aftermath import AFTERMATH, LOST, REFUSED, After
from tests.support.cluster import condition_of
from tests.support.kstatus import kstatus
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

POST, PATCH, PUT, DELETE = "createDeployment", "updateGpuSpecification", "updateDeployment", "deleteDeployment"
PAGE = {"status": 200, "body": "<html>", "contentType": "text/html"}
ELSEWHERE = {"status": 302, "headers": {"location": "http://127.0.0.1:9/elsewhere"}}
NO_ROUTE = {"status": 404, "envelope": "framework"}

Answer = dict[str, Any]

SHOWN: set[After] = set()
"""Rows that a test stands for; filled by `shows` while the tests are collected."""


def shows(call: str, answer: str, get: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark the test of one row."""
    rows = [row for row in AFTERMATH if (row.call, row.answer, row.shows) == (call, answer, get)]
    assert len(rows) == 1, f"docs/errors.md has {len(rows)} rows for {call}, {answer}, {get}"
    SHOWN.update(rows)
    return lambda test: test


def answers(*given: Answer) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("answer", given, ids=lambda it: "-".join(str(v) for v in it.values())[:40])


def apply_with(tenant: Tenant, answer: Answer, *, count: int | None = 1, **spec: Any) -> None:
    """Apply a manifest whose first POST, or every one, meets a fault."""
    tenant.simulator.fault(operation=POST, functionVersionId=tenant.version, count=count, **answer)
    tenant.namespace.apply(tenant.manifest(**spec))


def posts(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.asked(POST)


def test_every_row_has_a_test() -> None:
    assert set(AFTERMATH) - SHOWN == set()


# POST


@shows("POST", REFUSED, "404")
@answers(*({"status": status} for status in (400, 402, 404, 405, 409, 415, 422)))
def test_a_refused_post_is_stalled_and_an_edit_is_tried_at_once(tenant: Tenant, answer: Answer) -> None:
    apply_with(tenant, answer)
    found = tenant.namespace.wait_for("echo", "Stalled", reason="Rejected")
    assert str(answer["status"]) in condition_of(found, "Stalled")["message"]
    assert condition_of(found, "CredentialsValid")["status"] == "True"
    tenant.namespace.scale("echo", maxInstances=3)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, answer["status"]), (POST, 200)]


@shows("POST", "400, no available clusters", "404")
def test_a_lack_of_capacity_is_reported_in_nvcfs_words_and_is_no_failure(tenant: Tenant) -> None:
    words = "There are no available clusters with capacity for L40S GPU or NCP.GPU.L40S_1x instance type"
    apply_with(tenant, {"status": 400, "detail": words})
    found = tenant.namespace.wait_for("echo", "Reconciling", reason="NoCapacity")
    assert kstatus(found) == "InProgress"
    assert words in condition_of(found, "Ready")["message"]
    tenant.namespace.annotate("echo", reconcile_requested_at="there is room")
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 400), (POST, 200)]


@shows("POST", REFUSED, "the deployment")
@pytest.mark.parametrize("policy", ["Adopt", "Refuse"])
def test_a_refused_post_over_a_deployment_that_it_may_have_made_is_not_repeated(tenant: Tenant, policy: str) -> None:
    apply_with(tenant, {"status": 400, "when": "after"}, adoptionPolicy=policy)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 400)]


@shows("POST", LOST, "404")
@answers({"status": 500}, {"status": 503}, {"status": 408}, {"status": 502, "body": "<html>"}, {"reset": True}, PAGE)
def test_a_lost_post_that_was_not_made_is_made_again_after_the_settle(tenant: Tenant, answer: Answer) -> None:
    apply_with(tenant, answer)
    tenant.namespace.wait_for("echo")
    first, second = posts(tenant)
    assert second["started"] - first["ended"] >= 2.0


@shows("POST", LOST, "the deployment")
@answers({"status": 500}, {"reset": True}, PAGE, {"truncate": True}, {"hang": True})
def test_a_lost_post_that_was_made_is_ours_and_not_made_again(tenant: Tenant, answer: Answer) -> None:
    apply_with(tenant, {**answer, "when": "after"}, adoptionPolicy="Refuse")
    tenant.namespace.wait_for("echo", within=90)
    assert len(posts(tenant)) == 1


@shows("POST", "401", "404")
def test_a_401_is_the_keys_and_the_post_is_made_when_the_key_is_accepted(tenant: Tenant) -> None:
    # The account is shared: a list that is answered at once would show the key to be accepted before anybody reads it.
    late = tenant.simulator.fault(operation="listFunctions", delay=3)
    apply_with(tenant, {"status": 401})
    tenant.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized")
    tenant.simulator.clear_faults(late)
    tenant.namespace.wait_for("echo", within=60)
    assert tenant.writes() == [(POST, 401), (POST, 200)]


@shows("POST", "403, the list answers", "404")
def test_a_403_beside_a_list_that_answers_is_this_resources_alone(tenant: Tenant) -> None:
    apply_with(tenant, {"status": 403})
    found = tenant.namespace.wait_for("echo", "Stalled", reason="Forbidden")
    assert condition_of(found, "CredentialsValid")["status"] == "True"
    tenant.namespace.scale("echo", maxInstances=3)
    tenant.namespace.wait_for("echo")


@shows("POST", "429", "404")
@pytest.mark.parametrize(("asked", "least"), [(3, 2.9), (None, 0.4)], ids=["Retry-After", "none"])
def test_a_429_pauses_as_the_server_asks_else_a_little(tenant: Tenant, asked: int | None, least: float) -> None:
    apply_with(tenant, {"status": 429} if asked is None else {"status": 429, "retryAfter": asked})
    tenant.namespace.wait_for("echo", within=60)
    first, second = posts(tenant)
    assert second["started"] - first["ended"] >= least


@shows("POST", "3xx", "404")
def test_a_redirect_is_reported_and_not_followed(tenant: Tenant) -> None:
    apply_with(tenant, ELSEWHERE, count=None)
    found = tenant.namespace.wait_for("echo", "Reconciling", reason="InvalidAnswer")
    assert "redirect" in condition_of(found, "Reconciling")["message"]
    tenant.simulator.clear_faults()
    tenant.namespace.wait_for("echo", within=60)
    *redirected, last = tenant.writes()
    assert set(redirected) == {(POST, 302)}
    assert last == (POST, 200)


# PATCH and PUT


def change(tenant: Tenant, operation: str, answer: Answer) -> None:
    """Have the manifest changed so that this write follows, which meets a fault."""
    tenant.namespace.apply(tenant.manifest(gpu={"maxRequestConcurrency": 2}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.fault(operation=operation, count=1, **answer)
    tenant.namespace.scale("echo", **({"maxInstances": 5} if operation == PATCH else {"maxRequestConcurrency": 8}))


@shows("PATCH", "404 or 405, not in NVCF's format", "as before")
@answers(NO_ROUTE, {"status": 405})
def test_a_server_without_patch_gets_a_put(tenant: Tenant, answer: Answer) -> None:
    # What a server lacks is remembered with the key, so that this needs one of its own.
    key = f"nvapi-old-{answer['status']}"
    tenant.simulator.add_key(key, key)
    tenant.namespace.secret(key)
    change(tenant, PATCH, answer)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 200), (PATCH, answer["status"]), (PUT, 200)]


@shows("PUT", "404 of an unknown path or 405, in NVCF's format", "as before")
@pytest.mark.parametrize("change", ["Reject", "Redeploy"])
def test_a_server_without_put_gets_patches_and_concurrency_as_immutable_changes_say(
    tenant: Tenant, change: str
) -> None:
    key = f"nvapi-new-{change.lower()}"
    tenant.simulator.add_key(key, key)
    tenant.namespace.secret(key)
    tenant.namespace.apply(tenant.manifest(rollout={"immutableChange": change}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.behave(put=False)
    try:
        tenant.namespace.scale("echo", maxRequestConcurrency=8)
        if change == "Reject":
            found = tenant.namespace.wait_for("echo", "Stalled", reason="ImmutableFieldChanged")
            assert "this server has no PUT" in condition_of(found, "Stalled")["message"]
            tenant.namespace.scale("echo", maxRequestConcurrency=1, maxInstances=5)
            wanted = [(PATCH, 200)]
        else:
            wanted = [("deleteDeployment", 200), (POST, 200)]
        tenant.namespace.wait_for("echo")
        no_operation = None  # as such a server logs what it does not know
        assert tenant.writes() == [(POST, 200), (no_operation, 405), *wanted]
    finally:
        tenant.simulator.behave(put=True)


@shows("PUT", "404 or 405, not in NVCF's format", "as before")
@answers(
    {"status": 404, "body": "404 page not found", "contentType": "text/plain"}, {"status": 405, "envelope": "empty"}
)
def test_what_stands_in_between_does_not_take_the_put_away(tenant: Tenant, answer: Answer) -> None:
    change(tenant, PUT, answer)
    tenant.namespace.wait_for("echo", "Ready", "False")
    tenant.namespace.annotate("echo", reconcile_requested_at="now")
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 200), (PUT, answer["status"]), (PUT, 200)]


@shows("PATCH", "404 in NVCF's format", "another or the same")
def test_a_patch_of_a_deployment_that_is_not_there_is_decided_again(tenant: Tenant) -> None:
    change(tenant, PATCH, {"status": 404, "envelope": "service"})
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 200), (PATCH, 404), (PATCH, 200)]


@shows("PATCH, PUT", REFUSED, "as before")
@pytest.mark.parametrize("operation", [PATCH, PUT])
def test_a_refused_change_is_stalled_and_an_edit_is_tried_at_once(tenant: Tenant, operation: str) -> None:
    change(tenant, operation, {"status": 400})
    tenant.namespace.wait_for("echo", "Stalled", reason="Rejected")
    tenant.namespace.scale("echo", **({"maxInstances": 6} if operation == PATCH else {"maxRequestConcurrency": 9}))
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [(POST, 200), (operation, 400), (operation, 200)]


@shows("PATCH, PUT", LOST, "as before")
@answers({"status": 500}, {"reset": True})
@pytest.mark.parametrize("operation", [PATCH, PUT])
def test_a_lost_change_that_was_not_made_is_made_again(tenant: Tenant, operation: str, answer: Answer) -> None:
    change(tenant, operation, answer)
    tenant.namespace.wait_for("echo")
    assert [name for name, _ in tenant.writes()] == [POST, operation, operation]


@shows("PATCH, PUT", LOST, "as wanted")
@answers({"status": 500}, {"reset": True}, PAGE)
@pytest.mark.parametrize("operation", [PATCH, PUT])
def test_a_lost_change_that_was_made_is_not_made_again(tenant: Tenant, operation: str, answer: Answer) -> None:
    change(tenant, operation, {**answer, "when": "after"})
    tenant.namespace.wait_for("echo")
    assert [name for name, _ in tenant.writes()] == [POST, operation]


# DELETE


def delete(tenant: Tenant, answer: Answer, *, count: int | None = 1) -> None:
    """Have a resource deleted whose first DELETE, or every one, meets a fault."""
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.fault(operation=DELETE, functionVersionId=tenant.version, count=count, **answer)
    tenant.namespace.delete("echo")


def deletes(tenant: Tenant) -> int:
    assert tenant.version not in tenant.simulator.deployments()
    return len(tenant.asked(DELETE))


@shows("DELETE", "404", "404")
def test_a_deployment_that_is_gone_before_its_delete_lets_the_resource_go(tenant: Tenant) -> None:
    delete(tenant, {"status": 404, "envelope": "service", "when": "after"})
    tenant.namespace.wait_gone("echo")
    assert deletes(tenant) == 1


@shows("DELETE", "404", "the deployment")
def test_a_404_to_delete_is_not_believed_while_get_shows_the_deployment(tenant: Tenant) -> None:
    delete(tenant, {"status": 404, "envelope": "service"})
    tenant.namespace.wait_gone("echo")
    assert deletes(tenant) == 2


@shows("DELETE", LOST, "the deployment")
@answers({"status": 500}, {"reset": True})
def test_a_lost_delete_that_was_not_made_is_made_again(tenant: Tenant, answer: Answer) -> None:
    delete(tenant, answer)
    tenant.namespace.wait_gone("echo")
    assert deletes(tenant) == 2


@shows("DELETE", LOST, "404")
@answers({"status": 500}, {"reset": True}, PAGE)
def test_a_lost_delete_that_was_made_is_not_made_again(tenant: Tenant, answer: Answer) -> None:
    delete(tenant, {**answer, "when": "after"})
    tenant.namespace.wait_gone("echo")
    assert deletes(tenant) == 1


@shows("DELETE", REFUSED, "the deployment")
def test_a_refused_delete_blocks_the_deletion_until_it_is_tried_again(tenant: Tenant) -> None:
    delete(tenant, {"status": 400}, count=None)
    tenant.namespace.wait_for("echo", "DeletionBlocked")
    tenant.simulator.clear_faults()
    tenant.namespace.wait_gone("echo", within=100)
    assert deletes(tenant) >= 2


# Reading


@answers(
    *({"status": status} for status in (400, 405, 409, 500, 503)),
    {"status": 429, "retryAfter": 1},
    NO_ROUTE,
    PAGE,
    ELSEWHERE,
    {"reset": True},
)
def test_a_failed_read_says_nothing_about_a_resource_in_order(tenant: Tenant, answer: Answer) -> None:
    tenant.namespace.apply(tenant.manifest())
    before = tenant.namespace.wait_for("echo")["status"]
    name = tenant.simulator.fault(operation="getDeployment", functionVersionId=tenant.version, **answer)
    tenant.namespace.annotate("echo", reconcile_requested_at="now")
    eventually(
        lambda: {rule["name"]: rule["met"] for rule in tenant.simulator.faults()}[name],
        lambda met: met >= 2,
        within=30,
        what="two reads that fail",
    )
    assert tenant.namespace.get("echo")["status"] == before
    tenant.simulator.clear_faults()
    tenant.namespace.wait_until(
        "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "now", what="the answer", within=90
    )
    assert tenant.writes() == [(POST, 200)]
