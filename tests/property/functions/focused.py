"""Stories of functions about one thing, in which a bug shows soon."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.chance import Chance
from tests.property.functions.deployments import gpu
from tests.property.functions.manifests import IMAGES, TEMPLATE, revision, which
from tests.property.functions.secrets import SECRETS
from tests.property.functions.story import FunctionStory
from tests.property.nvcf_model import GPU
from tests.property.registry_model import Version
from tests.property.story_runs import focused

Registrations = focused("Registrations", ("change_template", "lose_answers", "wait", "die", "request"), FunctionStory)
"""POSTs whose answer is lost, and what becomes of them."""

Duplicates = focused("Duplicates", ("change_template", "lose_answers", "wait", "die", "follow"), FunctionStory)
"""The same, where no version is asked for besides."""

Owners = focused(
    "Owners",
    ("change_template", "follow", "wipe_a_mark", "delete", "wait", "change_policy", "change_deployment"),
    FunctionStory,
)
"""Versions that are not ours when others are deleted."""

Users = focused("Users", ("change_template", "follow", "delete"), FunctionStory)
"""CloudFunctions that are deleted while FunctionDeployments follow them."""


class Failures(FunctionStory):
    """What can happen, and rollouts that fail."""

    @rule(which=which, pin=revision)
    def roll_out_what_fails(self, which: int, pin: str | None) -> None:
        """Leave a version that is on record and not deployed."""
        self.change_template(which, IMAGES[3], pin, None, Chance())
        self.change_deployment(which, pin, "L40S", Chance())
        self._step("600 s pass", Chance(), 600)


Failed = focused("Failed", ("roll_out_what_fails", "change_template", "change_deployment", "wait"), Failures)
"""Versions in use that nothing is deployed of."""

Templates = focused(
    "Templates", ("write_a_default_out", "change_template", "change_both", "wait", "change_policy"), FunctionStory
)
"""What makes another version, and when a FunctionDeployment takes it."""

Commits = focused("Commits", ("lose_answers", "change_both", "wait"), FunctionStory)
"""An image and a GPU in one commit, also while the registration is slow."""

Losses = focused("Losses", ("delete_a_version_outside", "change_template", "wait", "delete"), FunctionStory)
"""Versions that somebody else deletes."""

Tags = focused("Tags", ("tag_outside", "wipe_a_mark", "change_tags", "wait"), FunctionStory)
"""Tags of the manifest and those of others."""

Limits = focused("Limits", ("change_rate_limit", "limit_outside", "wait"), FunctionStory)
"""Rate limits of the manifest and those of others."""


class Unanswered(FunctionStory):
    """What can happen, and calls about one version of which both run on for a while."""

    @rule()
    def tag_without_answer(self) -> None:
        self.registry.slow, self.token = ["lost, runs on"], self.token + 1
        self._edit(self._function(0), Chance(), tags=[f"t{self.token}"])

    @rule(seconds=st.sampled_from([6, 100]), gpu=gpu)
    def deploy_without_answer(self, seconds: float, gpu: str) -> None:
        self._lose_deployments()
        self._change_gpu(0, gpu, Chance())
        self._step(f"{seconds} s pass", Chance(), seconds)


Overlaps = focused("Overlaps", ("tag_without_answer", "deploy_without_answer", "change_template", "wait"), Unanswered)
"""Changes in place and deployments of the same version whose answers are lost."""


class Compact(FunctionStory):
    """What can happen, and some of it in one step, with the time that it takes."""

    @rule()
    def roll(self) -> None:
        """Roll another template out."""
        self._roll(300.0)

    def _roll(self, seconds: float, image: str | None = None) -> None:
        self.token += 1
        template = TEMPLATE | {"containerImage": image or IMAGES[self.token % 3]}
        self._edit(self._function(0), Chance(), template=template, revision=None)
        self._step(f"{seconds:.0f} s pass", Chance(), seconds)

    @rule()
    def roll_after_an_intent(self) -> None:
        """Register another template while the POST of a deployment of the last one may run on."""
        self._lose_deployments("lost, not done")
        self._step("6 s pass, and a restart", Chance(), 6.0)
        self._restart()
        self._roll(200.0)

    @rule()
    def wipe_a_former_mark(self) -> None:
        """Take the mark off a version that has served, and roll others out until it is not kept any more."""
        for item in self._former():
            self.registry.change_outside(item, tags=["somebody's"])
        self._roll(300.0)

    @rule()
    def deploy_a_former_version(self) -> None:
        """Let somebody else deploy a version that has served, and roll others out until it is not kept any more."""
        for item in self._former():
            self.account.post(item.version_id, [GPU], made_for=None)
        self._roll(300.0)

    def _former(self) -> list[Version]:
        """The versions that are not the latest, after a rollout."""
        self._live(60.0, Chance())
        self._roll(300.0)
        latest = {item["versionId"] for item in self.latest.values()}
        return [item for item in self.registry.visible if item.version_id not in latest]

    @rule()
    def tag_while_deploying(self) -> None:
        """Change the tags of a version while the POST of its deployment runs on."""
        self._lose_deployments()
        self._roll(6.0)
        self._edit(self._function(0), Chance(), tags=[f"t{self.token}"])

    @rule()
    def go_back_with_other_tags(self) -> None:
        """Change the tags, and go back to the former template."""
        self._roll(300.0, IMAGES[0])
        self._roll(300.0, IMAGES[1])
        self._edit(self._function(0), Chance(), tags=[f"t{self.token}"])
        self._live(150.0, Chance())
        self._roll(100.0, IMAGES[0])

    @rule(which=which)
    def rotate_without_consent(self, which: int) -> None:
        """Take back the consent, and change the value then."""
        self._provide(which, "*")
        self._edit(self._function(0), Chance(), secrets=[SECRETS[which]])
        self._live(30.0, Chance())
        self._consent(which, None)
        self._live(30.0, Chance())
        self._rotate(which)
        self._step("400 s pass", Chance(), 400.0)

    @rule()
    def rotate_while_sending(self) -> None:
        """Change a value, and once more while the operator sends what it has read."""
        self._provide(0, "*")
        self._edit(self._function(0), Chance(), secrets=list(SECRETS[:1]))
        self._live(90.0, Chance())
        self._rotate(0)
        self._step("400 s pass, and a value changes", Chance(meanwhile="rotate a secret"), 400.0, always=True)

    @rule(policy=st.sampled_from(["Refuse", "Refuse", "Adopt"]), image=st.sampled_from(IMAGES[:2]))
    def meet_a_stranger(self, policy: str, image: str) -> None:
        """Create a CloudFunction of a name that somebody's function has."""
        self._register_outside(1, image, ["theirs"], None, Chance())
        self._create(1, IMAGES[0], None, 1, Chance(), adoptionPolicy=policy)


Deploying = focused("Deploying", ("tag_while_deploying", "wait"), Compact)
"""Deployments whose answers are lost, and changes in place beside them."""

Returns = focused("Returns", ("go_back_with_other_tags",), Compact)
"""Former templates that come back."""

Rotations = focused("Rotations", ("rotate_while_sending", "relabel", "send_all_again"), Compact)
"""Secrets whose values change."""

Names = focused("Names", ("change_secrets", "wait"), Compact)
"""Sets of secrets that change."""

Consents = focused("Consents", ("rotate_without_consent", "change_secrets", "delete_a_secret"), Compact)
"""Secrets that may not be sent."""

Adoptions = focused("Adoptions", ("meet_a_stranger", "adopt", "wait", "delete"), Compact)
"""Functions that were there before."""

Outside = focused("Outside", ("deploy_a_former_version",), Compact)
"""Former versions that somebody else deploys."""

Wiped = focused("Wiped", ("wipe_a_former_mark",), Compact)
"""Former versions that somebody takes the mark off."""

Intents = focused("Intents", ("roll_after_an_intent", "delete", "follow"), Compact)
"""Versions that are in use by an open intent alone."""
