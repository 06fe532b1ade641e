"""One CloudFunction, and the operator's own loop over models of its two servers."""

import random

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import Account
from tests.property.registry_model import Registry

LLAMA = Key("team", "llama", CLOUD_FUNCTION)
SPEC = {"name": "llama", "template": {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}}


class OneFunction:
    """What a test begins with; nothing has been created yet."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.registry = Registry(self.account)
        self.operator = BothKinds(self.cluster, self.account, self.registry)

    def live(self, seconds: float, chance: Chance | None = None) -> None:
        """Let the operator work, a second at a time."""
        chance = chance or Chance()
        for _ in range(int(seconds)):
            self.cluster.now = self.account.now
            self.operator.look(chance, at_all=True)
            self.account.advance(1.0)
