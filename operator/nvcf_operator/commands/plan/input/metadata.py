"""The metadata of a manifest: what of it belongs to the manifest, and what is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nvcf_client.text import shorten

_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


def checked_metadata(value: Any, namespace: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of the metadata belongs to the manifest, with a namespace, and what is wrong with it, a line each."""
    if not isinstance(value, dict):
        return {}, ("metadata: is required, with a name",)
    return _named(value, namespace), tuple(_problems(value))


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
        yield f"metadata.name: {shown(name)} is no valid name: lower-case letters, digits, hyphens, dots; 253 at most"
    if namespace and not (isinstance(namespace, str) and _LABEL.fullmatch(namespace)):
        yield f"metadata.namespace: {shown(namespace)} is no valid name of a namespace"
    for member in ("labels", "annotations"):
        yield from _texts(member, value.get(member))


def _texts(member: str, value: Any) -> Iterable[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield f"metadata.{member}: must be a mapping"
        return
    for key, each in value.items():
        if not isinstance(each, str):
            yield f"metadata.{member}.{shown(key)}: must be a string. Put its value in quotation marks"


def shown(value: Any) -> str:
    """A name as messages show it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return shorten(repr(text) if re.search(r"[^\x21-\x7e]", text) else text, 80)
