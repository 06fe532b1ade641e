"""The invariants of changes in place, held against each of them."""

from collections.abc import Iterator
from typing import Any

from nvcf_operator.api.names import FUNCTION_DEPLOYMENT
from tests.property.cluster_model import own_status
from tests.property.function_writes import FunctionWrite, RowAsItWas
from tests.property.functions import wanted
from tests.property.registry_model import content_of, meaning_of_limit

HAS_SEEN = 10.0
"""Seconds within which an operator that is about to write has listed what is there."""

HAS_READ = 10.0
"""Seconds within which an operator that is about to send a secret has read it."""


def in_place(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """What is wrong with a change of a version in place."""
    if write.version is None or write.row is None:
        return []  # it is gone since the operator has seen it
    what = f"{write.kind} of {write.version.version_id[-3:]}"
    wrong = ["after the deletion of its CloudFunction"] if "deletionTimestamp" in latest["metadata"] else []
    if not _is_ours(write, latest):
        wrong.append("which is not the object's")
    match write.kind:
        case "PUT":
            wrong += [*_overlaps(write), *_of_tags(write, latest), *_of_limit(write, latest), *_of_nothing(write)]
        case "DELETE rate limit":
            wrong += _overlaps(write)
            if latest["spec"].get("rateLimitPolicy") != "Unlimited":
                wrong.append("though the manifest does not say Unlimited")
        case "PUT secrets":
            wrong += _of_secrets(write, latest, write.row)
    return [f"{what}, {item}" for item in wrong]


def registered_secrets(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """What is wrong with the secrets in a POST."""
    sent = {item["name"]: item["value"] for item in write.body.get("secrets", ())}
    asked = {item["name"] for item in latest["spec"].get("secrets") or ()}
    wrong = [f"POST with the secrets {sorted(sent)} in place of {sorted(asked)}"] if set(sent) != asked else []
    return wrong + [f"POST with {item}" for item in _unfounded(write, latest, sent)]


def _is_ours(write: FunctionWrite, latest: dict[str, Any]) -> bool:
    """Whether a version is the object's by its mark or the record, or one that it adopts."""
    version, row, spec = write.version, write.row, latest["spec"]
    assert version is not None, "it was checked before"
    assert row is not None, "it was checked before"
    if wanted.marked(row.tags, latest) or wanted.holds(latest, version.version_id):
        return True
    adopts = spec.get("adoptionPolicy") == "Adopt" and version.body.get("name") == spec["name"]
    named = (spec.get("functionId") or "").lower() == version.function_id
    return (adopts or named) and version.content == content_of(spec["template"])


def _overlaps(write: FunctionWrite) -> Iterator[str]:
    if any(item.process == write.process for item in write.changing):
        yield "while another change of it may still be running"
    for key, obj in write.objects:
        intent = own_status(obj).get("intent") if key.kind == FUNCTION_DEPLOYMENT else None
        if (
            intent
            and intent.get("functionVersionId") == write.version_id
            and not intent.get("answered")
            and write.posting
        ):
            yield f"while the POST of its deployment for {key} may still be running"


def _of_tags(write: FunctionWrite, latest: dict[str, Any]) -> Iterator[str]:
    if (tags := write.body.get("tags")) is None:
        return
    given, row = latest["spec"].get("tags"), write.row
    assert row is not None, "it was checked before"
    if not wanted.marked(tags, latest):
        yield "without the object's mark"
    if given is not None and wanted.foreign(tags) != frozenset(given):
        yield "with other tags than the manifest's"
    unseen = write.at - row.touched_at <= HAS_SEEN or bool(write.changing)
    if given is None and not unseen and wanted.foreign(tags) != wanted.foreign(row.tags):
        yield f"which changes the foreign tags {sorted(wanted.foreign(row.tags))}"


def _of_limit(write: FunctionWrite, latest: dict[str, Any]) -> Iterator[str]:
    sent = meaning_of_limit(write.body.get("rateLimit"))
    asked = "rateLimit" in latest["spec"]
    if sent is not None and not (asked and wanted.has_limit(latest["spec"], sent)):  # the rest of it is the server's
        yield "with another rate limit than the manifest's"


def _of_nothing(write: FunctionWrite) -> Iterator[str]:
    """Whether a PUT changes nothing that the operator has had time to see."""
    row = write.row
    assert row is not None, "it was checked before"
    tags = "tags" not in write.body or frozenset(write.body["tags"]) == row.tags
    limit = "rateLimit" not in write.body or meaning_of_limit(write.body["rateLimit"]) == row.rate_limit
    if tags and limit and write.at - row.touched_at > HAS_SEEN and not write.changing:
        yield "which changes nothing"


def _of_secrets(write: FunctionWrite, latest: dict[str, Any], row: RowAsItWas) -> Iterator[str]:
    sent = {item["name"]: item["value"] for item in write.body["secrets"]}
    if not row.secrets:
        yield "which has had none"
    elif added := sorted(set(sent) - set(row.secrets)):
        yield f"which adds {added}"
    yield from (f"with {item}" for item in _unfounded(write, latest, sent))


def _unfounded(write: FunctionWrite, latest: dict[str, Any], sent: dict[str, Any]) -> Iterator[str]:
    """The secrets that may not be sent, or not with that value."""
    refs = {item["name"]: item for item in latest["spec"].get("secrets") or ()}
    for name, value in sent.items():
        if (ref := refs.get(name)) is None:
            yield f"{name}, which no manifest names"
            continue
        place = wanted.place_of(latest, ref)
        states = [item for item in write.secrets.since(place, write.at - HAS_READ) if item is not None]
        states = [item for item in states if item.consents_to(latest["metadata"]["name"])]
        if not states:
            yield f"{name} without the consent of {place[1]}"
        elif value not in [
            wanted.read(item.data[key], ref) for item in states if (key := ref["secretRef"]["key"]) in item.data
        ]:
            yield f"a value of {name} that {place[1]} does not have"
