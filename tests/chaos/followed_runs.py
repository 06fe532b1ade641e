"""A run about a CloudFunction and the FunctionDeployment that follows it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from tests.chaos.environment import NAME
from tests.chaos.function_runs import FunctionRun
from tests.support.cluster import condition_of, follower, resource_path
from tests.support.functions import REGISTRATIONS

Json = dict[str, Any]

FIRST, SECOND = (f"nvcr.io/org/llama:1.{number}" for number in range(2))
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

    def until_reported(self) -> None:
        """Wait for the Events of how both stand."""
        super().until_reported()
        if self.kind is FUNCTION_DEPLOYMENT:
            with self.about_function():
                super().until_reported()

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
