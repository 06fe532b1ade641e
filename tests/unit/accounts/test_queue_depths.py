"""The lengths of queues: which are read, at which pace, and what a failure or a key without the right leads to."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nvcf_client import errors
from nvcf_client.models import Queue
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.queue_depths import REFUSED, QueueDepths
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.metrics import Metrics
from tests.unit.informer.two_kinds import FUNCTION, VERSION, cache_of_both, deployment, function, function_key

ECHO, OTHER, LLAMA = Key("team", "echo"), Key("team", "other"), function_key("llama")
HELD = Failure(Reason.NVCF_UNAVAILABLE, "größe < 1 & «so»", Scope.SERVER)


class Rounds:
    """Rounds over one account with two FunctionDeployments and a CloudFunction, in virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cache: Cache = cache_of_both()
        self.cache.put(function(5))
        self.put("echo", "ACTIVE")
        self.put("other", "ACTIVE")
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[float, Caller]] = []
        self.failure: Failure | None = None
        self.account = SimpleNamespace(
            credential="key", keys={ECHO, OTHER, LLAMA}, held=lambda caller: self.failure, call=self._call
        )
        self.metrics = Metrics()
        accounts = [cast(Account, self.account)]
        self.depths = QueueDepths(
            accounts, self.cache, self.metrics, interval=60.0, rate=50.0, clock=lambda: self.now, sleep=self._sleep
        )

    def put(self, name: str, status: str | None, **more: Any) -> None:
        shown = {"functionVersionId": VERSION, "functionStatus": status} if status else {}
        self.version = getattr(self, "version", 10) + 1
        self.cache.put(deployment(self.version, name, status={**shown, **more}))

    def round(self) -> dict[str, float]:
        """Make a round; the series of the metric after it, by name."""
        asyncio.run(self.depths.round())
        family = next(item for item in self.metrics.registry.collect() if item.name == "nvcf_operator_queued_requests")
        return {sample.labels["name"]: sample.value for sample in family.samples}

    async def _call(self, request: Request[Any], caller: Caller) -> Any:
        self.asked.append((self.now, caller))
        assert (request.operation, request.path) == ("get_queue", f"/queues/functions/{FUNCTION}/versions/{VERSION}")
        answer = self.answers.get(str(len(self.asked)), self.answers.get("all", 3))
        if isinstance(answer, type):
            raise answer(operation="get_queue", method="GET", path="/", detail="größe < 1 & «so»", status=500)
        odd = Queue(function_version_id="another", queue_depth=99)
        return SimpleNamespace(queues=(odd, Queue(function_version_id=VERSION, queue_depth=answer)))

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


def test_each_active_deployment_is_read_one_after_the_other_behind_all_other_work(rounds: Rounds) -> None:
    assert rounds.round() == {"echo": 3, "other": 3}
    assert [caller for _, caller in rounds.asked] == [Caller(Priority.LOW, "team")] * 2
    assert rounds.asked[1][0] - rounds.asked[0][0] == pytest.approx(0.2), "a tenth of the rate"
    assert rounds.depths.of(ECHO, VERSION) == 3
    assert rounds.depths.of(ECHO, "another") is None


@pytest.mark.parametrize(
    "status",
    [
        ("DEPLOYING", {}),
        ("INACTIVE", {}),
        (None, {}),
        ("ACTIVE", {"retiring": [{"functionVersionId": VERSION}]}),
    ],
)
def test_what_is_not_active_or_leaves_is_not_read_and_loses_its_number(
    rounds: Rounds, status: tuple[str | None, dict[str, Any]]
) -> None:
    rounds.round()
    rounds.put("echo", status[0], **status[1])
    assert rounds.round() == {"other": 3}
    assert len(rounds.asked) == 3


def test_a_resource_that_is_gone_loses_its_number(rounds: Rounds) -> None:
    rounds.round()
    rounds.account.keys.discard(ECHO)
    assert rounds.round() == {"other": 3}


@pytest.mark.parametrize("answer", [errors.NotFound, errors.ServerFault, errors.InvalidAnswer, None, -1])
def test_what_cannot_be_read_has_no_number_and_the_rest_goes_on(rounds: Rounds, answer: Any) -> None:
    rounds.round()
    rounds.answers["3"] = answer
    assert rounds.round() == {"other": 3}
    assert rounds.round() == {"echo": 3, "other": 3}


def test_a_key_without_the_scope_is_left_alone_for_an_hour(rounds: Rounds) -> None:
    rounds.answers["all"] = errors.Forbidden
    assert (rounds.round(), len(rounds.asked)) == ({}, 1)
    assert (rounds.round(), len(rounds.asked)) == ({}, 1)
    rounds.now += REFUSED
    rounds.answers["all"] = 4
    assert rounds.round() == {"echo": 4, "other": 4}


def test_a_function_that_the_policy_excludes_does_not_hide_the_others(rounds: Rounds) -> None:
    rounds.answers["2"] = errors.Forbidden
    assert rounds.round() == {"echo": 3}
    assert rounds.round() == {"echo": 3, "other": 3}


def test_nothing_is_asked_while_the_account_is_held(rounds: Rounds) -> None:
    rounds.round()
    rounds.failure = HELD
    assert (rounds.round(), len(rounds.asked)) == ({}, 2)
