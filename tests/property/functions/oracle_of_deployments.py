"""The invariants of changes in place, held against each change of a deployment of the same version."""

from collections.abc import Iterator
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.property.chance import Write
from tests.property.function_writes import DeploymentAsked
from tests.property.functions import wanted
from tests.property.operator_process import SETTINGS
from tests.property.secrets_model import SecretStore

SEEN = 2 * SETTINGS.poll_interval
"""Seconds after which the operator has seen what others have done to a version."""

READ = 1.5 * SETTINGS.secret_resync_interval
"""The same, of what users have done to a Secret."""


def of_deployment(write: Write, asked: DeploymentAsked, store: SecretStore) -> Iterator[str]:
    """What is wrong with a change of a deployment, as far as its version is changed in place or should be."""
    what = f"{write.kind} of the deployment of {write.version[-3:]}"
    functions = [obj for key, obj in asked.objects if key.kind == CLOUD_FUNCTION and wanted.holds(obj, write.version)]
    due = asked.row is not None and any(wanted.differs(asked.row, obj, store) for obj in functions)
    # Of another process's change an operator can know only where it finds something to be changed.
    if any(item.process == write.process or due for item in asked.changing):
        yield f"{what} while a change of the version may still be running"
    if write.kind != "POST" or asked.row is None or write.at - asked.row.touched_at <= SEEN:
        return
    for obj in functions:
        if _is_in_order(obj) and (wrong := wanted.differs(asked.row, obj, _as_read(store, write.at))):
            yield f"{what}, whose {' and '.join(wrong)} are not up to date"


def _is_in_order(obj: dict[str, Any]) -> bool:
    """Whether the operator brings versions of a CloudFunction up to date, and says that they are."""
    spec, meta = obj["spec"], obj["metadata"]
    paused = spec.get("suspend") or meta["annotations"].get(names.PAUSED_ANNOTATION) == "true"
    managed = spec.get("managementPolicy", "Manage") == "Manage" and "deletionTimestamp" not in meta
    ready: dict[str, Any] = next((item for item in obj["status"].get("conditions", ()) if item["type"] == "Ready"), {})
    in_order = ready.get("status") == "True" and ready.get("observedGeneration") == meta["generation"]
    return managed and not paused and in_order


def _as_read(store: SecretStore, now: float) -> SecretStore:
    """The Secrets without those that have changed since they were read last."""
    late = {place for at, place, _ in store.before if now - at <= READ}
    return SecretStore({place: item for place, item in store.there.items() if place not in late})
