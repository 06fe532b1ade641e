"""Builds the parts that serve CloudFunctions."""

from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.accounts.registry import Accounts
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.informer.deployment_digests import DEPLOYMENTS
from nvcf_operator.informer.function_digests import functions
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.context import Environment
from nvcf_operator.reconcile.functions.context import FunctionClaims, FunctionEnvironment
from nvcf_operator.reconcile.functions.observe import FunctionObserver
from nvcf_operator.reconcile.functions.orphans import FunctionOrphans
from nvcf_operator.reconcile.functions.register import REMEMBERED
from nvcf_operator.reconcile.functions.secrets import SecretReader, SecretsDue
from nvcf_operator.reconcile.functions.stages import FunctionStages
from nvcf_operator.reconcile.ports import SecretStore
from nvcf_operator.runtime.crd_fields import CrdFields
from nvcf_operator.settings import Settings
from nvcf_operator.state.deployments import PresenceHistory
from nvcf_operator.state.function_state import SentRegistrations

CACHED = {
    FUNCTION_DEPLOYMENT: DEPLOYMENTS,
    CLOUD_FUNCTION: functions(CloudFunction.read, FollowedFunction.read),
}
"""What is cached of each kind."""


class FunctionParts:
    """The parts.

    Args:
        settings: the operator's.
        deployments: what the stages of FunctionDeployments share.
        accounts: the accounts in use.
        resolver: finds API keys.
        secrets: reads Secrets.
        metrics: of the operator.
        kube: the API server, also for a replica that does not lead.

    """

    def __init__(
        self,
        settings: Settings,
        deployments: Environment,
        accounts: Accounts,
        resolver: Resolver,
        secrets: SecretStore,
        metrics: Metrics,
        kube: KubeClient,
    ) -> None:
        self.crd_fields = CrdFields(
            kube,
            kind=CLOUD_FUNCTION,
            recorded=REMEMBERED,
            shown=lambda fields: metrics.crd_lacks(fields, CLOUD_FUNCTION),
        )
        self.environment = FunctionEnvironment(
            deployments.cluster,
            deployments.clock,
            deployments.version_writes,
            FunctionClaims(deployments.cluster, accounts),
            deployments.presence,
            PresenceHistory(settings.redeploy_settle_seconds, settings.nvcf_rate),
            SentRegistrations(),
            deployments.up_to_date,
        )
        reader = SecretReader(secrets, SecretsDue(settings.secret_resync_interval))
        self.orphans = FunctionOrphans(self.environment, metrics, pause=settings.busy_poll_interval)
        self.stages = FunctionStages(
            self.environment,
            FunctionObserver(settings, self.environment, accounts, resolver, reader),
            self.orphans,
            reader,
            metrics,
            unrecorded=lambda: self.crd_fields.unrecorded,
        )

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        self.environment.versions.prune(now)
        self.environment.sent.prune(now)
        cluster = self.environment.cluster
        self.environment.up_to_date.prune(lambda key: cluster.version(key) is not None)
