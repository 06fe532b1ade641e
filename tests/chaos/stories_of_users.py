"""Stories of users' clusters: copies, tools that write where they like, old words, odd letters, clocks that jump."""

from datetime import UTC, datetime, timedelta

from nvcf_operator.api.model import render
from tests.chaos import user_actions
from tests.chaos.environment import Run
from tests.chaos.story import GPU, Story, beside, came, entries, is_true, remains, writes, wrong_posts
from tests.support.cluster import condition_of
from tests.support.control import ODD_NAME

TOKEN = "<Mo 3. März> & später"
ANOTHER = "0b6b4b8e-1111-4222-8333-444455556666"
"""The id of a deployment that is not there."""
HOUR = 3600.0
SEVERAL = [
    {**GPU, "gpu": gpu, "instanceType": f"NCP.GPU.{gpu}_1x", "maxInstances": n + 2}
    for n, gpu in enumerate(("L40S", "H100", "L40S", "H100"))
]
SETTLE_OF_SEVERAL = {"create_settle_seconds": 2.0, "create_settle_per_specification_seconds": 2.5}
ALL_OF_THEM = 2.0 + 3 * 2.5
"""Seconds of the create settle of these four specifications."""
VALUES = {"resources": {"limits": None, "requests": {"cpu": None, "memory": "1Gi"}}, "Größe <&>": {"a": 1, "b": None}}


def more_than_its_post(run: Run) -> list[str]:
    """The changes that NVCF was asked for after the first POST."""
    return [f"NVCF was asked for {operation}" for operation in writes(run)[1:]]


def of_two_manifests_of_one_version_one_writes(run: Run) -> list[str]:
    other = beside(run, "other", gpu={"maxInstances": 5})
    run.apply()

    def reasons() -> list[str]:
        found = [run.find(), run.kube.get(other)]
        return [str(condition_of(item or {}, "Ready").get("reason")) for item in found]

    run.eventually(
        lambda: (sorted(reasons()), writes(run)),
        lambda seen: seen[0] == ["Active", "Conflict"] or len(seen[1]) > 1,
        "one is in force and the other waits, or both write",
    )
    run.go_on()
    wrong = wrong_posts(run) + more_than_its_post(run)
    _away(run, other)
    return wrong


def a_copy_that_is_deleted_takes_nothing_with_it(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.operator.close()
    copy = user_actions.restore(run, user_actions.saved(run), "copy")
    run.kube.delete(copy)
    run.operate()
    run.eventually(lambda: run.kube.get(copy), lambda found: found is None, "the copy is gone")
    return more_than_its_post(run)


def what_somebody_claims_meanwhile_is_not_deleted(run: Run) -> list[str]:
    version = run.versions[0]
    run.simulator.deploy(version, GPU)
    run.until_in_nvcf("ACTIVE")
    run.operator.close()
    user_actions.born(run, annotations={}, finalizer=True)
    run.delete()
    # The claim comes while the deployment is read, after the claims were read and before the DELETE.
    run.simulator.fault(operation="getDeployment", functionVersionId=version, delay=4, count=1)
    cursor = run.simulator.cursor
    run.operate()
    run.until_asked(since=cursor, operation="getDeployment")
    other = beside(run, "other")
    run.until_gone()
    wrong = [f"NVCF was asked for {operation}" for operation in writes(run)]
    _away(run, other)
    return wrong


def a_record_of_another_object_counts_for_nothing(run: Run) -> list[str]:
    run.apply(adoptionPolicy="Refuse")
    run.until_ready()
    copy = user_actions.saved(run, status=True)
    run.edit(deletionPolicy="Retain")
    run.until(lambda found: not found["metadata"].get("finalizers"), "it lets go")
    run.delete()
    run.until_gone()
    run.operator.close()
    user_actions.restore(run, copy)
    run.operate()
    run.annotate(reconcile_requested_at=TOKEN)
    run.until(lambda found: found["status"].get("lastHandledReconcileAt") == TOKEN, "it is reconciled")
    run.delete()
    run.until_gone()
    return more_than_its_post(run)


def a_recorded_drain_is_of_one_deployment(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    now = datetime.now(UTC)
    since, deadline = render(now - timedelta(hours=2)), render(now - timedelta(hours=1))
    drain = {"functionVersionId": run.versions[0], "deploymentId": ANOTHER, "since": since, "deadline": deadline}
    user_actions.write_status(run, {"retiring": [drain]})
    run.until(lambda found: not found["status"].get("retiring"), "the record is dropped")
    run.until_ready()
    return more_than_its_post(run)


def a_request_is_answered_once(run: Run) -> list[str]:
    def answered() -> None:
        run.until(lambda found: found["status"].get("lastHandledRedeployAt") == TOKEN, "the answer")
        run.until_ready()

    user_actions.born(run, annotations={"redeploy-requested-at": TOKEN}, deletionPolicy="Retain")
    answered()
    user_actions.write_status(run, None)
    answered()
    copy = user_actions.saved(run)
    run.delete()
    run.until_gone()
    run.restart()
    user_actions.restore(run, copy)
    answered()
    return more_than_its_post(run)


def what_was_asked_for_a_vanished_resource_is_undeployed(run: Run) -> list[str]:
    run.simulator.instance_behaviour(run.versions[0], allocationSeconds=2.5)
    post = {"operation": "createDeployment", "functionVersionId": run.versions[0], "count": 1}
    run.simulator.fault(**post, when="during", delay=0.1, reset=True)
    run.apply()
    run.until(lambda found: condition_of(found, "Ready").get("reason") == "AwaitingAnswer", "the answer is missing")
    user_actions.force_away(run)
    came(lambda: entries(run, operation="createDeployment", inFlight=True), lambda running: not running)
    came(lambda: remains(run), lambda left: not left)
    return remains(run)


def what_a_vanished_resource_leaves_is_reported_whoever_hears_of_its_end(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    # The operator is about to correct the deployment when it finds the resource gone; the watch delivers that later.
    run.simulator.scale(run.versions[0], maxInstances=9)
    user_actions.force_away(run)
    ended = came(lambda: (run.events(), remains(run)), lambda seen: "LeftBehind" in seen[0] or not seen[1])
    return [] if ended else [f"it is not reported that there is {item}" for item in remains(run)]


def a_post_of_several_specifications_is_not_made_again(run: Run) -> list[str]:
    run.simulator.instance_behaviour(run.versions[0], allocationSeconds=2.0)
    post = {"operation": "createDeployment", "functionVersionId": run.versions[0], "count": 1}
    run.simulator.fault(**post, when="during", delay=0.1, reset=True)
    run.apply(deploymentSpecifications=SEVERAL)
    run.until_ready()
    run.eventually(lambda: entries(run, inFlight=True), lambda found: not found, "all requests have ended")
    return wrong_posts(run, create_settle=ALL_OF_THEM)


def what_an_old_row_hides_is_reported_and_redeployed(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.simulator.behave(loop=False, races={"returningRow": 1})
    run.annotate(redeploy_requested_at=TOKEN)
    posts = {"operation": "createDeployment", "inFlight": False}
    run.eventually(lambda: entries(run, **posts), lambda made: len(made) == 2, "it is deployed again")
    new = run.simulator.deployments()[run.versions[0]]["deploymentId"]
    run.until(lambda found: found["status"].get("deploymentId") == new, "the new deployment is on record")
    run.simulator.run_pass()
    run.simulator.behave(loop=True)
    if not came(lambda: writes(run), lambda made: len(made) == 5):
        return [f"after the old row came back, NVCF was asked for {writes(run)[3:]}"]
    run.until_ready()
    return [] if came(run.events, lambda events: "LeftBehind" in events) else ["it is not reported"]


def a_status_in_odd_letters_can_be_changed(run: Run) -> list[str]:
    run.apply()
    run.annotate(reconcile_requested_at=TOKEN)

    def ready(found: dict[str, object] | None) -> bool:
        return found is not None and is_true(found, "Ready")

    if not came(run.find, ready):
        return ["the deployment is not reported"]
    run.scale(maxInstances=5)
    done = came(
        run.find,
        lambda found: ready(found) and run.get()["status"]["observedGeneration"] == run.get()["metadata"]["generation"],
    )
    return [] if done else ["the edit is not reported"]


def a_drain_is_cut_short_in_time_though_no_status_is_taken(run: Run) -> list[str]:
    run.apply(undeploy={"drainTimeoutSeconds": 2})
    run.until_in_nvcf("ACTIVE")
    run.simulator.change(run.versions[0], queueDepth=3)
    run.delete()
    went = came(run.find, lambda found: found is None)
    run.simulator.change(run.versions[0], queueDepth=0)
    return remains(run) if went else ["it drains without an end"]


def a_clock_that_jumps_cuts_no_drain_short(run: Run) -> list[str]:
    run.apply()
    run.until_ready()
    run.simulator.change(run.versions[0], queueDepth=3)
    run.delete()
    run.until(lambda found: condition_of(found, "Ready").get("reason") == "Draining", "it drains")
    cursor = run.simulator.cursor
    run.set_clock(2 * HOUR)
    run.eventually(
        lambda: [entry["operation"] for entry in run.asked(cursor)],
        lambda asked: asked.count("getDeployment") >= 3 or "deleteDeployment" in asked,
        "three more reads of the deployment",
    )
    run.simulator.change(run.versions[0], queueDepth=0)
    run.until_gone()
    asked = [entry["query"] for entry in entries(run, operation="deleteDeployment")]
    return [f"DELETE?{query}" for query in asked if query != "graceful=true"]


def nulls_in_values_mean_nothing(run: Run) -> list[str]:
    name = f"{run.name} {ODD_NAME}"
    run.function, version = run.simulator.add_function(name, ncaId=run.name, kind="helm")
    run.versions.insert(0, version)
    run.apply(gpu={"configuration": VALUES})
    run.until_ready()
    run.scale(maxInstances=5)  # by a merge patch, which takes nulls out

    def decided(found: dict[str, object]) -> bool:
        current = run.get()["metadata"]["generation"]
        return any(is_true(found, kind) and _generation(found, kind) == current for kind in ("Ready", "Stalled"))

    found = run.until(decided, "the edit is in force, or refused")
    return [] if is_true(found, "Ready") else [condition_of(found, "Stalled")["message"]]


def an_old_force_delete_leaves_nothing(run: Run) -> list[str]:
    user_actions.born(run, annotations={"force-delete": "true"})
    run.until_ready()
    fault = run.simulator.fault(operation="deleteDeployment", functionVersionId=run.versions[0], status=503)
    run.delete()
    run.eventually(
        run.find, lambda found: found is None or is_true(found, "DeletionBlocked"), "the resource is blocked, or gone"
    )
    run.eventually(
        lambda: (run.find(), len(entries(run, operation="deleteDeployment"))),
        lambda seen: seen[0] is None or seen[1] >= 2,
        "it is tried again, or the resource is gone",
    )
    run.simulator.clear_faults(fault)
    run.until_gone()
    return remains(run)


def _generation(found: dict[str, object], kind: str) -> int:
    return int(condition_of(found, kind)["observedGeneration"])


def _away(run: Run, path: str) -> None:
    run.kube.delete(path)
    run.kube.merge(path, dict(user_actions.STRIPPED))


STORIES_OF_USERS: tuple[Story, ...] = (
    Story((1,), ("claims_ignored",), of_two_manifests_of_one_version_one_writes),
    Story((2,), ("claims_ignored",), a_copy_that_is_deleted_takes_nothing_with_it),
    Story((2,), ("not_asked_before_a_delete",), what_somebody_claims_meanwhile_is_not_deleted),
    Story((2,), ("any_uid_believed",), a_record_of_another_object_counts_for_nothing),
    Story((4,), ("any_drain_counts",), a_recorded_drain_is_of_one_deployment),
    Story((4,), ("old_redeploy_obeyed",), a_request_is_answered_once),
    Story(
        (1,),
        ("sent_is_forgotten",),
        what_was_asked_for_a_vanished_resource_is_undeployed,
        {"create_settle_seconds": 5},
    ),
    Story(
        (2,),
        (),
        what_a_vanished_resource_leaves_is_reported_whoever_hears_of_its_end,
        {"deep_resync_interval": 0.3},
        disruption="late_end",
    ),
    Story(
        (1,),
        ("settle_of_one_specification",),
        a_post_of_several_specifications_is_not_made_again,
        SETTLE_OF_SEVERAL,
    ),
    Story((1,), ("stale_row_taken_for_ours",), what_an_old_row_hides_is_reported_and_redeployed, lone=True),
    Story((1,), ("status_compared_by_bytes",), a_status_in_odd_letters_can_be_changed),
    Story(
        (1,),
        ("limits_from_the_cluster_alone",),
        a_drain_is_cut_short_in_time_though_no_status_is_taken,
        disruption="status_not_taken",
    ),
    Story(
        (4,),
        ("spans_by_the_wall_clock",),
        a_clock_that_jumps_cuts_no_drain_short,
        disruption="wall_clock_from_file",
    ),
    Story((1,), ("nulls_differ",), nulls_in_values_mean_nothing),
    Story((2,), ("old_force_counts",), an_old_force_delete_leaves_nothing),
)
