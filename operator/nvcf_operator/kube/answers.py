"""What a successful answer of the Kubernetes API has to hold, so that a proxy's JSON is never taken for an object.

Something between the operator and the API server may answer 200 with JSON of its own: an empty object, a `Status`,
another object. Read as a Secret that is a Secret without keys, read as a Lease it is one that nobody holds.
"""

from collections.abc import Mapping
from typing import Any, Final

from nvcf_client.text import shorten
from nvcf_operator.api import names
from nvcf_operator.kube.errors import RequestTarget

MOST_KIND: Final = 64
"""Characters of the kind of an unexpected answer that are shown."""


def fault(target: RequestTarget, answer: Mapping[str, Any], *, dry_run: bool = False) -> str | None:
    """What is wrong with a successful answer; None if it is what the request asked for.

    Args:
        target: what was requested.
        answer: the JSON object of the answer.
        dry_run: whether nothing was to be stored; a new object then has no resourceVersion.

    """
    if target.plural == "schemas":
        return None
    metadata = answer.get("metadata")
    if target.name or target.method == "POST":
        known = _is_stored(target, metadata, versioned=not dry_run)
        wanted = f"{target.noun} {target.namespace}/{target.name}" if target.name else f"a new {target.noun}"
    else:
        items = answer.get("items")
        known = isinstance(metadata, Mapping) and _is_version(target, metadata.get("resourceVersion"))
        known = known and isinstance(items, list) and all(_is_item(target, item) for item in items)
        wanted = f"a list of {target.plural}"
    if known:
        return None
    kind = answer.get("kind")
    shown = f"an object of kind {shorten(kind, MOST_KIND)}" if isinstance(kind, str) and kind else "JSON without a kind"
    return f"{shown} that is not {wanted}"


def _is_stored(target: RequestTarget, metadata: object, *, versioned: bool = True) -> bool:
    """Whether this is the metadata of a stored object: of the target itself, or of one in that collection."""
    if not isinstance(metadata, Mapping):
        return False
    name, namespace, uid = (metadata.get(item) for item in ("name", "namespace", "uid"))
    texts = all(isinstance(item, str) and item for item in (name, namespace, uid))
    here = name == (target.name or name) and namespace == (target.namespace or namespace)
    return texts and here and (not versioned or _is_version(target, metadata.get("resourceVersion")))


def _is_item(target: RequestTarget, item: object) -> bool:
    return isinstance(item, Mapping) and _is_stored(target, item.get("metadata"))


def _is_version(target: RequestTarget, value: object) -> bool:
    """Versions of our own kinds are compared as integers; those of others are only sent back."""
    return isinstance(value, str) and bool(value) and (target.group != names.GROUP or value.isdecimal())
