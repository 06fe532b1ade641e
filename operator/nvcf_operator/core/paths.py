"""Places in a manifest as people read them: `resources.limits.cpu`, `env[0].name`, `labels["app.example/a b"]`."""

import json
import re
from collections.abc import Sequence

from nvcf_operator.core.equality import Path

MOST_OF_A_KEY = 48
MOST_OF_A_PATH = 120

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def path_text(path: Path) -> str:
    """The path on one line of printable characters, without a dot at its beginning; empty for the value itself.

    A key that is no plain word is quoted as JSON, and shortened like a path that is too long.
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else _key(step) for step in path).removeprefix(".")
    return cut_in_the_middle(text, MOST_OF_A_PATH)


def listed(paths: Sequence[Path], most: int) -> str:
    """The first paths, and how many more there are."""
    shown = ", ".join(path_text(path) for path in paths[:most])
    return shown if len(paths) <= most else f"{shown} and {len(paths) - most} more"


def cut_in_the_middle(text: str, most: int) -> str:
    """The text, or its two ends where it is too long: what is special of a path may be at either."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _key(key: str) -> str:
    short = cut_in_the_middle(key, MOST_OF_A_KEY)
    if _PLAIN.fullmatch(key):
        return f".{short}"
    return f"[{json.dumps(short, ensure_ascii=not short.isprintable())}]"
