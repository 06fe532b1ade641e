"""Which values of secrets are sent to which versions, and what is reported while they cannot be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.api.function_status import CloudFunctionStatus, RegisteredVersion
from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.decision import Register, SendSecrets
from nvcf_operator.core.functions.model.identity import template_hash
from nvcf_operator.core.functions.model.observed import SecretsSeen, VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.secrets import digest_of_names
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.unsent import nameless, unsent
from nvcf_operator.core.functions.report.events import of_write
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    SECOND,
    THIRD,
    cloud_function,
    follower,
    intent,
    outcome,
    situation,
    version,
)
from tests.unit.core.functions.situations import recorded as plain
from tests.unit.core.functions.templates import SMALL, manifest

A, B = "HF_TOKEN", "CONFIG"
OLD, NEW = "0" * 16, "1" * 16
MISSING = Failure(Reason.SECRET_MISSING, "Secret team/s does not exist.", Scope.RESOURCE)
OUTAGE = Failure(Reason.SECRET_UNREADABLE, "Secret team/s could not be read.", Scope.SERVER, retry_after=5.0)


def named(*names: str) -> dict[str, Any]:
    """A spec with these secrets."""
    return {"secrets": [{"name": name, "secretRef": {"name": "s", "key": "k"}} for name in names]}


def hash_with(*names: str) -> str:
    """The hash of the small template with these secrets."""
    return template_hash(manifest(SMALL, **(named(*names) if names else {})))


def made(version_id: str = FIRST, *names: str, **changes: Any) -> VersionSeen:
    """A version that was registered with these secrets."""
    return version(version_id, hash_=hash_with(*names), **changes)


def recorded(
    versions: Mapping[VersionSeen, tuple[tuple[str, ...], str | None]], *wanted: str, **changes: Any
) -> CloudFunction:
    """A resource that names secrets. On its record each version has names and a digest; the last is the latest."""
    found = plain(*versions, spec=named(*wanted) if wanted else None, **changes)
    of = {seen.version_id: known for seen, known in versions.items()}
    entries = tuple(
        item.model_copy(
            update={"secret_names": digest_of_names(of[item.version_id][0]), "secrets": of[item.version_id][1]}
        )
        for item in found.status.versions
    )
    return replace(found, status=found.status.model_copy(update={"versions": entries}))


def rotated(**changes: Any) -> FunctionSituation:
    """A version in use that has OLD, where the Secret has NEW, and this process knows that A has changed."""
    seen = made(FIRST, A, B)
    of = situation(recorded({seen: ((A, B), OLD)}, A, B), seen, secrets=SecretsSeen(NEW, None, {OLD: frozenset({A})}))
    return replace(of, **changes)


def entries(of: FunctionSituation) -> dict[str, RegisteredVersion]:
    """What the status records of versions after a decision."""
    return {item.version_id: item for item in status_of(of).versions}


def status_of(of: FunctionSituation) -> CloudFunctionStatus:
    """The status after a decision."""
    return report(of, decide(of))


def synced(of: FunctionSituation) -> tuple[str, str] | None:
    """What SecretsSynced says after a decision."""
    found = [item for item in status_of(of).conditions if item.type == "SecretsSynced"]
    return (found[0].status, found[0].reason) if found else None


def test_the_names_that_have_changed_are_sent_to_the_version_in_use() -> None:
    assert decide(rotated()).action == SendSecrets(rotated().versions[0].function_id, FIRST, NEW, frozenset({A}))


def test_all_names_are_sent_where_what_was_sent_is_not_known() -> None:
    action = decide(rotated(secrets=SecretsSeen(NEW))).action
    assert isinstance(action, SendSecrets)
    assert action.names == {A, B}


def test_changed_metadata_are_recorded_and_not_sent() -> None:
    of = rotated(secrets=SecretsSeen(NEW, None, {OLD: frozenset()}))
    assert decide(of).action is None
    assert entries(of)[FIRST].secrets == NEW
    assert synced(of) == ("True", "SecretsSynced")


def test_what_was_sent_goes_on_record_and_is_not_sent_again() -> None:
    sent = decide(rotated()).action
    after = rotated(wrote=sent)
    assert decide(after).action is None
    assert entries(after)[FIRST].secrets == NEW
    assert synced(after) == ("True", "SecretsSynced")
    assert outcome(decide(after)) == ("Registered", "ready")


def test_until_it_is_sent_nothing_says_that_it_was() -> None:
    failed = rotated(tried=decide(rotated()).action, failure=Failure(Reason.NVCF_UNAVAILABLE, "no", Scope.SERVER))
    assert entries(failed)[FIRST].secrets == OLD
    assert synced(failed) == ("False", "Updating")


@pytest.mark.parametrize(
    ("status", "held", "sent"),
    [("INACTIVE", False, False), ("ACTIVE", False, True), ("DEPLOYING", False, True), ("INACTIVE", True, True)],
)
def test_former_versions_get_values_while_they_are_in_use(status: str, held: bool, sent: bool) -> None:
    former, seen = made(FIRST, A, status=status), made(SECOND, A)
    of = situation(
        recorded({former: ((A,), OLD), seen: ((A,), NEW)}, A),
        former,
        seen,
        secrets=SecretsSeen(NEW),
        followers=(follower(named=frozenset({FIRST})),) if held else (),
    )
    action = decide(of).action
    assert isinstance(action, SendSecrets) is sent
    assert not sent or (isinstance(action, SendSecrets) and action.version_id == FIRST)


def test_what_has_just_failed_lets_other_versions_go_first() -> None:
    former, seen = made(FIRST, A, status="ACTIVE"), made(SECOND, A)
    of = situation(recorded({former: ((A,), OLD), seen: ((A,), OLD)}, A), former, seen, secrets=SecretsSeen(NEW))
    sent = [decide(replace(of, put_off=put_off)).action for put_off in (None, (SECOND, "SendSecrets"))]
    assert [action.version_id for action in sent if isinstance(action, SendSecrets)] == [SECOND, FIRST]


def test_a_version_that_was_registered_without_secrets_never_gets_any() -> None:
    former, seen = version(FIRST, status="ACTIVE"), made(SECOND, A)
    of = situation(recorded({former: ((), None), seen: ((A,), NEW)}, A), former, seen, secrets=SecretsSeen(NEW))
    assert unsent(of, former) is None
    assert decide(of).action is None


def test_a_version_with_other_names_gets_the_values_of_those_that_it_has() -> None:
    former, seen = made(FIRST, A, status="ACTIVE"), made(SECOND, A, B)
    of = situation(recorded({former: ((A,), OLD), seen: ((A, B), NEW)}, A, B), former, seen, secrets=SecretsSeen(NEW))
    assert nameless(of) == (former,)
    assert unsent(of, former) is None, "a name must not be added to it"
    shown = replace(former, secret_names=frozenset({A, "REMOVED"}))
    of = replace(of, versions=(shown, seen))
    action = unsent(of, shown)
    assert action is not None
    assert action.names == {A}
    unchanged = replace(of, secrets=SecretsSeen(NEW, None, {OLD: frozenset({B})}))
    assert unsent(unchanged, shown) is None
    assert entries(unchanged)[FIRST].secrets == NEW


def test_values_that_cannot_be_sent_since_no_name_is_shown_are_reported() -> None:
    former, seen = made(FIRST, A, status="ACTIVE"), made(SECOND, A, B)
    of = situation(recorded({former: ((A,), OLD), seen: ((A, B), NEW)}, A, B), former, seen, secrets=SecretsSeen(NEW))
    assert synced(of) == ("False", "MissingScope")
    (message,) = (item.message for item in status_of(of).conditions if item.type == "SecretsSynced")
    assert FIRST in message
    assert "list_functions_details" in message
    unchanged = replace(of, secrets=SecretsSeen(NEW, None, {OLD: frozenset()}))
    assert synced(unchanged) == ("True", "SecretsSynced")


def test_what_is_not_known_of_a_version_that_rests_is_not_recorded() -> None:
    former, seen = made(FIRST, A), made(SECOND, A, B)
    of = situation(recorded({former: ((A,), OLD), seen: ((A, B), NEW)}, A, B), former, seen, secrets=SecretsSeen(NEW))
    assert nameless(of) == ()
    assert entries(of)[FIRST].secrets == OLD


@pytest.mark.parametrize(("before", "after"), [((A,), (A, B)), ((A, B), (A,)), ((), (A,)), ((A,), ())])
def test_another_set_of_names_is_another_version(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    seen = made(FIRST, *before)
    of = situation(recorded({seen: (before, OLD if before else None)}, *after, generation=2), seen)
    of = replace(of, secrets=SecretsSeen(NEW) if after else None)
    assert isinstance(decide(of).action, Register)


def test_a_version_found_without_a_record_is_taken_by_the_names_that_a_read_shows() -> None:
    seen = replace(version(hash_="h1" + "0" * 16), secret_names=frozenset({A}))
    lost = plain(seen, spec=named(A), status={"versions": [], "latest": None, "functionId": None})
    of = situation(lost, seen, secrets=SecretsSeen(NEW))
    assert decide(of).taken == FIRST
    other = replace(of, versions=(replace(seen, secret_names=frozenset({A, B})),))
    assert decide(other).taken is None


def test_nothing_is_registered_while_a_secret_is_missing() -> None:
    none = plain(made(FIRST, A), spec=named(A), status={"versions": [], "latest": None, "functionId": None})
    of = situation(none, secrets=SecretsSeen(failure=MISSING))
    decision = decide(of)
    assert decision.action is None
    assert outcome(decision) == ("SecretMissing", "reconciling"), "for as long as it is awaited"
    assert synced(of) == ("False", "SecretMissing")
    outage = replace(of, secrets=SecretsSeen(failure=OUTAGE))
    assert outcome(decide(outage)) == ("SecretUnreadable", "reconciling")
    assert isinstance(decide(replace(of, secrets=SecretsSeen(NEW))).action, Register)


def test_what_is_registered_is_followed_while_a_secret_is_missing() -> None:
    of = rotated(secrets=SecretsSeen(failure=MISSING))
    decision = decide(of)
    assert (decision.action, decision.taken) == (None, FIRST)
    assert outcome(decision)[0] == "SecretMissing"
    assert entries(of)[FIRST].secrets == OLD
    assert 0 < (decision.requeue or 0) <= 15


def test_an_outage_of_the_api_server_says_nothing_about_what_is_in_order() -> None:
    of = rotated(secrets=SecretsSeen(OLD))
    ready = replace(of, resource=replace(of.resource, status=status_of(of)))
    assert synced(ready) == ("True", "SecretsSynced")
    outage = replace(ready, secrets=SecretsSeen(failure=OUTAGE))
    assert status_of(outage) == ready.resource.status
    assert decide(outage).backoff


def test_a_request_sends_all_values_to_each_version_in_use_once() -> None:
    former, seen = made(FIRST, A, B, status="ACTIVE"), made(SECOND, A, B)
    of = situation(
        recorded({former: ((A, B), NEW), seen: ((A, B), NEW)}, A, B, annotations={"secrets-requested-at": "now"}),
        former,
        seen,
        secrets=SecretsSeen(NEW),
    )
    first = decide(of).action
    assert isinstance(first, SendSecrets)
    assert (first.version_id, sorted(first.names)) == (SECOND, sorted({A, B}))
    after = replace(of, wrote=first)
    status = status_of(after)
    assert status.last_handled_secrets_at == "now"
    assert {item.version_id: item.secrets for item in status.versions} == {SECOND: NEW, FIRST: None}
    then = replace(of, resource=replace(of.resource, status=status))
    second = decide(then).action
    assert isinstance(second, SendSecrets)
    assert second.version_id == FIRST
    status = status_of(replace(then, wrote=second))
    assert {item.secrets for item in status.versions} == {NEW}
    assert decide(replace(of, resource=replace(of.resource, status=status))).action is None


def test_a_request_is_answered_where_there_are_no_secrets() -> None:
    seen = version()
    of = situation(plain(seen, annotations={"secrets-requested-at": "now"}), seen)
    assert status_of(of).last_handled_secrets_at == "now"


def test_a_request_waits_for_a_secret_that_is_missing() -> None:
    of = rotated(secrets=SecretsSeen(failure=MISSING))
    asked = replace(of.resource, annotations={"nvcf-operator.io/secrets-requested-at": "now"})
    assert status_of(replace(of, resource=asked)).last_handled_secrets_at is None


def test_a_way_back_gets_the_values_before_it_is_taken() -> None:
    back, seen = made(FIRST, A), version(THIRD, {**SMALL, "containerArgs": "--tp 4"}, hash_="h1" + "2" * 16)
    of = situation(
        recorded({back: ((A,), OLD), seen: ((A,), NEW)}, A, generation=2), back, seen, secrets=SecretsSeen(NEW)
    )
    decision = decide(of)
    assert isinstance(decision.action, SendSecrets)
    assert decision.action.version_id == FIRST
    assert decision.taken is None
    assert decide(replace(of, wrote=decision.action)).taken == FIRST


def test_the_answer_to_a_registration_records_what_was_sent() -> None:
    seen = replace(made(FIRST, A), secret_names=frozenset({A}))
    asked = intent(secrets=OLD, secret_names=digest_of_names([A])).model_copy(update={"hash": hash_with(A)})
    none = plain(seen, spec=named(A), status={"versions": [], "latest": None, "functionId": None})
    answered = asked.model_copy(update={"answered": True})
    register = Register(None, hash_with(A))
    of = situation(none, secrets=SecretsSeen(OLD), wrote=register, answer=seen, answered_intent=answered)
    assert entries(of)[FIRST].secrets == OLD
    assert entries(of)[FIRST].secret_names == digest_of_names([A])
    assert synced(of) == ("True", "SecretsSynced")


def test_a_manifest_without_secrets_has_no_such_condition() -> None:
    seen = version()
    assert synced(situation(plain(seen), seen)) is None


def test_values_that_are_large_together_are_a_remark() -> None:
    of = rotated(secrets=SecretsSeen(OLD, large=True))
    found = next(item for item in status_of(of).conditions if item.type == "SecretsSynced")
    assert (found.status, "8 KB" in found.message) == ("True", True)


def test_an_adopted_version_has_the_names_of_the_manifest_and_gets_all_values_once() -> None:
    seen = version(marked=False, status="ACTIVE")
    of = cloud_function(spec={**named(A), "functionId": FUNCTION})
    adopting = situation(of, seen, secrets=SecretsSeen(NEW))
    assert decide(adopting).taken == FIRST
    adopted = replace(of, status=status_of(replace(adopting, wrote=decide(adopting).action)))
    sent = unsent(replace(adopting, resource=adopted), seen)
    assert sent is not None
    assert sent.names == {A}


def test_the_event_names_what_was_sent_and_where() -> None:
    sent = decide(rotated(secrets=SecretsSeen(NEW))).action
    assert isinstance(sent, SendSecrets)
    (note,) = of_write(rotated().resource, sent)
    assert (note.warning, note.reason) == (False, Reason.UPDATED)
    assert f"{B}, {A} to version {FIRST}" in note.message
