"""How long a Secret that was read is good for, and who shares a call. Time is virtual."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import pytest

from nvcf_operator.kube import errors
from nvcf_operator.kube import secrets as module
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.secrets import Absent, Denied, SecretRead, Secrets, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.support import virtual_time

KEY = b"nvapi-test"


class Cluster:
    """Answers after a second with what it holds, or with the error it is set to."""

    def __init__(self) -> None:
        self.calls = 0
        self.data: dict[str, bytes] | None = {"NGC_API_KEY": KEY}
        self.error: errors.KubeError | None = None

    async def get_secret(self, namespace: str, name: str) -> StoredSecret | None:
        self.calls += 1
        data, error = self.data, self.error
        await asyncio.sleep(1)
        if error is not None:
            raise error
        return StoredSecret(data) if data is not None else None


Scenario = Callable[[Secrets, Cluster], Coroutine[Any, Any, None]]


def play(scenario: Scenario) -> None:
    async def main(clock: virtual_time.Clock) -> None:
        cluster = Cluster()
        await scenario(Secrets(cast(KubeClient, cluster), clock=clock), cluster)

    virtual_time.run(main)


async def read(secrets: Secrets, *, max_age: float = 0.0, name: str = "a") -> SecretRead:
    return await secrets.read("ns", name, max_age=max_age)


@dataclass(frozen=True)
class Case:
    reason: str
    error: errors.KubeError | None
    data: dict[str, bytes] | None
    means: SecretRead


CASES = [
    Case("there", None, {"k": b"v"}, StoredSecret({"k": b"v"})),
    Case("there and empty", None, {}, StoredSecret({})),
    Case("not there", None, None, Absent()),
    Case("a refusal that may not last", errors.Denied("forbidden"), None, Unavailable("forbidden")),
    Case("the API server is away", errors.Unavailable("refused"), None, Unavailable("refused")),
    Case("anything else is no statement about the Secret", errors.Invalid("odd"), None, Unavailable("odd")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_what_was_read_is_one_of_four_answers(case: Case) -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        cluster.error, cluster.data = case.error, case.data
        assert await read(secrets) == case.means

    play(scenario)


def test_a_refusal_is_believed_when_it_has_lasted() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        cluster.error = errors.Denied("forbidden")
        assert [await read(secrets) for _ in range(5)] == [
            *[Unavailable("forbidden")] * 3,
            *[Denied("forbidden")] * 2,
        ], "a call takes a second"

    play(scenario)


def test_a_refusal_while_the_api_server_starts_takes_nothing_away_of_what_was_read_before() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        found = await read(secrets)
        cluster.error = errors.Denied("forbidden")
        assert isinstance(await read(secrets), Unavailable)
        assert await read(secrets, max_age=60) == found
        cluster.error = None
        assert await read(secrets) == found

    play(scenario)


def test_each_refusal_is_doubted_again_after_a_secret_could_be_read() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        for _ in range(2):
            cluster.error = errors.Denied("forbidden")
            assert isinstance(await read(secrets), Unavailable)
            await asyncio.sleep(module.DOUBT)
            cluster.error = None
            assert isinstance(await read(secrets), StoredSecret)

    play(scenario)


def test_no_data_stand_in_a_repr() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        found = await read(secrets)
        assert isinstance(found, StoredSecret)
        assert found.data["NGC_API_KEY"] == KEY
        assert KEY.decode() not in repr(found) + repr(secrets) + repr(vars(secrets))

    play(scenario)


def test_a_secret_is_read_again_when_it_is_older_than_asked_for() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        await read(secrets)
        await asyncio.sleep(60)
        await read(secrets, max_age=61)
        assert cluster.calls == 1
        await read(secrets, max_age=60)
        assert cluster.calls == 2, "its age counts from when it was asked for, a second before the answer"

    play(scenario)


def test_with_age_0_a_secret_is_read_now() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        await read(secrets)
        cluster.data = {"NGC_API_KEY": b"other"}
        assert await read(secrets) == StoredSecret({"NGC_API_KEY": b"other"})

    play(scenario)


@pytest.mark.parametrize(("error", "data"), [(None, None), (errors.Denied("no"), None)], ids=["absent", "denied"])
def test_a_secret_that_could_not_be_read_is_read_again_soon_whatever_age_will_do(
    error: errors.KubeError | None, data: None
) -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        cluster.error, cluster.data = error, data
        while isinstance(await read(secrets), Unavailable):
            pass
        cluster.calls = 1
        for _ in range(3):
            await read(secrets, max_age=float("inf"))
        assert cluster.calls == 1
        await asyncio.sleep(2)
        cluster.error, cluster.data = None, {}
        assert await read(secrets, max_age=float("inf")) == StoredSecret({})

    play(scenario)


def test_no_answer_is_never_remembered() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        cluster.error = errors.Unavailable("refused")
        assert isinstance(await read(secrets, max_age=60), Unavailable)
        cluster.error = None
        assert isinstance(await read(secrets, max_age=60), StoredSecret)

    play(scenario)


def test_no_answer_takes_nothing_away_of_what_was_read_before() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        await read(secrets)
        cluster.error = errors.Unavailable("refused")
        assert isinstance(await read(secrets), Unavailable)
        assert isinstance(await read(secrets, max_age=60), StoredSecret)
        assert cluster.calls == 2

    play(scenario)


def test_all_who_ask_at_once_share_one_call_and_its_failure() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        cluster.error = errors.Unavailable("refused")
        answers = await asyncio.gather(*(read(secrets) for _ in range(50)))
        assert answers == [Unavailable("refused")] * 50
        assert cluster.calls == 1

    play(scenario)


def test_who_asks_during_a_call_and_wants_it_as_it_is_now_gets_a_call_of_their_own() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        first = asyncio.create_task(read(secrets))
        await asyncio.sleep(0.5)
        cluster.data = None  # after the first call was served
        late = [asyncio.create_task(read(secrets)) for _ in range(10)]
        content = [asyncio.create_task(read(secrets, max_age=30)) for _ in range(10)]
        assert isinstance(await first, StoredSecret)
        assert await asyncio.gather(*late) == [Absent()] * 10
        assert all(isinstance(answer, StoredSecret | Absent) for answer in await asyncio.gather(*content))
        assert cluster.calls == 2

    play(scenario)


def test_different_secrets_do_not_wait_for_each_other() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(read(secrets, name=f"s{number}") for number in range(20)))
        assert asyncio.get_running_loop().time() - started == 1

    play(scenario)


def test_somebody_who_is_cancelled_takes_nobody_along() -> None:
    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        first, second = asyncio.create_task(read(secrets)), asyncio.create_task(read(secrets))
        await asyncio.sleep(0.5)
        first.cancel()
        assert isinstance(await second, StoredSecret)

    play(scenario)


def test_the_secrets_that_nobody_asks_for_leave_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 2)

    async def scenario(secrets: Secrets, cluster: Cluster) -> None:
        for name in ("a", "b", "a", "c", "a"):
            await read(secrets, name=name, max_age=60)
        assert cluster.calls == 3, "a was asked for again and again"
        await read(secrets, name="b", max_age=60)
        assert cluster.calls == 4, "b had to leave"

    play(scenario)
