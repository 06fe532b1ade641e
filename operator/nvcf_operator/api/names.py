"""The names by which the cluster knows the resource. None may ever change: manifests and other tools contain them."""

from typing import NamedTuple

GROUP = "nvcf-operator.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "FunctionDeployment"
PLURAL = "functiondeployments"
SINGULAR = "functiondeployment"
SHORT_NAME = "fd"
CATEGORY = "nvcf"
CRD_NAME = f"{PLURAL}.{GROUP}"

FINALIZER = f"{GROUP}/undeploy"
"""Held exactly while the resource is managed, has deletionPolicy Delete and holds, or may hold, a deployment."""

RECONCILE_REQUESTED_ANNOTATION = f"{GROUP}/reconcile-requested-at"
"""A user's token: reconcile now. Answered in `status.lastHandledReconcileAt`."""

REDEPLOY_REQUESTED_ANNOTATION = f"{GROUP}/redeploy-requested-at"
"""A user's token: undeploy gracefully and deploy again, once. Answered in `status.lastHandledRedeployAt`."""

PAUSED_ANNOTATION = f"{GROUP}/paused"
"""`"true"`: no NVCF write, as `spec.suspend`, but out of the reach of a GitOps self-heal."""

FORCE_DELETE_ANNOTATION = f"{GROUP}/force-delete"
"""`"true"`: release the finalizer without NVCF; honoured where it was set after DeletionBlocked became True."""

DEFAULT_SECRET_NAME = "nvcf-credentials"
"""The Secret of the resource's namespace that is read when the manifest names none."""

DEFAULT_SECRET_KEY = "NGC_API_KEY"
"""The key of a Secret that holds the NVCF API key."""


class Key(NamedTuple):
    """Namespace and name of one FunctionDeployment."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
