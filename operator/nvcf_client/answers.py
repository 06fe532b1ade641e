"""What the server said: an HTTP answer, the words of an error in any shape that NVCF and its gateways use, and what an
error keeps of its answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic_core import from_json

from nvcf_client.keys import redacted, without
from nvcf_client.masking import Masking
from nvcf_client.text import shorten

MAX_DETAIL = 400
"""No more of a server's words is kept, in characters."""

MAX_RETRY_AFTER = 86_400.0
"""A longer wait than a day is not believed, in seconds."""

NOTICE = "nv-ngc-response-warning-message"
"""Header in which NGC's gateway announces changes, such as the end of a call."""

MAX_BODY = 1 << 20
"""A longer body is not kept, in bytes."""

_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})

_MAX_ERROR_BODY = 1 << 20
_MAX_READ = 4096
_SECONDS = re.compile(r"\d{1,12}(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Header names are in lower case. Body and headers stay out of the repr: they may hold secrets."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def outline(self) -> str:
        """What kind of body came, in place of the body: `text/html`. Not its length, which may be another each time."""
        kind = one_line(self.headers.get("content-type", "").partition(";")[0], limit=64) or "no content type"
        return kind if self.body else f"{kind}, empty"

    def without(self, key: str) -> "Answer":
        """The answer as errors may speak of it: headers that echo the key do so no longer."""
        if not key:
            return self
        return replace(self, headers={name: without(value, key) for name, value in self.headers.items()})

    def notice(self, key: str = "") -> str | None:
        """What the gateway announces, on one line and without keys; None if nothing."""
        return one_line(self.headers.get(NOTICE, ""), key) or None

    def retry_after(self, now: float) -> float | None:
        """Seconds that the server asks to wait, as a number or as an HTTP date; None if it does not.

        A date is taken against the answer's own `Date`, so that it does not matter how far the server's clock and ours
        are apart; only where there is none that can be read, against `now`, the time of our wall clock in seconds since
        the epoch. Never negative, and never more than `MAX_RETRY_AFTER`.
        """
        text = self.headers.get("retry-after", "").strip()
        if _SECONDS.fullmatch(text):
            return min(float(text), MAX_RETRY_AFTER)
        until, since = _moment(text), _moment(self.headers.get("date", ""))
        if until is None:
            return None
        return min(max(until - (now if since is None else since), 0.0), MAX_RETRY_AFTER)


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in the server's words.

    Attributes:
        detail: one line, without keys.
        request_id: the server's id of the call, if it gave one.
        in_known_shape: the body has one of the shapes that NVCF and its gateway use for errors.
        about_an_object: the error bears a mark of NVCF's own code, so the path led to a known route.

    """

    detail: str
    request_id: str | None = None
    in_known_shape: bool = False
    about_an_object: bool = False


def explain(answer: Answer, key: str = "") -> Explanation:
    """Read an error answer; any bytes at all give an explanation."""
    request_id = answer.headers.get("x-request-id")
    if not answer.body.strip():
        challenge = answer.headers.get("www-authenticate")
        hint = f"; WWW-Authenticate: {challenge}" if challenge else ""
        return Explanation(one_line(f"the answer has no body{hint}", key), _id(request_id, key))
    try:
        body = from_json(answer.body) if len(answer.body) <= _MAX_ERROR_BODY else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Explanation(f"the answer is not a JSON object ({answer.outline})", _id(request_id, key))
    status = body.get("requestStatus")
    if isinstance(status, dict):
        return Explanation(
            detail=_words(key, status, "statusDescription", "statusCode"),
            request_id=_id(status.get("requestId") or request_id, key),
            in_known_shape=True,
            about_an_object=True,
        )
    return _explain_problem(body, _id(request_id, key), key)


def _explain_problem(body: dict[str, Any], request_id: str | None, key: str) -> Explanation:
    """The shapes without `requestStatus`. A problem without a type comes from the web framework, not from NVCF."""
    if any(isinstance(body.get(name), str) for name in ("type", "title", "detail")):
        kind = body.get("type")
        typed = isinstance(kind, str) and kind not in ("", "about:blank")
        return Explanation(_words(key, body, "detail", "title"), request_id, in_known_shape=True, about_an_object=typed)
    if isinstance(body.get("message"), str):
        return Explanation(_words(key, body, "message"), request_id, in_known_shape=True)
    issue = body.get("issue")
    if isinstance(issue, dict):
        return Explanation(_words(key, issue, "detail"), request_id, in_known_shape=True, about_an_object=True)
    return Explanation(_words(key, body, "error"), request_id)


def _words(key: str, source: dict[str, Any], *names: str) -> str:
    texts = (source[name] for name in names if isinstance(source.get(name), str))
    return next((line for line in (one_line(text, key) for text in texts) if line), "the server gave no reason")


def _id(value: object, key: str) -> str | None:
    return one_line(value, key, limit=64) or None if isinstance(value, str) else None


def one_line(text: str, key: str = "", limit: int = MAX_DETAIL) -> str:
    """The text on one line of printable characters, without keys, shortened to the limit."""
    whole = without(text, key)
    printable = "".join(char if char.isprintable() else " " for char in whole[:_MAX_READ])
    line = redacted(" ".join(printable.split()), key)
    return shorten(line, limit, "...")


def _moment(date: str) -> float | None:
    """An HTTP date as seconds since the epoch; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@dataclass(frozen=True, slots=True)
class Received:
    """The answer that an error is about. Nothing of it is part of the repr.

    Attributes:
        status: the HTTP status.
        headers: its headers, with names in lower case, without those that only the wire needs.
        content: its body; empty for a success that cannot be read, which may hold anything.

    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The body, if it is JSON."""
        try:
            return from_json(self.content)
        except ValueError:
            return None


def received(answer: Answer, key: str, masking: Masking) -> Received:
    """The answer as an error keeps it."""
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_THE_WIRE}
    if not _harmless("\n".join(headers.values()), key):
        headers = {name: redacted(value, key) for name, value in headers.items()}
    if 200 <= answer.status < 300 or len(answer.body) > MAX_BODY:
        return Received(answer.status, headers, b"")
    text = answer.body.decode(errors="replace")
    if not masking and _harmless(text, key):
        return Received(answer.status, headers, answer.body)
    try:
        content = json.dumps(_clean(from_json(answer.body), key, masking), ensure_ascii=False)
    except ValueError:
        content = _clean(text, key, masking)
    return Received(answer.status, headers, content.encode(errors="replace"))


def _harmless(text: str, key: str) -> bool:
    """Whether a text holds no key, nothing that looks like one, and no escape behind which one may stand."""
    return "\\" not in text and redacted(text, key) == text


def _clean(value: Any, key: str, masking: Masking) -> Any:
    match value:
        case str():
            text = redacted(value, key)
            return masking(text) if masking else text
        case dict():
            return {_clean(name, key, masking): _clean(item, key, masking) for name, item in value.items()}
        case list():
            return [_clean(item, key, masking) for item in value]
        case _:
            return value
