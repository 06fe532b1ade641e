"""A run about a CloudFunction and the FunctionDeployment that follows it, and what happens to the two."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from tests.chaos.environment import NAME
from tests.chaos.function_runs import NEW_VALUE, OLD_VALUE, FunctionRun
from tests.support.cluster import condition_of, follower, resource_path
from tests.support.function_secrets import taken
from tests.support.functions import REGISTRATIONS

Json = dict[str, Any]

FIRST, SECOND, THIRD = (f"nvcr.io/org/llama:1.{number}" for number in range(3))
"""Images."""


class FollowedRun(FunctionRun):
    """One run. What is said of the resource is said of the FunctionDeployment, unless it is `about_function`.

    Attributes:
        function_uid: of the CloudFunction.

    """

    kind = FUNCTION_DEPLOYMENT
    end = "Undeployed"
    function_uid = ""

    @contextmanager
    def about_function(self) -> Iterator[None]:
        """Have everything in here concern the CloudFunction."""
        uid, self.uid = self.uid, self.function_uid
        self.kind, self.end = CLOUD_FUNCTION, "Deleted"
        try:
            yield
        finally:
            self.function_uid, self.uid = self.uid, uid
            self.kind, self.end = FUNCTION_DEPLOYMENT, "Undeployed"

    @contextmanager
    def commit(self, what: str) -> Iterator[None]:
        """Note all that is done in here as one step."""
        self._did(what)
        steps = len(self.steps)
        yield
        del self.steps[steps:]

    def register(self, **spec: Any) -> None:
        """Apply the CloudFunction."""
        with self.about_function():
            super().register(template={"containerImage": FIRST}, **spec)

    def follow(self, **spec: Any) -> None:
        """Apply the FunctionDeployment."""
        self._did("the manifest of the deployment is applied")
        self.kube.create(resource_path(self.namespace), follower(NAME, **spec))

    def push(self, image: str) -> None:
        """Change the image of the template."""
        with self.about_function():
            self._did(f"the image is {image}")
            self._merge({"spec": {"template": {"containerImage": image}}})

    def until_registered(self) -> Json:
        """Wait until the CloudFunction is Ready."""
        with self.about_function():
            return self.until_ready()

    def until_reason(self, reason: str) -> Json:
        """Wait for a reason of Ready."""
        return self.until(lambda found: condition_of(found, "Ready").get("reason") == reason, reason)

    def until_rolled_out(self) -> None:
        """Wait until the latest version of the CloudFunction serves alone, and is on record as one that served."""
        latest = self.until_registered()["status"]["latest"]["versionId"]

        def alone(found: Json) -> bool:
            status = found["status"]
            ready = condition_of(found, "Ready").get("status") == "True"
            return ready and status.get("functionVersionId") == latest and not status.get("retiring")

        self.until(alone, f"{latest} serves alone")
        with self.about_function():
            self.until(lambda found: bool(found["status"]["versions"][0].get("served")), f"{latest} has served")

    def until_followed(self) -> None:
        """Wait until both are Ready, and the FunctionDeployment has taken the CloudFunction's generation."""
        generation = self.until_registered()["metadata"]["generation"]

        def followed(found: Json) -> bool:
            ready = condition_of(found, "Ready").get("status") == "True"
            taken: Json = found["status"].get("functionRef", {})
            return ready and bool(taken.get("generation") == generation)

        self.until(followed, f"generation {generation} is followed")

    def until_told(self) -> None:
        """Wait for the Events of how both stand."""
        super().until_told()
        if self.kind is FUNCTION_DEPLOYMENT:
            with self.about_function():
                super().until_told()

    def lose_answer(self) -> None:
        """Have the answer to the next registration lost, which NVCF carries out nevertheless."""
        function = self.registered()[0]
        self.happens("the answer to the next registration is lost").fault(
            operation="createVersion", functionId=function, count=1, when="during", delay=0.1, reset=True
        )

    @property
    def functions(self) -> tuple[str, ...]:
        """The function that the operator registered."""
        return tuple(self.registered()[:1])

    def delete_both(self) -> None:
        """Delete both resources, the FunctionDeployment first: what the other one reports of it is the same then."""
        with self.commit("both resources are deleted"):
            self.delete()
            with self.about_function():
                self.delete()

    def until_both_gone(self) -> None:
        """Wait until both resources are gone."""
        self.until_gone()
        with self.about_function():
            self.until_gone()

    def registered(self) -> list[str]:
        """The function and its versions, as they were registered; those that are gone again among them."""
        asked = [entry for entry in self.asked(self.cursor) if entry["operation"] in REGISTRATIONS]
        made = [str(entry["functionVersionId"]) for entry in asked if entry["committed"] is not None]
        return [str(asked[0]["functionId"]), *made]

    def more_ids(self) -> Mapping[str, str]:
        """Names for what the operator registered, and for the CloudFunction."""
        function, *versions = self.registered()
        named = {version: f"<version-{number}>" for number, version in enumerate(versions, 1)}
        uid = self.function_uid
        return {
            function: "<function>",
            uid: "<uid of the function>",
            uid.replace("-", ""): "<uid of the function>",
        } | named

    def clean_up(self) -> None:
        """End the operator and take away what the run made."""
        super().clean_up()
        with self.about_function():
            if self.find() is not None:
                self.kube.delete(self.path)
                self.kube.merge(self.path, {"metadata": {"finalizers": None}})


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
