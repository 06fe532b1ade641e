"""One credential's calls and list, on a loop with virtual time; the client is replaced by answers that are ready."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from nvcf_client import endpoints
from nvcf_client.errors import Forbidden, NotFound, NvcfError, ServerFault, Throttled, Unauthorized
from nvcf_client.requests import Request
from nvcf_client.responses import FunctionsResponse, reading
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import ADVISORY, Calls
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import LimiterClosed, Limiters
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics
from tests.support import virtual_time
from tests.support.virtual_time import Clock

URL, OTHER_URL = "http://127.0.0.1/v2/nvcf", "http://127.0.0.2/v2/nvcf"
GET = endpoints.get_function(function_id="f", function_version_id="v")


class Answers:
    """Stands for a client: lists one function of an account; other calls are as given."""

    def __init__(self, account: str | None) -> None:
        self.account = account
        self.error: Exception | None = None
        self.sent = 0
        self.listed: FunctionsResponse | None = None

    async def send(self, request: Request[Any]) -> Any:
        self.sent += 1
        if self.error is not None:
            raise self.error
        if request.operation != "list_functions":
            return None
        if self.listed is not None:
            return self.listed
        items = [] if self.account is None else [{"id": "f", "versionId": "v", "ncaId": self.account, "status": "A"}]
        return FunctionsResponse.model_validate({"functions": items})


def account(
    limiters: Limiters,
    clock: Clock,
    key: str,
    owner: str | None = "acme",
    url: str = URL,
    *,
    metrics: Metrics | None = None,
) -> tuple[Account, Answers]:
    answers, metrics = Answers(owner), metrics or Metrics()
    calls = lambda account: Calls(account, answers, metrics, clock=clock)  # type: ignore[arg-type]  # noqa: E731
    return Account(Credential(url, key), calls, limiters, metrics, clock=clock), answers


def throttled() -> Throttled:
    return Throttled(operation="get_function", method="GET", path="/", status=429, detail="", retry_after=30.0)


def test_two_keys_share_a_gate_once_both_lists_show_the_same_account() -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(50, 16, clock=clock)
        one, _ = account(limiters, clock, "nvapi-one")
        two, _ = account(limiters, clock, "nvapi-two")
        assert one.limiter is not two.limiter
        await one.fresh_listing(0.0)
        assert one.limiter is not two.limiter
        await two.fresh_listing(0.0)
        assert one.limiter is two.limiter

    virtual_time.run(main)


@pytest.mark.parametrize(
    ("owner", "url"),
    [("globex", URL), ("acme", OTHER_URL), (None, URL)],
    ids=["another account", "another base URL", "a list that shows no account"],
)
def test_what_is_not_known_to_be_the_same_account_has_another_gate(owner: str | None, url: str) -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(50, 16, clock=clock)
        one, _ = account(limiters, clock, "nvapi-one")
        two, _ = account(limiters, clock, "nvapi-two", owner, url)
        await one.fresh_listing(0.0)
        await two.fresh_listing(0.0)
        assert one.limiter is not two.limiter

    virtual_time.run(main)


def test_a_gate_is_kept_while_a_later_list_shows_no_account_and_left_for_another_account() -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(50, 16, clock=clock)
        one, answers = account(limiters, clock, "nvapi-one")
        two, _ = account(limiters, clock, "nvapi-two")
        await one.fresh_listing(0.0)
        await two.fresh_listing(0.0)
        await asyncio.sleep(1.0)
        answers.account = None
        await one.fresh_listing(0.0)
        assert one.limiter is two.limiter
        await asyncio.sleep(1.0)
        answers.account = "globex"
        await one.fresh_listing(0.0)
        assert one.limiter is not two.limiter

    virtual_time.run(main)


def test_a_429_for_one_key_shuts_the_other_out() -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(50, 16, clock=clock)
        one, answers = account(limiters, clock, "nvapi-one")
        two, others = account(limiters, clock, "nvapi-two")
        await one.fresh_listing(0.0)
        await two.fresh_listing(0.0)
        await asyncio.sleep(1.0)
        answers.error = throttled()
        with pytest.raises(Throttled):
            await one.call(GET)
        sent = others.sent
        assert isinstance(await two.fresh_listing(0.0), Failure)
        assert others.sent == sent

    virtual_time.run(main)


def test_two_keys_together_stay_at_the_rate_and_namespaces_take_turns() -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(10, 16, clock=clock)
        one, _ = account(limiters, clock, "nvapi-one")
        two, _ = account(limiters, clock, "nvapi-two")
        await one.fresh_listing(0.0)
        await two.fresh_listing(0.0)
        order: list[str] = []

        async def calls(by: Account, namespace: str, number: int) -> None:
            async def once() -> None:
                await by.call(GET, Caller(namespace=namespace))
                order.append(namespace)

            await asyncio.gather(*(once() for _ in range(number)))

        start = clock()
        await asyncio.gather(calls(one, "big", 80), calls(two, "small", 10))
        assert 90 / (clock() - start) == pytest.approx(9, rel=0.05)
        assert order[:22].count("small") == 10

    virtual_time.run(main)


def test_a_namespace_with_nobody_in_line_may_join_a_crowded_one() -> None:
    async def main(clock: Clock) -> None:
        limiters = Limiters(1, 1, clock=clock)
        one, _ = account(limiters, clock, "nvapi-one")
        waiting = [asyncio.ensure_future(one.call(GET, Caller(namespace="big"))) for _ in range(5)]
        await virtual_time.settle()
        assert one.saturated(4, Caller(Priority.LOW, "big"))
        assert not one.saturated(4, Caller(Priority.LOW, "small"))
        assert not one.saturated(4, Caller(Priority.HIGH, "big"))
        assert one.saturated(2, Caller(Priority.LOW, "small"))
        await asyncio.gather(*waiting)

    virtual_time.run(main)


@pytest.mark.parametrize("kind", [Unauthorized, Forbidden])
def test_where_the_key_is_refused_each_reconcile_says_what_looks_like_a_mistake_in_it(kind: type[NvcfError]) -> None:
    async def main(clock: Clock) -> None:
        one, answers = account(Limiters(50, 16, clock=clock), clock, '"nvapi-one"')
        answers.error = kind(operation="list_functions", method="GET", path="/", status=401, detail="no")
        failure = await one.fresh_listing(0.0)
        assert isinstance(failure, Failure)
        assert failure.reason == Reason.UNAUTHORIZED
        assert "quotation marks" in failure.message
        assert "nvapi" not in failure.message
        probed = one.key_status.waiting_for_probe()
        assert probed is not None
        assert probed.message == failure.message

    virtual_time.run(main)


REGISTER = endpoints.create_function(name="llama", inference_url="/", container_image="nvcr.io/o/i:1")


@pytest.mark.parametrize("kind", [Unauthorized, Forbidden, NotFound])
@pytest.mark.parametrize("lists", [True, False], ids=["while the list is answered", "while the list is refused, too"])
def test_what_a_registry_may_have_said_is_about_the_key_only_if_the_list_is_refused_too(
    kind: type[NvcfError], lists: bool
) -> None:
    async def main(clock: Clock) -> None:
        one, answers = account(Limiters(50, 16, clock=clock), clock, "nvapi-one")
        answers.error = kind(operation="create_function", method="POST", path="/", status=401, detail="no such image")
        with pytest.raises(kind) as raised:
            await one.call(REGISTER)
        assert one.key_status.failure is None, "so far nothing is known of the key"
        refused = Unauthorized(operation="list_functions", method="GET", path="/", status=401, detail="no such key")
        answers.error = None if lists else refused
        failure = await one.registering(raised.value, Caller())
        assert failure.reason == (Reason.ARTIFACT_REJECTED if lists else Reason.UNAUTHORIZED)
        assert (one.key_status.failure is None) == lists

    virtual_time.run(main)


def test_a_refused_key_that_looks_valid_gets_no_hint() -> None:
    async def main(clock: Clock) -> None:
        one, answers = account(Limiters(50, 16, clock=clock), clock, "nvapi-one")
        answers.error = Unauthorized(operation="list_functions", method="GET", path="/", status=401, detail="no")
        failure = await one.fresh_listing(0.0)
        assert isinstance(failure, Failure)
        assert "It may be" not in failure.message

    virtual_time.run(main)


def test_a_key_that_stays_refused_is_reported_in_the_words_of_the_first_refusal() -> None:
    async def main(clock: Clock) -> None:
        one, answers = account(Limiters(50, 16, clock=clock), clock, "nvapi-one")
        answers.error = Unauthorized(operation="get_function", method="GET", path="/", status=401, detail="no")
        with pytest.raises(Unauthorized):
            await one.call(GET)
        first = one.key_status.waiting_for_probe()
        assert first is not None
        answers.error = Unauthorized(operation="list_functions", method="GET", path="/", status=401, detail="still no")
        for _ in range(4):
            await asyncio.sleep(one.key_status.probe_in or 0.0)
            listed, probed = await one.fresh_listing(0.0), one.key_status.waiting_for_probe()
            assert isinstance(listed, Failure)
            assert probed is not None
            assert {listed.message, probed.message} == {first.message}

    virtual_time.run(main)


@pytest.mark.parametrize("operation", sorted({*ADVISORY, GET.operation}))
def test_calls_on_which_nothing_depends_say_nothing_of_the_server_and_the_key(operation: str) -> None:
    async def main(clock: Clock) -> None:
        one, answers = account(Limiters(50, 16, clock=clock), clock, "nvapi-one")
        request = replace(GET, operation=operation)
        for kind, status in ((ServerFault, 502), (Unauthorized, 401)):
            answers.error = kind(operation=operation, method="GET", path="/", status=status, detail="größe & «so»")
            for _ in range(10):
                with pytest.raises((kind, LimiterClosed)):
                    await one.call(request)
        open_and_in_use = one.limiter.open, one.key_status.waiting_for_probe() is None
        assert open_and_in_use == ((True, True) if operation in ADVISORY else (False, True))

    virtual_time.run(main)


def test_odd_entries_of_a_list_are_counted_each_time_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: Clock) -> None:
        metrics = Metrics()
        entry = {"id": "f", "versionId": "v", "ncaId": "acme", "status": "ACTIVE"}
        body = json.dumps({"functions": [entry, {**entry, "versionId": "w", "status": None}]}).encode()
        one, answers = account(Limiters(50, 16, clock=clock), clock, "nvapi-one", metrics=metrics)
        answers.listed = reading(FunctionsResponse)(body)
        for _ in range(3):
            listing = await one.fresh_listing(0.0)
            assert not isinstance(listing, Failure)
            assert (set(listing.entries), set(listing.skipped)) == ({"v"}, {"w"})
            await asyncio.sleep(1.0)
        counted = metrics.registry.get_sample_value(
            "nvcf_operator_nvcf_odd_values_total", {"operation": "list_functions"}
        )
        assert counted == 3

    virtual_time.run(main)
    assert [record.message for record in caplog.records if "functions[].status" in record.message] == [
        f"{URL} answers list_functions with a value that cannot be read and is ignored: "
        "functions[].status: Input should be a valid string"
    ]
