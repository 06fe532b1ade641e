"""What a manifest says where it is odd: words in annotations, and a manifest that cannot be read whole.

A deletion goes on though the manifest cannot be read whole, as after a downgrade below a newer CRD. The status has the
ids, so it needs little of the manifest. What is missing of that little is not guessed where a guess could undeploy what
was to stay, or send a key where it does not belong.

A switch is `true` or `false`, in any case of letters and whatever blanks are around it. Nothing else is guessed at, for
a guess would undeploy, or go on writing, against somebody's will; but nothing is ignored without a word either.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from nvcf_client import keys
from nvcf_client.text import shorten
from nvcf_operator.api import names
from nvcf_operator.api.spec import (
    AdoptionPolicy,
    DeploymentSpecification,
    FunctionDeploymentSpec,
    OnDrainTimeout,
    UndeploySpec,
)
from nvcf_operator.api.status import FunctionDeploymentStatus

NEEDED = ("deletionPolicy", "managementPolicy", "credentials")
"""What says whether anything is undeployed at all, and by which key."""

CAREFUL = {
    "undeploy": UndeploySpec(graceful=True, on_drain_timeout=OnDrainTimeout.WAIT),
    "adoptionPolicy": AdoptionPolicy.REFUSE,
}
"""What counts where these cannot be read: no queued request is lost, and nobody else's deployment is touched."""

ONE = DeploymentSpecification(gpu="unreadable", min_instances=1, max_instances=1)
"""In place of a specification that cannot be read: NVCF may have been asked for instances of it."""


def salvaged(
    stored: Mapping[str, Any], status: FunctionDeploymentStatus, *, lost: bool
) -> FunctionDeploymentSpec | None:
    """As much of a manifest as its deletion needs; None where even that cannot be read.

    Args:
        stored: the manifest as the API server holds it.
        status: the record, which knows the ids if the manifest does not hold them.
        lost: whether nothing is on record, so that only the manifest says what may be deployed.

    """
    read, unreadable = readable(FunctionDeploymentSpec, stored)
    if unreadable & set(NEEDED):
        return None
    aliases = {info.alias or name: name for name, info in FunctionDeploymentSpec.model_fields.items()}
    read |= {aliases[alias]: value for alias, value in CAREFUL.items() if alias in unreadable}
    if read.get("function_ref") is None:
        if read.get("function_id") is None:
            read["function_id"] = status.function_id
        if read.get("function_version_id") is None:
            read["function_version_id"] = None if lost else status.function_version_id or ""
        if not read["function_id"] or read["function_version_id"] is None:
            return None
    read.setdefault("deployment_specifications", (ONE,) * _count(stored))
    return FunctionDeploymentSpec.model_construct(**read)


def readable(model: type[BaseModel], stored: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """What of a manifest can be read, field by field, and the names in the cluster of the fields that cannot."""
    read: dict[str, Any] = {}
    unreadable: set[str] = set()
    for name, info in model.model_fields.items():
        alias = info.alias or name
        if alias not in stored:
            continue
        try:
            read[name] = TypeAdapter(info.rebuild_annotation()).validate_python(stored[alias])
        except ValidationError:
            unreadable.add(alias)
    return read, frozenset(unreadable)


def _count(stored: Mapping[str, Any]) -> int:
    specifications = stored.get("deploymentSpecifications")
    return len(specifications) if isinstance(specifications, list) else 1


MOST_SHOWN = 32
"""Characters of a word that are shown."""

IGNORED: Mapping[str, str] = {
    names.PAUSED_ANNOTATION: "so it is ignored, and the operator is not paused by it",
    names.FORCE_DELETE_ANNOTATION: "so it is ignored, and releases nothing",
}
"""Our switches, with what comes of a word that is neither true nor false."""

TOKENS = (
    names.RECONCILE_REQUESTED_ANNOTATION,
    names.REDEPLOY_REQUESTED_ANNOTATION,
    names.NEW_VERSION_REQUESTED_ANNOTATION,
    names.NEW_FUNCTION_REQUESTED_ANNOTATION,
)


def is_true(word: str | None) -> bool:
    """Whether the value of an annotation says yes."""
    return word is not None and _plain(word) == "true"


def ignored(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each of our annotations whose value says nothing: what stands there, and what would count."""
    odd = [
        f'The annotation {name} is "{_shown(annotations[name])}": only "true" and "false" count, {effect}.'
        for name, effect in IGNORED.items()
        if name in annotations and _plain(annotations[name]) not in ("true", "false")
    ]
    empty = [
        f"The annotation {name} is empty, so it requests nothing: set it to a new value, such as the current time."
        for name in TOKENS
        if annotations.get(name) == ""
    ]
    return (*odd, *empty)


def _plain(word: str) -> str:
    return word.strip().lower()


def _shown(word: str) -> str:
    return shorten(keys.redacted(word), MOST_SHOWN)
