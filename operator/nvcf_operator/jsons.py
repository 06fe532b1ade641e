"""JSON of what is read and written most often: by orjson, and by the standard library where orjson refuses."""

import json
from typing import Any

import orjson


def loads(raw: bytes) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: it is none.

    """
    try:
        return orjson.loads(raw)
    except ValueError:
        return json.loads(raw)


def dumps(value: Any, *, sort_keys: bool = False) -> bytes:
    """Write a value as compact JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError:  # an integer of more than 64 bits, half of a surrogate pair
        return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys).encode()
