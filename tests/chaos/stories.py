"""Stories that show each invariant at work: what users and NVCF do, and what is wrong afterwards if something is.

A story ends well, with nothing wrong, as long as the operator is as it should be; for each safeguard that it is about
there is a bug (`tests.support.planted`) with which something is wrong.
"""

from collections.abc import Mapping
from typing import Any

from tests.chaos.environment import Run
from tests.chaos.stories_of_users import STORIES_OF_USERS
from tests.chaos.story import (
    GPU,
    Story,
    came,
    clear,
    crowd,
    entries,
    is_true,
    remains,
    secret,
    secret_path,
    writes,
    wrong_posts,
)
from tests.chaos.user_actions import path_of
from tests.support.cluster import condition_of

OPERATORS_KEY = "nvapi-test-the-operators-own"
NARROW = {"workers": 8, "nvcf_concurrency": 3}
"""Few workers and few calls at a time, so that a crowd is one."""
FEW = 12
"""Calls that may go before a user's edit: those under way, and those that begin until the watch has shown it."""


# 1. At most one deployment per resource and target, after any crash and any fault.


def a_post_in_flight_over_a_crash_is_not_made_again(run: Run) -> list[str]:
    run.simulator.fault(operation="createDeployment", functionVersionId=run.versions[0], delay=10, count=1)
    run.apply()
    run.until_asked(since=run.cursor, operation="createDeployment", inFlight=True)
    run.restart()
    run.until_ready()
    run.eventually(lambda: entries(run, inFlight=True), lambda found: not found, "all requests have ended")
    return wrong_posts(run, create_settle=13.0)


def a_version_that_went_is_not_deployed_again_at_once(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.delete()
    run.until_gone()
    run.apply()
    run.until_ready()
    return wrong_posts(run, redeploy_settle=8.0)


def a_post_whose_answer_was_lost_is_searched_for(run: Run) -> list[str]:
    lost = {"operation": "createDeployment", "functionVersionId": run.versions[0], "when": "after", "count": 1}
    run.simulator.fault(**lost, reset=True)
    run.apply()
    run.until_ready()
    return wrong_posts(run)


# 2. Nothing is left after a Delete, nothing is touched after a Retain or under Observe.


def a_retained_deployment_outlives_its_resource(run: Run) -> list[str]:
    run.apply(deletionPolicy="Retain")
    run.until_ready()
    run.delete()
    run.until_gone()
    return [] if writes(run) == ["createDeployment"] else [f"NVCF was asked for {writes(run)}"]


def an_observed_deployment_is_left_alone(run: Run) -> list[str]:
    run.simulator.deploy(run.versions[0], {**GPU, "maxInstances": 7})
    run.until_in_nvcf("ACTIVE")
    run.apply(managementPolicy="Observe")
    run.until(lambda found: condition_of(found, "Ready") != {}, "a status")
    run.go_on()
    run.delete()
    run.until_gone()
    return [f"NVCF was asked for {operation}" for operation in writes(run)]


def a_drain_is_waited_for(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.simulator.change(run.versions[0], queueDepth=2)
    run.delete()
    run.until_asked(since=run.cursor, operation="deleteDeployment", inFlight=False)
    if came(lambda: run.find() is None, bool, within=3):
        return ["the resource went while NVCF drained"]
    run.simulator.change(run.versions[0], queueDepth=0)
    run.until_gone()
    return remains(run)


# 3. Converged means silent.


def a_second_pass_writes_nothing(run: Run) -> list[str]:
    run.apply()
    if not came(run.find, lambda found: found is not None and is_true(found, "Ready")):
        return [f"not Ready after {writes(run)}"]
    cursor = run.simulator.cursor
    run.annotate(reconcile_requested_at="now")
    answered = run.until(lambda found: found["status"].get("lastHandledReconcileAt") == "now", "the answer")
    run.until_asked(since=cursor, operation="getDeployment")
    run.restart()
    run.go_on()
    wrong = [f"NVCF was asked for {operation}" for operation in writes(run)[1:]]
    same = run.get()["metadata"]["resourceVersion"] == answered["metadata"]["resourceVersion"]
    return wrong + ([] if same else ["the resource was written again"])


# 4. No write on a guess.


def a_version_that_the_list_does_not_show_is_not_gone(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    cursor = run.simulator.cursor
    for key in run.keys:
        run.simulator.fault(operation="listFunctions", key=key, status=200, body='{"functions":[]}')
    run.until_asked(1, since=cursor, operation="getDeployment")
    run.until_asked(3, since=cursor, operation="listFunctions")
    return [f"NVCF was asked for {operation} by a list" for operation in writes(run)[1:]]


def a_refused_read_ends_nothing(run: Run) -> list[str]:
    return unreadable(run, status=403)


def a_failed_read_ends_nothing(run: Run) -> list[str]:
    return unreadable(run, status=503)


def unreadable(run: Run, *, status: int) -> list[str]:
    """Delete a resource whose deployment cannot be read, and then can."""
    run.apply()
    run.until_ready()
    fault = run.simulator.fault(operation="getDeployment", functionVersionId=run.versions[0], status=status)
    run.delete()
    found = run.eventually(
        run.find, lambda found: found is None or is_true(found, "DeletionBlocked"), "the resource is blocked, or gone"
    )
    run.simulator.clear_faults(fault)
    run.until_gone()
    return [f"the resource went by a {status}"] if found is None else remains(run)


def a_dependencys_404_gives_nothing_up(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.simulator.fault(operation="getDeployment", functionVersionId=run.versions[0], status=404, count=1)
    run.delete()
    run.until_gone()
    return remains(run)


def a_change_is_addressed_by_what_was_just_read(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    # A list in between would show what another did, and bring the new ids into status before the edit.
    late = run.simulator.fault(operation="listFunctions", key=next(iter(run.keys)), delay=6)
    cursor = run.simulator.cursor
    run.simulator.redeploy(run.versions[0])
    run.scale(maxInstances=5)
    run.until_asked(since=cursor, method="PATCH")
    run.simulator.clear_faults(late)
    run.until_ready()
    changes = [entry for entry in run.simulator.log(cursor, method="PATCH") if entry["key"] in run.keys]
    assert changes, "the change was made"
    return [f"PATCH of what is no more: {entry['path']}" for entry in changes if entry["status"] != 200]


# 5. Every finalizer can be released, every namespace can be deleted.


def what_never_came_to_be_can_be_deleted(run: Run) -> list[str]:
    run.simulator.fault(operation="createDeployment", functionVersionId=run.versions[0], status=400)
    run.apply()
    run.until(lambda found: condition_of(found, "Stalled").get("reason") == "Rejected", "the refusal")
    run.delete()
    return [] if came(run.find, lambda found: found is None) else ["the finalizer stays"]


def a_namespace_can_be_deleted(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    # It drains until the namespace has lost its Secret; the operator's own key is of another account.
    run.simulator.change(run.versions[0], queueDepth=2)
    place = f"/api/v1/namespaces/{run.namespace}"
    run.kube.delete(place)
    run.until_asked(since=run.cursor, operation="deleteDeployment")
    run.eventually(lambda: run.kube.get(secret_path(run)), lambda found: found is None, "the Secret is gone")
    run.until_asked(2, operation="listFunctions")
    run.simulator.change(run.versions[0], queueDepth=0)
    refused = "the Kubernetes API did not accept it"
    run.eventually(
        lambda: (run.find(), run.operator.output().count(refused)),
        lambda seen: seen[0] is None or seen[1] >= 3,
        "the resource goes, or cannot",
    )
    went = run.find() is None
    run.kube.merge(path_of(run), {"metadata": {"finalizers": None}})
    run.eventually(lambda: run.kube.get(place), lambda found: found is None, "the namespace is gone")
    run.kube.create("/api/v1/namespaces", {"metadata": {"name": run.namespace}})
    return remains(run) if went else ["the finalizer stays"]


def a_user_can_release_what_is_blocked(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    secret(run, NGC_API_KEY="no key\nat all")
    run.restart()
    run.delete()
    run.until(lambda found: is_true(found, "DeletionBlocked"), "DeletionBlocked")
    run.annotate(force_delete="true")
    return [] if came(run.find, lambda found: found is None) else ["the finalizer stays"]


# 6. One resource's failure delays nobody else, and no user's edit. Shown by the order of the calls, not by a clock.


def a_slow_account_does_not_delay_another(run: Run) -> list[str]:
    slow, slow_key = f"{run.name}-slow", f"{run.name}-slow-key"
    run.simulator.add_account(slow)
    run.simulator.add_key(slow_key, f"nvapi-test-{slow_key}", ncaId=slow)
    function, version = run.simulator.add_function(slow, ncaId=slow)
    run.versions.append(version)
    run.simulator.deploy(version, GPU)
    secret(run, SLOW=f"nvapi-test-{slow_key}")
    slow_calls = {"key": slow_key, "operation": "getDeployment"}
    run.simulator.fault(**slow_calls, delay=22)  # below the operator's timeout of 30 also on a busy machine
    ref = {"secretRef": {"name": "nvcf-credentials", "key": "SLOW"}}
    cursor = run.simulator.cursor
    others = crowd(run, function, version, known=False, credentials=ref)
    run.apply()
    # Behind the crowd it would be posted after a slow call has ended and made room for the next one.
    if not came(lambda: entries(run, operation="createDeployment"), bool, within=90):
        return ["it waits for the slow account's calls"]
    (post, *_) = entries(run, operation="createDeployment")
    asked = run.simulator.log(cursor, operation="getDeployment", functionVersionId=version)
    before = [entry for entry in asked if entry["started"] < post["started"]]
    clear(run, others)
    return [f"{len(before)} calls of the slow account went before"] if len(before) > NARROW["nvcf_concurrency"] else []


def an_edit_goes_before_other_work(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    function, version = run.simulator.add_function(run.name, ncaId=run.name)
    run.versions.append(version)
    run.simulator.deploy(version, GPU)
    run.simulator.fault(operation="getDeployment", functionVersionId=version, delay=5)
    others = crowd(run, function, version, known=True)
    cursor = run.simulator.cursor
    run.scale(maxInstances=5)

    def before() -> tuple[int, bool]:
        """How many calls have gone before the edit, and whether it has gone itself."""
        patches = run.asked(cursor, method="PATCH")
        calls = run.asked(cursor, operation="getDeployment")
        return len([entry for entry in calls if not patches or entry["started"] < patches[0]["started"]]), bool(patches)

    # Behind the crowd the edit would go last; waiting for that would say no more.
    count, _ = run.eventually(before, lambda found: found[1] or found[0] > FEW, "the edit, or many calls before it")
    clear(run, others)
    return [f"{count} calls went before a user's edit"] if count > FEW else []


def an_edit_beside_a_status_write_is_carried_out(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    cursor = run.simulator.cursor
    # The edit falls into the GET, and the watch, three seconds late, delivers it after the status is written.
    run.simulator.fault(operation="getDeployment", functionVersionId=run.versions[0], delay=2.5, count=1)
    run.annotate(reconcile_requested_at="now")
    run.until_asked(since=cursor, operation="getDeployment")
    run.scale(maxInstances=5)
    done = came(lambda: run.simulator.log(cursor, method="PATCH"), lambda log: any(e["key"] in run.keys for e in log))
    return [] if done else ["the edit is not carried out"]


# 7. A key is shown to nobody and sent nowhere else.


def a_broken_secret_is_not_made_up_for_by_the_operators_key(run: Run) -> list[str]:
    run.simulator.add_key(f"{run.name}-own", OPERATORS_KEY, ncaId=run.name)
    secret(run, NGC_API_KEY="no key\nat all")
    run.apply()
    said = run.until(
        lambda found: any(condition_of(found, kind) for kind in ("CredentialsValid", "Ready")), "what is wrong, or not"
    )
    came(lambda: entries(run), bool, within=2)
    used = [f"the operator's key asked for {entry['operation']}" for entry in entries(run)]
    return used + (
        [] if condition_of(said, "CredentialsValid").get("reason") == "SecretInvalid" else ["it is not reported"]
    )


def a_key_is_not_sent_where_its_secret_may_not_send_it(run: Run) -> list[str]:
    elsewhere = run.simulator.url.replace("127.0.0.1", "localhost")
    assert elsewhere != run.simulator.url
    secret(run, NVCF_BASE_URL=elsewhere)
    run.apply()
    run.until(lambda found: condition_of(found, "Ready") != {}, "a status")
    came(lambda: run.simulator.log(run.cursor), lambda log: any(_at_localhost(run, entry) for entry in log), within=2)
    sent = [entry for entry in run.simulator.log(run.cursor) if _at_localhost(run, entry)]
    secret(run, NVCF_BASE_URL=None)
    return [f"the key went to {entry['host']}" for entry in sent]


def _at_localhost(run: Run, entry: Mapping[str, Any]) -> bool:
    return entry["key"] in run.keys and str(entry["host"]).startswith("localhost")


STORIES: Mapping[str, Story] = {
    story.play.__name__: story
    for story in (
        Story(
            (1,),
            ("no_intent", "no_settle"),
            a_post_in_flight_over_a_crash_is_not_made_again,
            {"create_settle_seconds": 13},
        ),
        Story((1,), ("no_settle",), a_version_that_went_is_not_deployed_again_at_once, {"redeploy_settle_seconds": 8}),
        Story((1,), ("blind_retry",), a_post_whose_answer_was_lost_is_searched_for),
        Story((2,), ("retain_ignored",), a_retained_deployment_outlives_its_resource),
        Story((2,), ("observe_writes",), an_observed_deployment_is_left_alone),
        Story((2,), ("delete_answer_believed",), a_drain_is_waited_for),
        Story((3,), ("status_each_pass", "patch_though_equal"), a_second_pass_writes_nothing),
        Story((4,), ("list_absence_believed",), a_version_that_the_list_does_not_show_is_not_gone),
        Story((2, 4), ("refusal_is_absence",), a_refused_read_ends_nothing),
        Story((2, 4), ("refusal_is_absence",), a_failed_read_ends_nothing),
        Story((2, 4), ("contradicted_404_believed",), a_dependencys_404_gives_nothing_up),
        Story((4,), ("ids_from_status",), a_change_is_addressed_by_what_was_just_read, {"poll_interval": 30}),
        Story((5,), ("never_deployed_never_released",), what_never_came_to_be_can_be_deleted),
        Story((5,), ("events_first",), a_namespace_can_be_deleted),
        Story((5,), ("force_delete_ignored",), a_user_can_release_what_is_blocked),
        Story((6,), ("crowds_let_in",), a_slow_account_does_not_delay_another, NARROW),
        Story((6,), ("no_user_priority",), an_edit_goes_before_other_work, NARROW),
        Story((6,), ("answer_hides_edit",), an_edit_beside_a_status_write_is_carried_out, disruption="late_watch"),
        Story((4, 7), ("falls_through",), a_broken_secret_is_not_made_up_for_by_the_operators_key),
        Story((7,), ("base_url_not_checked",), a_key_is_not_sent_where_its_secret_may_not_send_it),
        *STORIES_OF_USERS,
    )
}
