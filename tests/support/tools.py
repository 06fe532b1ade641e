"""What users' tools do to a resource: backups, `kubectl replace`, saved manifests, and force.

None of them knows of the operator, and each writes where it likes: metadata, spec, and status by its subresource.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from nvcf_operator.api import names
from tests.support.cluster import COLLECTIONS, Namespace, resource_path

Json = dict[str, Any]

_KEPT: Final = ("name", "labels", "annotations", "finalizers")
"""Metadata of a copy. What the API server gives an object itself, such as its uid, is not restored by any tool."""


def copy_of(resource: Mapping[str, Any], *, status: bool = False) -> Json:
    """The copy of a resource that a backup holds, or `kubectl get -o yaml` without what names that very object.

    Args:
        resource: as it was read.
        status: whether the copy has the status too, as Velero restores it with `--restore-status`.

    """
    metadata = {name: resource["metadata"][name] for name in _KEPT if name in resource["metadata"]}
    copy: Json = {"apiVersion": resource["apiVersion"], "kind": resource["kind"], "metadata": metadata}
    copy["spec"] = resource["spec"]
    return copy | ({"status": resource["status"]} if status else {})


def create(namespace: Namespace, body: Mapping[str, Any]) -> None:
    """Create an object as it is, as `kubectl create` and Helm's first install do: a POST, which keeps nulls."""
    collection = COLLECTIONS.get(body["kind"], "").format(namespace=namespace.name)
    strict = "fieldManager=kubectl-create&fieldValidation=Strict"
    if not collection or not namespace.plane.change("POST", f"{collection}?{strict}", body):
        namespace.plane.kubectl("-n", namespace.name, "create", "-f", "-", input=json.dumps(body))


def restore(namespace: Namespace, copy: Mapping[str, Any]) -> None:
    """Bring a copy into a namespace as a backup tool does: create it, then write its status if the copy has one."""
    create(namespace, {name: value for name, value in copy.items() if name != "status"})
    if "status" in copy:
        patch_status(namespace, copy["metadata"]["name"], copy["status"])


def replace(namespace: Namespace, body: Mapping[str, Any]) -> None:
    """Put a manifest in the object's place, as `kubectl replace` and `helm upgrade --force` do.

    Finalizers and annotations that the manifest does not have are gone then. The status stays.
    """
    placed = {**body, "metadata": {**body["metadata"], "namespace": namespace.name}}
    namespace.plane.kubectl("-n", namespace.name, "replace", "-f", "-", input=json.dumps(placed))


def patch_status(namespace: Namespace, name: str, status: Mapping[str, Any] | None) -> None:
    """Merge into a resource's status; None removes all of it (the CRD's default comes in its place)."""
    _merge(namespace, name, {"status": status}, "status")


def remove_annotations(namespace: Namespace, name: str, *annotations: str) -> None:
    """Take annotations of our group off; `force_delete` is nvcf-operator.io/force-delete."""
    marks = [f"{names.GROUP}/{annotation.replace('_', '-')}-" for annotation in annotations]
    namespace.plane.kubectl("-n", namespace.name, "annotate", namespace.kind.crd_name, name, *marks)


def strip_finalizers(namespace: Namespace, name: str) -> None:
    """Take all finalizers off, as users do with what hangs in its deletion."""
    _merge(namespace, name, {"metadata": {"finalizers": None}})


def _merge(namespace: Namespace, name: str, body: Mapping[str, Any], subresource: str = "") -> None:
    """Merge into a resource or its subresource; kubectl says why where that is refused."""
    path = "/".join(filter(None, (resource_path(namespace.name, name, namespace.kind), subresource)))
    if not namespace.plane.change("PATCH", f"{path}?fieldManager=kubectl-patch", body, "application/merge-patch+json"):
        what = [f"--subresource={subresource}"] if subresource else []
        namespace.plane.kubectl(
            "-n",
            namespace.name,
            *("patch", namespace.kind.crd_name, name, *what, "--type=merge", "-p", json.dumps(body)),
        )


def force_away(namespace: Namespace, name: str) -> None:
    """Delete a resource and strip its finalizers, so that it is gone whatever the operator has to say."""
    namespace.delete(name)
    strip_finalizers(namespace, name)


def reconcile_now(namespace: Namespace, name: str, *, within: float = 30) -> None:
    """Ask for a reconcile-now and wait until it is answered: the operator has reconciled all that there is by then."""
    token = f"<{secrets.token_hex(4)} & März>"
    namespace.annotate(name, reconcile_requested_at=token)
    namespace.wait_until(
        name,
        lambda found: found["status"].get("lastHandledReconcileAt") == token,
        what="reconcile-now is answered",
        within=within,
    )
