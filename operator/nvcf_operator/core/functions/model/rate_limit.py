"""When two rate limits are one: by what they mean to NVCF, however they are written."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from nvcf_client.models import RateLimit

SYNC_CHECK = "syncCheck"
"""Member that is the server's to choose where a manifest leaves it out."""

_RATES = ("rateLimit", "perNcaIdRate", "perUserRate")


def form_of(limit: RateLimit | Mapping[str, Any] | None) -> str | None:
    """The one form of all spellings of a rate limit; None where it limits nothing.

    The server adds empty members, and order and blanks of the units in a rate say nothing.

    Args:
        limit: as NVCF shows it, or as a manifest's `rateLimit` has it.

    """
    if limit is None:
        return None
    given = limit if isinstance(limit, RateLimit) else RateLimit.model_validate(limit)
    found = {name: value for name, value in given.to_json().items() if value not in ([], {}, "")}
    if not any(name in found for name in _RATES):
        return None
    for name in ("rateLimit", "perUserRate"):
        if name in found:
            found[name] = _rate(found[name])
    if "perNcaIdRate" in found:
        found["perNcaIdRate"] = {account: _rate(rate) for account, rate in found["perNcaIdRate"].items()}
    if "exemptedNcaIds" in found:
        found["exemptedNcaIds"] = sorted(set(found["exemptedNcaIds"]))
    return sys.intern(json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def is_met(wanted: str, shown: str | None) -> bool:
    """Whether a version has the limit of a manifest, both in that form."""
    if shown is None or wanted == shown:
        return wanted == shown
    expected, found = json.loads(wanted), json.loads(shown)
    if SYNC_CHECK not in expected:
        found.pop(SYNC_CHECK, None)
    return bool(expected == found)


def to_send(wanted: Mapping[str, Any], shown: str | None) -> dict[str, Any]:
    """The rate limit that a PUT carries: the manifest's, which replaces the whole, with what it leaves to the server.

    Args:
        wanted: the manifest's `rateLimit`.
        shown: what the version has, in the form of `form_of`.

    """
    kept = json.loads(shown).get(SYNC_CHECK) if shown is not None else None
    return {**({SYNC_CHECK: kept} if kept is not None else {}), **wanted}


def _rate(text: str) -> str:
    return ",".join(sorted("".join(part.split()) for part in text.split(",")))
