"""One resource, and the operator's own loop over models of its two servers."""

import random

from nvcf_operator.api.names import Key
from nvcf_operator.settings import Settings
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import FUNCTION, VERSIONS, Account, specifications_of
from tests.property.operator_process import SETTINGS, OperatorProcess


class OneResource:
    """What a test of the loop begins with; nothing has been listed yet."""

    def __init__(self, key: Key, *, settings: Settings = SETTINGS) -> None:
        self.cluster, self.nvcf = Cluster(), Account(random.Random(0))
        self.operator = OperatorProcess(self.cluster, self.nvcf, settings=settings)
        spec = {"functionId": FUNCTION, "functionVersionId": VERSIONS[0]}
        self.cluster.create(key, spec | {"deploymentSpecifications": specifications_of(1, idle=False)})
