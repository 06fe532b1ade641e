"""The forms in which a secret may stand in a text."""

import base64
from collections.abc import Iterator


def spelled(core: str) -> Iterator[tuple[str, str]]:
    """Name and spelling of each form in which letters and digits can come, alone or inside a longer text.

    Letters and digits stay as they are in URLs, JSON and quoted strings, so that the plain form finds these as well. In
    base64 they look different by where a group of three begins.
    """
    yield "plain", core
    yield "hexadecimal", core.encode().hex()
    yield "backwards", core[::-1]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + core.encode()).decode()
        # The first and the last group hold neighbours too.
        yield f"base64, shifted by {shift}", encoded[4 if shift else 0 : -4]


def places(core: str, text: str) -> list[str]:
    """Each form found in a text, with what stands around it."""
    found = []
    for name, spelling in spelled(core):
        at = text.lower().find(spelling) if name == "hexadecimal" else text.find(spelling)
        if at >= 0:
            found.append(f"{name}: ...{text[max(0, at - 200) : at + len(spelling) + 50]}...")
    return found
