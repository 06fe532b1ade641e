"""What is probably wrong, for whoever wrote it: a specification that NVCF cannot place, an API key that it refuses.

NVCF selects clusters that have the GPU, are among `clusters` and `regions`, and have all `attributes`. Where none is
left, or none has a free GPU, it says so by GPU and instance type alone (facts on NVCF, section 5).

No hint shows a part of a key.
"""

import base64
import codecs
import re
from collections.abc import Sequence
from dataclasses import replace

from nvcf_client.errors import NvcfError, Rejected
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.diff.equality import named
from nvcf_operator.core.situation import Failure

STATUSES = frozenset({400, 409})

FIELDS = ("gpu", "instanceType", "backend", "clusters", "regions", "attributes")

MOST_SPECIFICATIONS, MOST_NAMES, MOST_CHARACTERS = 3, 5, 300


def explained(failure: Failure, error: NvcfError, wanted: Sequence[DeploymentSpecification]) -> Failure:
    """The failure of a refused POST, with what of the manifest may be meant where NVCF names a GPU or instance type."""
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


_QUOTES = ('"', "'", "`")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^=]")
_LOOKS_LIKE_KEY = re.compile(r"\s*[\"']?(nvapi-|eyJ)")


def oddity(key: str) -> str | None:
    """What looks like a mistake in a key that NVCF refuses, and what to do; None if nothing does.

    It is for whoever wrote the key, and shows no part of it. No key is refused because of it.
    """
    if key.startswith(_QUOTES) or key.endswith(_QUOTES):
        return "the key is enclosed in quotation marks, which are sent with it; remove them"
    if key.startswith("$"):
        return "the key begins with $, like a variable that was not replaced; put the key itself there"
    if _ASSIGNMENT.match(key):
        return "the key begins with a name and =, like a line of an env file; put only what follows there"
    if _LOOKS_LIKE_KEY.match(_decoded(key)):
        return "the key is base64 of a key, encoded once too often; use stringData of the Secret, or encode it once"
    return None


def not_ascii(raw: bytes) -> str:
    """What bytes are that are no ASCII text, as far as that can be seen without showing them."""
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it begins with a byte order mark, as some editors write it, and is not ASCII text"
    return "not ASCII text"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_" if set("-_") & set(text) else None, validate=True).decode("ascii")
    except ValueError:
        return ""
