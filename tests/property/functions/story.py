"""Stories about CloudFunctions and the FunctionDeployments that refer to them, and those about one thing."""

import random

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.property.chance import Chance
from tests.property.functions.adoption import Adoption
from tests.property.functions.deployments import Deployments
from tests.property.functions.hindrances import Hindrances
from tests.property.functions.in_place import InPlace
from tests.property.functions.manifests import IMAGES, revision, which
from tests.property.functions.outsiders import Outsiders
from tests.property.functions.secrets import Secrets
from tests.property.telling import focused


class FunctionStory(Deployments, InPlace, Secrets, Adoption, Outsiders, Hindrances):
    """What can happen to functions, versions, and what refers to them."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.account.chance = random.Random(seed)
        self._create(0, IMAGES[0], None, 1, Chance())
        self._follow(0, 0, None, Chance())


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
