"""The operator of the stories with the stages of CloudFunctions beside those of FunctionDeployments."""

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.accounts.registry import Accounts
from nvcf_operator.api.names import CLOUD_FUNCTION, Key, Kind
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.secrets import Secrets
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.stages import AnyStages
from nvcf_operator.runtime.functions import CACHED, FunctionParts
from tests.property.cluster_model import Cluster
from tests.property.function_writes import DeploymentAsked, FunctionWrite
from tests.property.nvcf_api import Door
from tests.property.nvcf_model import Account as Model
from tests.property.operator_process import SETTINGS, OperatorProcess
from tests.property.registry_api import RegistryDoor
from tests.property.registry_model import Registry


class BothKinds(OperatorProcess):
    """One operator process that serves both kinds."""

    rules: ClassVar[Any] = CACHED

    def __init__(self, cluster: Cluster, nvcf: Model, registry: Registry) -> None:
        self.registry = registry
        self.function_writes: list[FunctionWrite] = []
        self.deployments_asked: list[DeploymentAsked] = []
        """What was true of the version at each of `writes`."""
        super().__init__(cluster, nvcf)

    def _open_door(self, account: Account) -> Door:
        self.door = RegistryDoor(account, self.nvcf, self.cluster, self, self.registry)
        self.door.written, self.door.asked = self.function_writes, self.deployments_asked
        return self.door

    def _interests(self) -> Iterable[Interest]:
        found = self.cache.poll_keys(CLOUD_FUNCTION)
        keys = [item for item in found if isinstance(item, FunctionPollKey)]
        return [Interest(item.mark_uid, item.name, item.function_id) for item in keys]

    def _other_stages(self, metrics: Metrics) -> dict[Kind, AnyStages]:
        self.parts = FunctionParts(
            SETTINGS,
            self.environment,
            cast("Accounts", self),
            cast("Resolver", self),
            Secrets(cast("KubeClient", self.kube), clock=lambda: self.nvcf.now),
            metrics,
            cast("KubeClient", self.kube),
        )
        return {CLOUD_FUNCTION: self.parts.stages}

    async def _reconcile(self, key: Key, priority: Any) -> None:
        await super()._reconcile(key, priority)
        self.parts.prune(self.nvcf.now)
