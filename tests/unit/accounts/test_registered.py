"""What a list keeps for CloudFunctions: their own versions, and nothing of thousands of others."""

import json
from typing import Any

import pytest

from nvcf_client.models import FunctionDetails
from nvcf_client.responses import FunctionsResponse, reading
from nvcf_operator.accounts import registered
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import Calls
from nvcf_operator.accounts.registered import NOTHING_REGISTERED, Interest, Registered
from nvcf_operator.core.functions.model.identity import meaning_of_version
from nvcf_operator.core.functions.model.rate_limit import form_of
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import Limiters
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.metrics import Metrics
from tests.support import virtual_time
from tests.support.virtual_time import Clock

UID, OTHER_UID = "0" * 31 + "1", "0" * 31 + "2"
INTEREST = Interest(UID, "llama")


def mark(uid: str = UID, token: str = "a" * 16, revision: str = "") -> str:
    return f"nvcf-operator:1:{uid}:{'b' * 16}:{token}" + (f":{revision}" if revision else "")


def entry(version: str, function: str = "f", name: str = "llama", **more: Any) -> dict[str, Any]:
    return {"id": function, "versionId": version, "ncaId": "acme", "status": "INACTIVE", "name": name, **more}


def answer(*entries: dict[str, Any]) -> FunctionsResponse:
    return reading(FunctionsResponse)(json.dumps({"functions": entries}).encode())


def read(*entries: dict[str, Any], interests: tuple[Interest, ...] = (INTEREST,)) -> Registered:
    return Registered.of(answer(*entries), interests, NOTHING_REGISTERED)


def test_only_versions_that_a_cloud_function_has_to_do_with_are_kept() -> None:
    found = read(
        entry("marked", tags=["x", mark()]),
        entry("foreign", "g", tags=[mark(OTHER_UID)]),
        entry("of-our-function", "h"),
        entry("others", "i", name="other"),
        entry("public", "j", tags=[mark()], ownedByDifferentAccount=True),
        interests=(INTEREST, Interest("0" * 32, "mistral", "h")),
    )
    assert set(found.versions) == {"marked", "of-our-function"}
    assert found.versions["of-our-function"].mark is None


def test_of_a_name_that_is_adopted_all_versions_of_all_functions_are_shown() -> None:
    adopting = Interest(UID, "llama", None, adopts=True)
    entries = (
        entry("one", tags=[mark(OTHER_UID)]),
        entry("renamed", name="lläma"),
        entry("two", "g"),
        entry("others", "h", name="other"),
        entry("public", "i", ownedByDifferentAccount=True),
    )
    found = read(*entries, interests=(adopting,))
    assert {seen.version_id for seen in found.shown_to(adopting)} == {"one", "renamed", "two"}
    assert found.named_alike(adopting) == ("f", "g")
    assert found.covers(adopting)
    assert not found.covers(INTEREST)
    assert read(*entries).shown_to(INTEREST) == ()


def test_without_a_cloud_function_nothing_is_kept() -> None:
    assert read(entry("v", tags=[mark()]), interests=()) is NOTHING_REGISTERED


def test_a_version_shows_its_mark_its_age_and_the_digest_of_its_content() -> None:
    found = read(entry("v", tags=[mark(revision="1-4-2")], createdAt="2026-11-30T08:00:00.123456789Z"))
    [seen] = found.shown_to(INTEREST)
    assert (seen.function_id, seen.name, seen.status, seen.account_id) == ("f", "llama", "INACTIVE", "acme")
    assert seen.meaning == meaning_of_version(answer(entry("v")).details(["v"])[0]) != ""
    assert seen.mark is not None
    assert (seen.mark.uid, seen.mark.token, seen.mark.revision) == (UID, "a" * 16, "1-4-2")
    assert seen.created_at is not None
    assert seen.created_at.isoformat() == "2026-11-30T08:00:00.123456+00:00"


@pytest.mark.parametrize("created", [None, "yesterday"])
def test_an_odd_time_is_no_time(created: str | None) -> None:
    [seen] = read(entry("v", tags=[mark()], createdAt=created)).shown_to(INTEREST)
    assert seen.created_at is None


@pytest.mark.parametrize(
    "tag",
    [
        "nvcf-operator:2:" + mark().split(":", 2)[2],
        mark() + ":",
        mark(token="short"),
        mark(uid=UID[1:]),
        "x" + mark(),
        mark(revision="r" * 41),
    ],
)
def test_what_is_no_mark_marks_nothing(tag: str) -> None:
    assert read(entry("v", tags=[tag])).versions == {}


def test_versions_come_oldest_first_and_those_of_an_unknown_age_last() -> None:
    found = read(
        entry("unknown", tags=[mark()]),
        entry("newer", tags=[mark()], createdAt="2026-11-30T08:00:01Z"),
        entry("older", tags=[mark()], createdAt="2026-11-30T08:00:00Z"),
    )
    assert [seen.version_id for seen in found.shown_to(INTEREST)] == ["older", "newer", "unknown"]


def test_functions_named_alike_are_those_without_a_version_of_ours() -> None:
    found = read(
        entry("v", "ours", tags=[mark()]),
        entry("w", "ours"),
        entry("x", "theirs-2"),
        entry("y", "theirs-1", tags=[mark(OTHER_UID)]),
        entry("z", "another", name="Llama"),
    )
    assert found.named_alike(INTEREST) == ("theirs-1", "theirs-2")


def test_the_content_of_a_version_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_once(details: FunctionDetails) -> str:
        read.append(details.version_id)
        return "m"

    monkeypatch.setattr(registered, "meaning_of_version", read_once)
    first = Registered.of(answer(entry("v", tags=[mark()])), (INTEREST,), NOTHING_REGISTERED)
    both = answer(entry("v", tags=[mark()], status="ACTIVE"), entry("w", tags=[mark()]))
    second = Registered.of(both, (INTEREST,), first)
    assert read == ["v", "w"]
    assert (second.versions["v"].meaning, second.versions["v"].status) == ("m", "ACTIVE")


def test_a_list_that_does_not_show_what_is_asked_for_is_read_again() -> None:
    class Answers:
        asked = 0

        async def send(self, request: Any) -> Any:
            self.asked += 1
            return answer(entry("v", tags=[mark()]), entry("w", "g", tags=[mark(OTHER_UID)]))

    async def main(clock: Clock) -> None:
        known, answers, metrics = [INTEREST], Answers(), Metrics()
        account = Account(
            Credential("http://127.0.0.1", "nvapi-key"),
            lambda account: Calls(account, answers, metrics, clock=clock),  # type: ignore[arg-type]
            Limiters(50, 16, clock=clock),
            metrics,
            interests=lambda: known,
            clock=clock,
        )
        for _ in range(2):
            listing = await account.fresh_listing(60.0, Caller(), INTEREST)
            assert not isinstance(listing, Failure)
            assert set(listing.registered.versions) == {"v"}
        assert answers.asked == 1
        known.append(other := Interest(OTHER_UID, "llama"))
        listing = await account.fresh_listing(60.0, Caller(), other)
        assert not isinstance(listing, Failure)
        assert set(listing.registered.versions) == {"v", "w"}
        await account.fresh_listing(60.0, Caller(), INTEREST)
        assert answers.asked == 2

    virtual_time.run(main)


def test_tags_and_rate_limit_are_read_again_from_each_list() -> None:
    first = read(entry("v", tags=[mark(), "a"], rateLimit={"rateLimit": "5-S, 1-M", "exemptedNcaIds": []}))
    second = Registered.of(answer(entry("v", tags=[mark(), "b"])), (INTEREST,), first)
    [before], [now] = first.shown_to(INTEREST), second.shown_to(INTEREST)
    assert before.tags == {mark(), "a"}
    assert before.rate_limit == form_of({"rateLimit": "1-M,5-S"})
    assert now.tags == {mark(), "b"}
    assert now.rate_limit is None
    assert not now.unreadable


@pytest.mark.parametrize(
    ("odd", "unreadable"),
    [
        ({"tags": "a"}, {"tags"}),
        ({"tags": [mark(), 5]}, {"tags"}),
        ({"tags": [mark()], "rateLimit": "viel"}, {"rateLimit"}),
        ({"tags": [mark()], "rateLimit": {"rateLimit": "1-S", "syncCheck": "vielleicht"}}, {"rateLimit"}),
        ({"tags": [mark()], "description": {"<&>": "ü"}}, set()),
        ({"tags": None, "rateLimit": None}, set()),
    ],
)
def test_what_cannot_be_read_is_distinguished_from_what_is_not_there(odd: dict[str, Any], unreadable: set[str]) -> None:
    ours = Interest(UID, "llama", "f")
    [seen] = read(entry("v", **odd), interests=(ours,)).shown_to(ours)
    assert seen.unreadable == unreadable
    details = FunctionDetails.model_validate(entry("v", tags=[mark()], rateLimit={"perUserRate": "1-S"}))
    assert registered.version_seen(details).rate_limit == form_of({"perUserRate": "1-S"})
