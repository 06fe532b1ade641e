"""Secrets of a function as a team keeps them: in Secrets that allow it, which the operator may read by a Role."""

import base64
from typing import Any

from tests.support.cluster import Namespace

SERVICE_ACCOUNT = {"kind": "ServiceAccount", "name": "nvcf-operator", "namespace": "nvcf-operator-system"}

NAME = "llama-secrets"


def allow_reading(namespace: Namespace, *names: str) -> None:
    """Bind the Role by which a team lets the operator read Secrets of these names."""
    rbac = "rbac.authorization.k8s.io"
    namespace.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": "nvcf-operator-function-secrets"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": list(names), "verbs": ["get"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "nvcf-operator-function-secrets"},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "nvcf-operator-function-secrets"},
            "subjects": [SERVICE_ACCOUNT],
        },
    )


def put_secret(namespace: Namespace, values: dict[str, bytes | str], *, name: str = NAME, allow: str | None) -> None:
    """Create or replace a Secret with these values."""
    raw = {key: value.encode() if isinstance(value, str) else value for key, value in values.items()}
    annotations = {"nvcf-operator.io/allow-function": allow} if allow is not None else {}
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "annotations": annotations},
            "data": {key: base64.b64encode(value).decode() for key, value in raw.items()},
        }
    )


def taken(name: str, key: str, *, secret: str = NAME, **more: Any) -> dict[str, Any]:
    """An entry of `spec.secrets`."""
    return {"name": name, "secretRef": {"name": secret, "key": key}, **more}
