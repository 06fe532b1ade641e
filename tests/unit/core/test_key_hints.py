"""A key that looks like a mistake is hinted at, without a part of it."""

import base64

import pytest

from nvcf_client import keys
from nvcf_operator.core.rules import credentials

KEY = "nvapi-abcDEF123_-xyz"
ENCODED = base64.b64encode(KEY.encode()).decode()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (f'"{KEY}"', "quotation marks"),
        (f"'{KEY}", "quotation marks"),
        (f"{KEY}`", "quotation marks"),
        (f"NGC_API_KEY={KEY}", "a name and ="),
        ("$NGC_API_KEY", "a variable"),
        ("${NGC_API_KEY}", "a variable"),
        (ENCODED, "base64 of a key"),
        (base64.b64encode(f'"{KEY}"\n'.encode()).decode(), "base64 of a key"),
        (base64.urlsafe_b64encode(b"eyJhbGciOi.\x7f\x7e?>?>.sig").decode(), "base64 of a key"),
    ],
)
def test_what_looks_like_a_mistake_in_a_key_is_reported_without_a_part_of_it(key: str, words: str) -> None:
    found = credentials.key_oddity(keys.checked(key))
    assert found is not None
    assert words in found
    assert not any(part in found for part in ("nvapi", "abc", "NGC", "xyz", ENCODED[:6]))


@pytest.mark.parametrize(
    "key", [KEY, "eyJhbGciOi.eyJzdWIi.sig-nature_", "abcdefgh==", "abcd" * 8, "x", "a=", "Zm9vYmFy"]
)
def test_a_key_that_looks_valid_gets_no_hint(key: str) -> None:
    assert credentials.key_oddity(key) is None
