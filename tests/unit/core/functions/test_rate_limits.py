"""When two rate limits are one, and what a change sends."""

from typing import Any

import pytest

from nvcf_client.models import RateLimit
from nvcf_operator.core.functions.model.rate_limit import form_of, is_met, to_send

LIMIT = {"rateLimit": "100-M, 5-S", "perNcaIdRate": {"äcme": "1-S,2-M"}, "exemptedNcaIds": ["b", "a"]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"rateLimit": "100-M"}, {"rateLimit": "100-M", "exemptedNcaIds": [], "perNcaIdRate": {}}),
        ({"rateLimit": "100-M, 5-S"}, {"rateLimit": "5-S,100-M"}),
        ({"perUserRate": "1-S,2-M"}, {"perUserRate": " 2-M , 1-S "}),
        (LIMIT, {**LIMIT, "exemptedNcaIds": ["a", "b"], "perNcaIdRate": {"äcme": "2-M, 1-S"}}),
        ({"rateLimit": "1-S"}, {"rateLimit": "1-S", "<neu>": {"since": [None]}}),
    ],
    ids=["empty members", "order of units", "blanks", "all of them", "a field that nobody knows"],
)
def test_the_same_limit_has_one_form(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert form_of(one) == form_of(RateLimit.model_validate(other)) is not None


@pytest.mark.parametrize("limit", [None, {}, {"exemptedNcaIds": [], "perNcaIdRate": {}}, {"syncCheck": False}])
def test_what_limits_nothing_is_none(limit: dict[str, Any] | None) -> None:
    assert form_of(limit) is None


@pytest.mark.parametrize(
    ("wanted", "shown", "met"),
    [
        pytest.param({}, {"syncCheck": True}, True, id="left to the server"),
        pytest.param({"syncCheck": False}, {"syncCheck": False}, True, id="the same"),
        pytest.param({"syncCheck": False}, {"syncCheck": True}, False, id="another"),
        pytest.param({"syncCheck": True}, {}, False, id="not shown"),
        pytest.param({"rateLimit": "2-S"}, {}, False, id="another rate"),
        pytest.param({}, {"perUserRate": "1-S"}, False, id="one more rate"),
    ],
)
def test_when_a_manifests_limit_is_met(wanted: dict[str, Any], shown: dict[str, Any], met: bool) -> None:
    base = {"rateLimit": "1-S"}
    form = form_of({**base, **wanted})
    assert form is not None
    assert is_met(form, form_of({**base, **shown})) is met
    assert not is_met(form, None)


def test_a_change_replaces_the_whole_and_keeps_what_it_leaves_to_the_server() -> None:
    shown = form_of({"rateLimit": "1-S", "perUserRate": "1-S", "syncCheck": True})
    assert to_send({"rateLimit": "2-S"}, shown) == {"rateLimit": "2-S", "syncCheck": True}
    assert to_send({"rateLimit": "2-S", "syncCheck": False}, shown) == {"rateLimit": "2-S", "syncCheck": False}
    assert to_send({"rateLimit": "2-S"}, None) == {"rateLimit": "2-S"}
