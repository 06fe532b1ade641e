"""UUIDs: random ones, the ones of scenarios, and what a path may hold for one."""

import random
import re
import uuid

_NAMESPACE = uuid.UUID("6f4d8d52-6c0b-5d7c-9b62-3f1d1f3c0a11")
_LENGTHS = (8, 4, 4, 4, 12)
_HEX = re.compile(r"[0-9a-fA-F]+")


def random_id() -> str:
    """Return a new random UUID."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def derived_id(*names: object) -> str:
    """Return the UUID that always belongs to these names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, names))))


def parse_id(text: str) -> str | None:
    """Return a UUID in its usual form, or None if the text is none. Groups may lack their leading zeros."""
    groups = text.strip().split("-")
    if len(groups) != len(_LENGTHS) or not all(
        _HEX.fullmatch(group) and len(group) <= length for group, length in zip(groups, _LENGTHS, strict=True)
    ):
        return None
    return "-".join(group.lower().rjust(length, "0") for group, length in zip(groups, _LENGTHS, strict=True))
