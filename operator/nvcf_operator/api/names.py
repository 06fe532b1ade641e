"""The names by which the cluster knows the resources. None may ever change: manifests and other tools contain them."""

from typing import NamedTuple

GROUP = "nvcf-operator.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "nvcf"


class Kind(NamedTuple):
    """The names of one kind of resource; all kinds are of the same group and version."""

    name: str
    plural: str
    singular: str
    short_name: str
    finalizer: str
    """Held exactly while the resource is managed, has deletionPolicy Delete and holds, or may hold, something in NVCF.
    """

    @property
    def crd_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    def __str__(self) -> str:
        return self.name


FUNCTION_DEPLOYMENT = Kind(
    name="FunctionDeployment",
    plural="functiondeployments",
    singular="functiondeployment",
    short_name="fd",
    finalizer=f"{GROUP}/undeploy",
)

CLOUD_FUNCTION = Kind(
    name="CloudFunction",
    plural="cloudfunctions",
    singular="cloudfunction",
    short_name="cf",
    finalizer=f"{GROUP}/function",
)

KINDS = (FUNCTION_DEPLOYMENT, CLOUD_FUNCTION)
"""All kinds."""

KIND = FUNCTION_DEPLOYMENT.name
PLURAL = FUNCTION_DEPLOYMENT.plural
SHORT_NAME = FUNCTION_DEPLOYMENT.short_name
CRD_NAME = FUNCTION_DEPLOYMENT.crd_name
FINALIZER = FUNCTION_DEPLOYMENT.finalizer

RECONCILE_REQUESTED_ANNOTATION = f"{GROUP}/reconcile-requested-at"
"""A user's token: reconcile now. Answered in `status.lastHandledReconcileAt`."""

REDEPLOY_REQUESTED_ANNOTATION = f"{GROUP}/redeploy-requested-at"
"""A user's token: undeploy gracefully and deploy again, once. Answered in `status.lastHandledRedeployAt`."""

NEW_VERSION_REQUESTED_ANNOTATION = f"{GROUP}/new-version-requested-at"
"""A user's token: register another version, as for a moved image tag. Answered in `status.lastHandledNewVersionAt`."""

NEW_FUNCTION_REQUESTED_ANNOTATION = f"{GROUP}/new-function-requested-at"
"""A user's token: create another function in place of one that is gone. Answered in `lastHandledNewFunctionAt`."""

SECRETS_REQUESTED_ANNOTATION = f"{GROUP}/secrets-requested-at"
"""A user's token: send all secrets again, once. Answered in `status.lastHandledSecretsAt`."""

ALLOW_FUNCTION_ANNOTATION = f"{GROUP}/allow-function"
"""On a Secret: the CloudFunction that its values may be sent for, or `*`."""

PAUSED_ANNOTATION = f"{GROUP}/paused"
"""`"true"`: no NVCF write, as `spec.suspend`, but out of the reach of a GitOps self-heal."""

FORCE_DELETE_ANNOTATION = f"{GROUP}/force-delete"
"""`"true"`: release the finalizer without NVCF; honoured where it was set after DeletionBlocked became True."""

DEFAULT_SECRET_NAME = "nvcf-credentials"
"""The Secret of the resource's namespace that is read when the manifest names none."""

DEFAULT_SECRET_KEY = "NGC_API_KEY"
"""The key of a Secret that holds the NVCF API key."""


class Key(NamedTuple):
    """Namespace, name and kind of one resource. As text, the kind is only named where it is no FunctionDeployment."""

    namespace: str
    name: str
    kind: Kind = FUNCTION_DEPLOYMENT

    @property
    def fields(self) -> dict[str, str]:
        """Its parts by name, for log lines; the kind only where it is no FunctionDeployment."""
        kind = {} if self.kind == FUNCTION_DEPLOYMENT else {"kind": self.kind.name}
        return {"namespace": self.namespace, "name": self.name, **kind}

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}"
        return place if self.kind == FUNCTION_DEPLOYMENT else f"{self.kind} {place}"
