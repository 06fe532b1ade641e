"""What is probably wrong with an API key that cannot be used, for whoever wrote it. No hint shows a part of the key."""

import base64
import codecs
import re

_QUOTES = ('"', "'", "`")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^=]")
_LOOKS_LIKE_KEY = re.compile(r"\s*[\"']?(nvapi-|eyJ)")


def oddity(key: str) -> str | None:
    """What looks like a mistake in a key that NVCF refuses, and what to do; None if nothing does.

    It is for whoever wrote the key, and shows no part of it. No key is refused because of it.
    """
    if key.startswith(_QUOTES) or key.endswith(_QUOTES):
        return "the key is enclosed in quotation marks, which are sent with it; remove them"
    if key.startswith("$"):
        return "the key begins with $, like a variable that was not replaced; put the key itself there"
    if _ASSIGNMENT.match(key):
        return "the key begins with a name and =, like a line of an env file; put only what follows there"
    if _LOOKS_LIKE_KEY.match(_decoded(key)):
        return "the key is base64 of a key, encoded once too often; use stringData of the Secret, or encode it once"
    return None


def not_ascii(raw: bytes) -> str:
    """What bytes are that are no ASCII text, as far as that can be seen without showing them."""
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it begins with a byte order mark, as some editors write it, and is not ASCII text"
    return "not ASCII text"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_" if set("-_") & set(text) else None, validate=True).decode("ascii")
    except ValueError:
        return ""
