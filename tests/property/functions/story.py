"""Stories about CloudFunctions and the FunctionDeployments that refer to them."""

import random

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.property.chance import Chance
from tests.property.functions.adoption import Adoption
from tests.property.functions.deployments import Deployments
from tests.property.functions.hindrances import Hindrances
from tests.property.functions.in_place import InPlace
from tests.property.functions.manifests import IMAGES
from tests.property.functions.outsiders import Outsiders
from tests.property.functions.secrets import Secrets


class FunctionStory(Deployments, InPlace, Secrets, Adoption, Outsiders, Hindrances):
    """What can happen to functions, versions, and what refers to them."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.account.chance = random.Random(seed)
        self._create(0, IMAGES[0], None, 1, Chance())
        self._follow(0, 0, None, Chance())
