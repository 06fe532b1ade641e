"""What of a manifest a refusal may mean that names a GPU and an instance type, and not the field that is wrong.

NVCF looks for clusters that have the GPU, are among `clusters` and `regions`, and have all `attributes`. Where none is
left, or none has a free GPU, it says so by GPU and instance type alone (facts on NVCF, section 5).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from nvcf_client.errors import NvcfError, Rejected
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.equality import named
from nvcf_operator.core.situation import Failure

STATUSES = frozenset({400, 409})

FIELDS = ("gpu", "instanceType", "backend", "clusters", "regions", "attributes")

MOST_SPECIFICATIONS, MOST_NAMES, MOST_CHARACTERS = 3, 5, 300


def explained(failure: Failure, error: NvcfError, wanted: Sequence[DeploymentSpecification]) -> Failure:
    """The trouble of a refused POST, with what of the manifest may be meant where NVCF names a GPU or instance type."""
    if not isinstance(error, Rejected) or error.status not in STATUSES or not error.formed:
        return failure
    meant = [
        f"deploymentSpecifications[{index}] ({_fields(item)})"
        for index, item in enumerate(wanted)
        if _names(error.detail, item.gpu) or _names(error.detail, item.instance_type)
    ]
    if not meant:
        return failure
    more = f" and {len(meant) - MOST_SPECIFICATIONS} more" if len(meant) > MOST_SPECIFICATIONS else ""
    text = (
        f"{failure.message} The manifest fields that this may refer to: {'; '.join(meant[:MOST_SPECIFICATIONS])}{more}."
    )
    if any(item.clusters or item.regions or item.attributes or item.backend for item in wanted):
        text += (
            " NVCF does not say whether it is a misspelt location, an attribute that no cluster has, or the lack of a "
            "free GPU."
        )
    return replace(failure, message=text)


def _names(text: str, name: str | None) -> bool:
    """Whether a text names something, and not something longer that begins or ends alike."""
    if name is None or not name.strip():
        return False
    return re.search(rf"(?<![\w.-]){re.escape(name.strip())}(?!\.?[\w-])", text, re.IGNORECASE) is not None


def _fields(specification: DeploymentSpecification) -> str:
    given = specification.to_dict()
    shown = []
    for field in FIELDS:
        value = given.get(field)
        names = named(value) if isinstance(value, list) else [value] if value else []
        if names:
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            shown.append(f"{field} {', '.join(names[:MOST_NAMES])}{more}")
    text = "; ".join(shown)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
