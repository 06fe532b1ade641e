"""How values of secrets are read, and what they and their sources are identified by."""

import json

import pytest

from nvcf_client.models import Secret
from nvcf_client.models.functions import to_request
from nvcf_operator.api.function_spec import SecretFormat
from nvcf_operator.core.functions.model.secrets import (
    MOST_CHARACTERS,
    Source,
    digest_of_names,
    digest_of_sources,
    secret_of,
)

STRING, JSON = SecretFormat.STRING, SecretFormat.JSON


@pytest.mark.parametrize(
    ("raw", "form", "value"),
    [
        ("größe <&> \n".encode(), STRING, "größe <&> \n"),
        (b'{"a": 1}', STRING, '{"a": 1}'),
        (b"123", STRING, "123"),
        (b"x" * MOST_CHARACTERS, STRING, "x" * MOST_CHARACTERS),
        ('{"größe": [1, null, {"b": true}]} \n'.encode(), JSON, {"größe": [1, None, {"b": True}]}),
        (b"{}", JSON, {}),
    ],
)
def test_a_value_is_sent_as_its_format_says(raw: bytes, form: SecretFormat, value: object) -> None:
    found = secret_of("A", raw, form)
    assert isinstance(found, Secret)
    assert to_request(found) == {"name": "A", "value": value}


@pytest.mark.parametrize(
    ("raw", "form", "why"),
    [
        (b"", STRING, "empty"),
        (b"\xff\xfe\x00", STRING, "UTF-8"),
        (b"x" * (MOST_CHARACTERS + 1), STRING, "32768"),
        ("\U0001f511".encode() * (MOST_CHARACTERS // 2 + 1), STRING, "32768"),
        (b"[1]", JSON, "JSON object"),
        (b'"text"', JSON, "JSON object"),
        (b"5", JSON, "JSON object"),
        (b'{"a": hidden}', JSON, "JSON object"),
        (b'{"a": NaN}', JSON, "JSON object"),
        (b'{"a": 1e999}', JSON, "JSON object"),
        (b'{"a": "\\ud800"}', JSON, "JSON object"),
        (b'{"a": ' * 3000 + b"1" + b"}" * 3000, JSON, "JSON object"),
        (b'{"a": ' + b"9" * 5000 + b"}", JSON, "JSON object"),
    ],
)
def test_what_nvcf_would_not_take_is_refused_and_not_shown(raw: bytes, form: SecretFormat, why: str) -> None:
    found = secret_of("A", raw, form)
    assert isinstance(found, str)
    assert why in found
    assert "hidden" not in found


def test_a_digest_of_sources_depends_on_all_that_decides_the_value_and_not_on_the_order() -> None:
    one, other = Source("A", "u", "1", "k", STRING), Source("B", "u", "1", "k", STRING)
    assert digest_of_sources([one, other]) == digest_of_sources([other, one])
    others = [
        one._replace(name="B"),
        one._replace(uid="v"),
        one._replace(resource_version="2"),
        one._replace(key="l"),
        one._replace(format=JSON),
    ]
    assert len({digest_of_sources([source]) for source in (one, *others)}) == 6


def test_a_digest_of_names_is_none_for_no_name_and_the_same_in_any_order() -> None:
    assert digest_of_names([]) is None
    assert digest_of_names(["A", "B"]) == digest_of_names({"B", "A"}) != digest_of_names(["A,B"])


def test_a_secret_shows_nothing_of_its_value() -> None:
    found = secret_of("A", json.dumps({"key": "hunter2"}).encode(), JSON)
    assert "hunter2" not in f"{found!r} {found}"
