"""Fields of ours that the cluster does not keep, as under a CRD that is older than the operator.

The API server drops each field that the CRD's schema does not have, and answers with 200. A deployment that was asked
for without a durable record could be asked for twice, so what must be remembered is compared with what was stored.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from nvcf_operator.api.crd import crd
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Kind
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.decision import Purpose, Undeploy
from nvcf_operator.core.model.observed import Present
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.rules.record import Record


def members_of(record: type[Any], status: type[BaseModel]) -> frozenset[str]:
    """Members of a status that no POST is made without, where they are to be written: the uid, and those of a record.

    Args:
        record: a dataclass whose members are those of the status.
        status: the model of the status.

    """
    return frozenset(status.model_fields[name].alias or name for name in ("uid", *record.__dataclass_fields__))


RECORDED = members_of(Record, FunctionDeploymentStatus) - {"functionRef"}
"""Those of a FunctionDeployment's. A CRD that lacks `status.functionRef` has no references that it could record."""

_ONLY_SHOWN = frozenset({"status.retiring[].queuedRequests"})
"""Within what must be remembered, what users only read."""

_ANYTHING = "x-kubernetes-preserve-unknown-fields"

MOST_NAMED = 8
"""Fields that a text names; an old CRD can lack many."""


def not_kept(
    status: Mapping[str, Any], stored: Mapping[str, Any], *, recorded: frozenset[str] = RECORDED
) -> tuple[str, ...]:
    """Paths of what the operator must remember and the stored status lacks, or has otherwise.

    Args:
        status: as it was written, in the cluster's form.
        stored: as the API server answered.
        recorded: the members that must be kept.

    """
    record = {name: value for name, value in status.items() if name in recorded}
    return tuple(path for path in dict.fromkeys(_lost(record, stored, "status")) if path not in _ONLY_SHOWN)


def lacking(schema: Mapping[str, Any], kind: Kind = FUNCTION_DEPLOYMENT) -> tuple[str, ...]:
    """Paths of the fields that the operator knows and the cluster's schema lacks, those of the status first.

    Args:
        schema: of the kind, as the API server publishes it (OpenAPI v3).
        kind: the kind.

    """
    ours = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    served = schema.get("properties") or {}
    return tuple(path for name in ("status", "spec") for path in _lacking(ours[name], served.get(name), name))


def is_recorded(path: str, recorded: frozenset[str] = RECORDED) -> bool:
    """Whether a path is of something that the operator must remember, so that nothing is deployed without it."""
    first, _, rest = path.partition(".")
    if path in _ONLY_SHOWN:
        return False
    return first == "status" and (not rest or rest.partition(".")[0].removesuffix("[]") in recorded)


def makes_way(situation: Situation, action: Undeploy) -> bool:
    """Whether a version is undeployed so that one can be asked for afterwards, and not for good."""
    resource = situation.resource
    if resource.deleting:
        return False
    if action.purpose in (Purpose.REDEPLOY, Purpose.REQUESTED, Purpose.FAILED):
        return True
    deployed = isinstance(situation.observation(resource.wanted_version), Present)
    return action.purpose == Purpose.GONE and not deployed


def named(paths: Iterable[str]) -> str:
    """The paths as a text of bounded length."""
    known = tuple(paths)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return ", ".join(known[:MOST_NAMED]) + more


def _lost(wanted: Any, stored: Any, path: str) -> Iterable[str]:
    if isinstance(wanted, Mapping) and isinstance(stored, Mapping):
        for name, value in wanted.items():
            yield from _lost(value, stored.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        for value, found in zip(wanted, stored, strict=True):
            yield from _lost(value, found, f"{path}[]")
    elif isinstance(wanted, str) and isinstance(stored, str) and not wanted.isascii():
        return  # a server's words, of which half a character comes back as another one
    elif wanted != stored:
        yield path


def _lacking(ours: Mapping[str, Any], served: Any, path: str) -> Iterable[str]:
    if not isinstance(served, Mapping):
        yield path
        return
    if served.get(_ANYTHING):
        return
    if "items" in ours:
        yield from _lacking(ours["items"], served.get("items"), f"{path}[]")
    for name, field in (ours.get("properties") or {}).items():
        yield from _lacking(field, (served.get("properties") or {}).get(name), f"{path}.{name}")


NEWER_CRD = "Install the CRD of this version: kubectl apply -k crds, or nvcf-operator crd | kubectl apply -f -"


def crd_is_older(fields: str) -> str:
    """The API server drops a part of what the operator writes into the status, or would drop it.

    Args:
        fields: what is dropped, as paths.

    """
    return (
        f"The cluster drops {fields}, where the operator records what it requests from NVCF, so it requests no "
        "deployment: after a crash it might request it twice. The CustomResourceDefinition is older than the operator "
        f"(or a webhook changes the status). {NEWER_CRD}. The operator retries with backoff, at most 5 minutes apart."
    )
