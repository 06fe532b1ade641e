"""What a caller may add to a single call: a timeout, headers and query parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypedDict

Primitive = str | int | float | bool | None
"""A value of a query parameter."""

_NAMES = ("timeout", "additional_headers", "additional_params")
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class RequestOptions(TypedDict, total=False):
    """Options of a single call.

    Attributes:
        timeout: seconds for the whole call, in place of the client's.
        additional_headers: headers, in place of the client's of the same name. `Authorization` is another key.
        additional_params: query parameters, in place of the call's own of the same name.

    """

    timeout: float
    additional_headers: Mapping[str, str]
    additional_params: Mapping[str, Primitive | Sequence[Primitive]]


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The same, checked. Neither headers nor the key are part of the repr."""

    timeout: float | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    params: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The key in the header `Authorization`; empty if there is none."""
        return key_in(next((value for name, value in self.headers if name.lower() == "authorization"), ""))

    def on_top_of(self, query: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The query of a call with these parameters in it."""
        given = {name for name, _ in self.params}
        return (*((name, value) for name, value in query if name not in given), *self.params)


def read(options: RequestOptions) -> CallOptions:
    """The options of a caller, checked.

    Raises:
        TypeError: they are no mapping, or a part of them has another type.
        ValueError: an option is unknown, or cannot be sent. No text shows a header's value.

    """
    if not isinstance(options, Mapping):
        raise TypeError(f"request_options: must be a mapping, not {type(options).__name__}")
    for name in options:
        if name not in _NAMES:
            close = get_close_matches(str(name), _NAMES, n=1, cutoff=0.4)
            raise ValueError(
                f"request_options: no option {name!r}; {f'did you mean {close[0]}?' if close else ', '.join(_NAMES)}"
            )
    return CallOptions(
        timeout=_timeout(options.get("timeout")),
        headers=_headers(options.get("additional_headers") or {}),
        params=_params(options.get("additional_params") or {}),
    )


def key_in(authorization: str) -> str:
    """The key in a header `Authorization`, whatever its scheme."""
    return authorization.partition(" ")[2] or authorization


def _timeout(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < float("inf"):
        raise ValueError(f"request_options: timeout must be a positive number of seconds, not {given!r}")
    return float(given)


def _headers(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise TypeError(f"request_options: additional_headers must be a mapping, not {type(given).__name__}")
    seen: set[str] = set()
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"request_options: the header {name!r} and its value must be text")
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(
                f"request_options: the header {name!r} cannot be sent: it must be one line of printable ASCII"
            )
        if name.lower() in _OF_THE_CONNECTION:
            raise ValueError(f"request_options: additional_headers must not set {name}; the client does")
        if name.lower() in seen:
            raise ValueError(f"request_options: additional_headers must not set {name} twice, in other letter case")
        seen.add(name.lower())
    return tuple(given.items())


def _params(given: Mapping[str, Primitive | Sequence[Primitive]]) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise TypeError(f"request_options: additional_params must be a mapping, not {type(given).__name__}")
    return tuple(
        (name, _text(name, item))
        for name, value in given.items()
        for item in (value if isinstance(value, (list, tuple)) else (value,))
    )


def _text(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise TypeError(
                f"request_options: the parameter {name!r} must be text, a number, true or false, or a list of these"
            )
