"""What becomes of a server's Retry-After on its way through an account. Time is virtual; the client is replaced."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from nvcf_client import endpoints
from nvcf_client.errors import NvcfError, Obstacle, ServerFault, Throttled, Unreachable
from nvcf_client.requests import Request
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import Calls
from nvcf_operator.api import names
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import LimiterClosed, Limiters
from nvcf_operator.flowcontrol.pacing import MOST_FOR_OTHERS, MOST_FOR_URGENT
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics
from tests.support import virtual_time
from tests.support.virtual_time import Clock

GET = endpoints.get_function(function_id="f", function_version_id="v")
DELETE = endpoints.delete_deployment(function_id="f", function_version_id="v", graceful=True)
UID = "7c1e0000-0000-4000-8000-000000000001"
DAY = 86_400.0


class Failing:
    """Stands for a client: answers all with one failure."""

    def __init__(self, kind: type[NvcfError], retry_after: float | None) -> None:
        self.kind, self.retry_after, self.sent = kind, retry_after, 0

    async def send(self, request: Request[Any]) -> Any:
        self.sent += 1
        raise self.kind(
            operation="get_function", method="GET", path="/", status=429, detail="", retry_after=self.retry_after
        )


class Down:
    """Stands for a client whose server is not there."""

    def __init__(self) -> None:
        self.obstacle, self.words = Obstacle.REFUSED, "Connection refused"

    async def send(self, request: Request[Any]) -> Any:
        raise Unreachable(
            operation=request.operation,
            method=request.method,
            path=request.path,
            detail=f"http://127.0.0.1/v2/nvcf: {self.words}",
            obstacle=self.obstacle,
        )


def account(client: Failing | Down, clock: Clock) -> Account:
    limiters = Limiters(50, 16, clock=clock, random=lambda: 0.0)
    metrics = Metrics()
    calls = lambda account: Calls(account, client, metrics, clock=clock)  # type: ignore[arg-type]  # noqa: E731
    return Account(Credential("http://127.0.0.1/v2/nvcf", "nvapi-x"), calls, limiters, metrics, clock=clock)


@pytest.mark.parametrize("kind", [Throttled, ServerFault])
@pytest.mark.parametrize(("priority", "most"), [(Priority.HIGH, MOST_FOR_URGENT), (Priority.LOW, MOST_FOR_OTHERS)])
def test_no_wait_that_a_server_names_reaches_a_resource_longer_than_we_keep_it(
    kind: type[NvcfError], priority: Priority, most: float
) -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(kind) as caught:
            await account(Failing(kind, DAY), clock).call(GET, Caller(priority))
        assert caught.value.retry_after == most
        assert error_classification.of_reading(caught.value).retry_after == most

    virtual_time.run(main)


@pytest.mark.parametrize("wait", [None, 3.0, 600.0, DAY])
def test_while_one_pause_lasts_every_reconcile_says_the_same_whoever_asks(wait: float | None) -> None:
    async def main(clock: Clock) -> None:
        client = Failing(Throttled, wait)
        one, texts = account(client, clock), set()
        for turn in range(400):
            try:
                await one.call(GET, Caller(Priority.LOW if turn % 2 else Priority.HIGH))
            except LimiterClosed as closed:
                failure = calls.limiter_failure(closed)
            except NvcfError as error:
                failure = error_classification.of_reading(error)
            assert failure.reason == Reason.THROTTLED
            texts.add(failure.message)
            await asyncio.sleep(7.3)
        assert len(texts) == 1, texts
        assert client.sent > 1, "the calls that try again say so, too"

    virtual_time.run(main)


def test_while_one_outage_lasts_every_reconcile_says_the_same_whoever_asks() -> None:
    async def main(clock: Clock) -> None:
        client, texts, sent = Down(), set(), set()
        one = account(client, clock)
        for turn in range(400):
            failure: object
            if turn % 3 == 0:
                failure = await one.fresh_listing(0.0)
            else:
                try:
                    await one.call(GET if turn % 3 == 1 else DELETE)
                except LimiterClosed as closed:
                    failure = calls.limiter_failure(closed)
                except NvcfError as error:
                    failure = one.reading(error) if turn % 3 == 1 else one.writing(error)
                    sent.add(error.operation)
            assert isinstance(failure, Failure)
            assert failure.reason == Reason.NVCF_UNAVAILABLE
            texts.add(failure.message)
            await asyncio.sleep(7.3)
        (text,) = texts
        assert "Connection refused" in text
        assert len(sent) == 2, "several calls were the probe"

    virtual_time.run(main)


def test_an_outage_is_reported_to_all_keys_of_the_account_and_a_later_one_by_its_own_cause() -> None:
    async def main(clock: Clock) -> None:
        client = Down()
        one = account(client, clock)
        for _ in range(5):
            with suppress(NvcfError):
                await one.call(GET)
        other = account(client, clock)
        other.limiter = one.limiter
        failure = await other.fresh_listing(0.0)
        assert isinstance(failure, Failure)
        assert "Connection refused" in failure.message
        await asyncio.sleep(2.0)
        one.limiter.succeeded()
        client.obstacle, client.words = Obstacle.TLS, "certificate verify failed"
        with pytest.raises(Unreachable) as caught:
            await one.call(GET)
        assert "--nvcf-ca-file" in one.reading(caught.value).message

    virtual_time.run(main)


def test_a_pause_by_date_is_reported_the_same_while_the_date_comes_nearer() -> None:
    async def main(clock: Clock) -> None:
        end, texts = clock() + 7000.0, set()
        client = Failing(Throttled, None)
        one = account(client, clock)
        while clock() < end - 100:
            client.retry_after = float(round(end - clock()))
            try:
                await one.call(GET, Caller(Priority.HIGH))
            except LimiterClosed as closed:
                texts.add(calls.limiter_failure(closed).message)
            except NvcfError as error:
                texts.add(error_classification.of_call(error).message)
            await asyncio.sleep(31.7)
        assert len(texts) == 1, texts
        assert client.sent > 20

    virtual_time.run(main)


def resource(*, deleting: bool = False, annotations: dict[str, str] | None = None) -> Resource:
    metadata: dict[str, Any] = {
        "namespace": "team",
        "name": "echo",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
    }
    metadata |= {"finalizers": [names.FINALIZER], "annotations": annotations or {}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    specification = {"gpu": "L40S", "minInstances": 1, "maxInstances": 1}
    spec = {"functionId": UID, "functionVersionId": UID, "deploymentSpecifications": [specification]}
    return Resource.read({"metadata": metadata, "spec": spec, "status": {"observedGeneration": 1}})


WAITING = [
    (resource(), False, "nobody waits for it"),
    (resource(deleting=True), True, "a deletion costs money until it is done"),
    (resource(annotations={names.RECONCILE_REQUESTED_ANNOTATION: "Mo 3. März & <now>"}), True, "a reconcile-now"),
    (resource(annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "1"}), True, "a redeploy-now"),
]


@pytest.mark.parametrize(("seen", "hurries", "reason"), WAITING)
def test_high_priority_calls_pass_as_such_while_a_pause_lasts_and_only_then(
    seen: Resource, hurries: bool, reason: str
) -> None:
    async def main(clock: Clock) -> None:
        one = account(Failing(Throttled, DAY), clock)
        assert not one.hurries(seen), "else it goes at its own priority"
        one.limiter.throttled(DAY)
        assert one.hurries(seen) == hurries, reason
        await asyncio.sleep(MOST_FOR_OTHERS)
        assert not one.hurries(seen)
        for _ in range(5):
            one.limiter.failed()
        assert not one.hurries(seen), "a breaker holds all alike"

    virtual_time.run(main)
