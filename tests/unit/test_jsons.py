"""JSON of the operator: what orjson refuses is written and read all the same."""

import json
from typing import Any

import pytest

from nvcf_operator import jsons
from nvcf_operator.core.model.reasons import Reason

ODD: list[Any] = [
    {"b": 1, "a": "ü<&>\u2028"},
    {"big": 1 << 70},
    {"half": "\ud83d"},
    [1.5, None, True],
    {"é": {"z": [], "a": {}}},
]


@pytest.mark.parametrize("value", ODD, ids=str)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert json.loads(jsons.dumps(value)) == value
    assert json.loads(jsons.dumps(value, sort_keys=True)) == value
    assert list(json.loads(jsons.dumps({"b": 1, "a": value}, sort_keys=True))) == ["a", "b"]


def test_an_enumeration_is_its_text() -> None:
    assert jsons.dumps({"reason": Reason.THROTTLED}) == b'{"reason":"Throttled"}'


@pytest.mark.parametrize("raw", [b'{"a": NaN}', b'"\\ud83d"'])
def test_what_the_standard_library_reads_is_read(raw: bytes) -> None:
    assert repr(jsons.loads(raw)) == repr(json.loads(raw))


@pytest.mark.parametrize("raw", [b"", b"{", b"<html>", b"\xff", b'{"a": 1} x'])
def test_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1|decode"):
        jsons.loads(raw)
