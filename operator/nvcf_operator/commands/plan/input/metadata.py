"""The metadata of a manifest: what of it belongs to the manifest, and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nvcf_client.text import shorten

_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", re.ASCII)

WORD = "letters, digits, -, _ and ., at most 63"
"""What keys and the values of labels may be, in words."""

MOST_ANNOTATIONS = 256 << 10
"""Bytes of all annotations, keys included."""

_MEMBERS = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""What the API server knows of the metadata."""


def checked_metadata(value: Any, namespace: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of the metadata belongs to the manifest, with a namespace, and what is wrong with it, a line each."""
    if not isinstance(value, dict):
        return {}, ("metadata: is required, with a name",)
    return _named(value, namespace), tuple(_problems(value))


def unknown_members(value: Any) -> Iterator[str]:
    """What the API server would drop of the metadata, a line each."""
    if isinstance(value, dict):
        yield from (f"unknown field metadata.{name}: it is dropped" for name in value if name not in _MEMBERS)


def _named(value: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = {"namespace": value.get("namespace") or namespace}
    found |= {name: value[name] for name in ("name", "labels", "annotations") if value.get(name)}
    return found


def _problems(value: Mapping[str, Any]) -> Iterator[str]:
    name, namespace = value.get("name"), value.get("namespace")
    if not name and value.get("generateName"):
        yield "metadata.generateName: a resource that is applied needs metadata.name instead"
    elif not name:
        yield "metadata.name: is required"
    elif not isinstance(name, str) or not _SUBDOMAIN.fullmatch(name):
        yield f"metadata.name: {shown(name)} is invalid: use lower-case letters, digits, hyphens and dots, at most 253"
    if namespace and not (isinstance(namespace, str) and _LABEL.fullmatch(namespace)):
        yield f"metadata.namespace: {shown(namespace)} is invalid: use lower-case letters, digits, hyphens, at most 63"
    yield from _texts("labels", value.get("labels"))
    yield from _texts("annotations", value.get("annotations"))


def _texts(member: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield f"metadata.{member}: must be a mapping"
        return
    for key, each in value.items():
        place = f"metadata.{member}.{shown(key)}"
        if not _is_qualified(key if member == "labels" else key.lower()):
            yield f"{place}: the key is invalid: use {WORD}, optionally after a DNS name and a slash"
        if not isinstance(each, str):
            yield f"{place}: must be a string. Put its value in quotation marks"
        elif member == "labels" and each and not _WORD.fullmatch(each):
            yield f"{place}: {shown(each)} is invalid: use {WORD}"
    if member == "annotations" and _size(value) > MOST_ANNOTATIONS:
        yield f"metadata.annotations: must not exceed {MOST_ANNOTATIONS} bytes in total"


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return _WORD.fullmatch(name) is not None and (not slash or _SUBDOMAIN.fullmatch(prefix) is not None)


def _size(texts: Mapping[str, Any]) -> int:
    return sum(len(text.encode()) for pair in texts.items() for text in pair if isinstance(text, str))


def shown(value: Any) -> str:
    """A name as messages show it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return shorten(repr(text) if re.search(r"[^\x21-\x7e]", text) else text, 80)
