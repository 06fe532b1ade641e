"""What users and their tools do to objects, beside editing them: copy, restore, replace, strip, forge."""

import copy
from collections.abc import Mapping
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from tests.property.cluster_model import Cluster

Saved = Mapping[str, Any]
"""An object as somebody has saved it once."""


def copied(cluster: Cluster, saved: Saved, key: Key, *, with_status: bool) -> None:
    """Make an object of a saved one, under that name: metadata comes along, and the status if a backup tool does it."""
    meta = saved["metadata"]
    like = {name: meta[name] for name in ("annotations", "finalizers")}
    cluster.create(key, saved["spec"], like | ({"status": saved["status"]} if with_status else {}))


def replaced(cluster: Cluster, key: Key) -> None:
    """`kubectl replace` by the manifest: finalizers and annotations go, the status stays."""
    for annotation in list(cluster.objects[key]["metadata"]["annotations"]):
        cluster.annotate(key, annotation, None)
    cluster.set_finalizers(key, [])


def applied(cluster: Cluster, key: Key, saved: Saved) -> None:
    """`kubectl apply` of a saved copy: spec, annotations and finalizers are as they were then."""
    meta = cluster.objects[key]["metadata"]
    for annotation, value in saved["metadata"]["annotations"].items():
        if meta["annotations"].get(annotation) != value:
            cluster.annotate(key, annotation, value)
    cluster.edit(key, **saved["spec"])
    if "deletionTimestamp" not in meta:
        cluster.set_finalizers(key, list(saved["metadata"]["finalizers"]))


def stripped(cluster: Cluster, key: Key) -> None:
    """Take our finalizer off."""
    left = [name for name in cluster.objects[key]["metadata"]["finalizers"] if name != names.FINALIZER]
    cluster.set_finalizers(key, left)


def forced_away(cluster: Cluster, key: Key) -> None:
    """Strip and delete in one go."""
    cluster.objects[key]["metadata"]["finalizers"] = []
    cluster.delete(key)


def drain_forged(cluster: Cluster, key: Key, version: str, deployment_id: str | None) -> None:
    """Put a drain into the status, as an old backup does."""
    forged = {"functionVersionId": version, "since": "2026-01-31T10:00:00Z", "deadline": "2026-01-31T11:00:00Z"}
    forged |= {"deploymentId": deployment_id} if deployment_id else {}
    status = copy.deepcopy(cluster.objects[key]["status"])
    others = [item for item in status.get("retiring", []) if item["functionVersionId"] != version]
    cluster.set_status(key, status | {"retiring": [*others, forged]})
