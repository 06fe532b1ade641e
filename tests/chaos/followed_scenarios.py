"""What happens to a CloudFunction and the FunctionDeployment that follows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.followed_runs import FIRST, SECOND, FollowedRun
from tests.chaos.function_runs import NEW_VALUE, OLD_VALUE
from tests.support.function_secrets import taken


@dataclass(frozen=True)
class FollowedScenario:
    """One thing that happens to a function and its deployment."""

    title: str
    play: Callable[[FollowedRun], object]
    prepare: Callable[[FollowedRun], object]
    registrations: int
    """Requests to NVCF for it."""
    writes: int
    """To the CloudFunction in the cluster."""
    deletions: int = 0
    """Versions that NVCF is asked to delete."""
    changes: int = 0
    """Changes in place."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Those of its operators beside the common ones."""
    rolls_out: bool = True
    """Whether the deployment follows to another version."""


def nothing(run: FollowedRun) -> None:
    """Begin with nothing."""


def create(run: FollowedRun) -> None:
    run.register()
    run.until_asked(since=run.cursor, operation="createFunction")
    run.follow()
    run.until_rolled_out()


def serving(run: FollowedRun) -> None:
    """Begin with a version that serves."""
    create(run)


def image(run: FollowedRun) -> None:
    run.push(SECOND)
    run.until_reason("FunctionNotReady")
    run.until_rolled_out()


def serving_second(run: FollowedRun) -> None:
    """Begin with a second version that serves, and the first one in the history."""
    serving(run)
    image(run)


def collect(run: FollowedRun) -> None:
    with run.about_function():
        run.edit(history={"limit": 0})
        run.until_versions(1)
        run.until(lambda found: len(found["status"]["versions"]) == 1, "the record has forgotten it")
    run.until_followed()


def serving_with_tags(run: FollowedRun) -> None:
    """Begin with a version that serves and has tags."""
    run.register(tags=["team:a"])
    run.follow()
    run.until_rolled_out()


def tags(run: FollowedRun) -> None:
    with run.about_function():
        run.edit(tags=["team:b", "grade=2"])
    run.until_followed()


def serving_with_secret(run: FollowedRun) -> None:
    """Begin with a version that serves and has a secret."""
    run.keep_secret(OLD_VALUE)
    run.register(secrets=[taken("TOKEN", "token")])
    run.follow()
    run.until_rolled_out()


def rotate(run: FollowedRun) -> None:
    with run.commit("the value of a secret changes, and is to be read now"):
        run.keep_secret(NEW_VALUE)
        with run.about_function():
            run.annotate(reconcile_requested_at="rotated")
    run.until_sent(NEW_VALUE)
    with run.about_function():
        run.until(lambda found: found["status"].get("lastHandledReconcileAt") == "rotated", "the request is answered")
        run.until_ready()


def serving_second_with_tags(run: FollowedRun) -> None:
    """Begin with a second version that serves, the first one in the history, and tags on both."""
    serving_with_tags(run)
    image(run)


def back_with_tags(run: FollowedRun) -> None:
    with run.about_function():
        run.edit(template={"containerImage": FIRST}, tags=["team:b"])
    run.until_rolled_out()


def delete_both(run: FollowedRun) -> None:
    with run.about_function():
        version = run.get()["status"]["latest"]["versionId"]
    # The CloudFunction is seen to wait for it, however fast the other deletion is.
    run.simulator.fault(operation="deleteDeployment", functionVersionId=version, delay=3, count=1)
    run.delete_both()
    run.until_both_gone()


def back(run: FollowedRun) -> None:
    run.push(FIRST)
    run.until_rolled_out()


def failing(run: FollowedRun) -> None:
    run.push(SECOND)
    run.until_versions(2)
    run.simulator.instance_behaviour(run.registered()[2], outcome="fail", error="bad image")
    run.until(lambda found: "failed" in found["status"] and not found["status"].get("retiring"), "it is given up")
    run.until_registered()


def lost(run: FollowedRun) -> None:
    run.lose_answer()
    run.push(SECOND)
    with run.about_function():
        run.until_reason("AwaitingRegistration")
    run.until_rolled_out()


def image_and_gpu(run: FollowedRun) -> None:
    with run.commit("the image changes, and then the GPU"):
        run.push(SECOND)
        run.scale(gpu="H100", instanceType="NCP.GPU.H100_1x")
    run.until_rolled_out()


def gpu_and_image(run: FollowedRun) -> None:
    with run.commit("the GPU changes, and then the image"):
        run.scale(gpu="H100", instanceType="NCP.GPU.H100_1x")
        run.push(SECOND)
    run.until_rolled_out()


FOLLOWED_SCENARIOS: Mapping[str, FollowedScenario] = {
    "create": FollowedScenario("Both manifests are applied.", create, nothing, 1, 4),
    "image": FollowedScenario("The image changes: another version is rolled out.", image, serving, 1, 3),
    "back": FollowedScenario("The template goes back to that of the former version.", back, serving_second, 0, 1),
    "failing": FollowedScenario("The image changes, and its version does not come up.", failing, serving, 1, 2),
    "lost": FollowedScenario("The answer to the registration of a version is lost.", lost, serving, 1, 4),
    "image-and-gpu": FollowedScenario("Image and GPU change in one commit.", image_and_gpu, serving, 1, 3),
    "collect": FollowedScenario(
        "The history is to keep no version: the former one is deleted.",
        collect,
        serving_second,
        registrations=0,
        writes=3,
        deletions=1,
        rolls_out=False,
    ),
    "tags": FollowedScenario("The tags change.", tags, serving_with_tags, 0, 1, changes=1, rolls_out=False),
    "secret": FollowedScenario(
        "The value of a secret changes.", rotate, serving_with_secret, 0, 1, changes=1, rolls_out=False
    ),
    "back-with-tags": FollowedScenario(
        "The template goes back to that of the former version, and the tags change.",
        back_with_tags,
        serving_second_with_tags,
        registrations=0,
        writes=2,
        changes=2,
    ),
    "delete-both": FollowedScenario(
        "Both resources are deleted.",
        delete_both,
        serving,
        registrations=0,
        writes=4,
        deletions=1,
        rolls_out=False,
        settings={"redeploy_settle_seconds": 4.0},  # so that it is reported, however busy the machine is
    ),
    "gpu-and-image": FollowedScenario("GPU and image change in one commit.", gpu_and_image, serving, 1, 3),
}

FOLLOWED_CRASHES = ("delete-both",)
"""What is crashed at each call. The crashes of rollouts are those of `test_crash_points`, and those of registering,
collecting and changing those of `FUNCTION_SCENARIOS`."""
