"""The client's calls that change a version in place, against the simulator: secrets and rate limit, sync and async."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client import AsyncClient, Client, errors
from tests.support.simulator import KEY, Simulator

RATE = {"rate_limit": "100-M"}
TOKEN = "hf_größe<&>0123456789"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.start() as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(api_key=KEY, base_url=simulator.url, max_retries=0, trust_env=False) as opened:
        yield opened


@pytest.fixture
def ids(client: Client) -> dict[str, Any]:
    """A function of its own, without secrets or rate limit."""
    made = client.functions.create(name="llama", inference_url="/v1/chat", container_image="nvcr.io/org/llama:1")
    return {"function_id": made.function.id, "function_version_id": made.function.version_id}


def test_secrets_are_merged_by_name_and_their_values_arrive(
    simulator: Simulator, client: Client, ids: dict[str, Any]
) -> None:
    update = client.secrets.functions.versions.update
    update(**ids, secrets=[{"name": "HF_TOKEN", "value": TOKEN}])
    update(**ids, secrets=[{"name": "SETTINGS", "value": {"größe": 1}}])
    assert simulator.has_secrets(ids["function_version_id"], HF_TOKEN=TOKEN, SETTINGS={"größe": 1})
    shown = client.functions.versions.get(**ids, include_secrets=True).details()
    assert [getattr(item, "name", item) for item in shown.secrets or ()] == ["HF_TOKEN", "SETTINGS"]
    assert TOKEN not in repr(shown)


def test_a_refused_secret_is_in_no_error(client: Client, ids: dict[str, Any]) -> None:
    with pytest.raises(errors.Rejected) as refused:
        client.secrets.functions.versions.update(**ids, secrets=[{"name": "-A", "value": TOKEN}])
    assert TOKEN not in str(refused.value) + repr(refused.value)


def test_the_rate_limit_is_set_and_only_its_delete_removes_it(client: Client, ids: dict[str, Any]) -> None:
    client.ratelimit.functions.versions.update(**ids, rate_limit=RATE)
    limit = client.functions.versions.get(**ids).details().rate_limit
    assert limit is not None
    assert limit.rate_limit == "100-M"
    for _ in range(2):  # a second time is answered alike
        client.ratelimit.functions.versions.delete(**ids)
        assert client.functions.versions.get(**ids).details().rate_limit is None


def test_the_async_client_makes_the_same_calls(simulator: Simulator, client: Client, ids: dict[str, Any]) -> None:
    async def change() -> None:
        async with AsyncClient(api_key=KEY, base_url=simulator.url, max_retries=0, trust_env=False) as other:
            await other.secrets.functions.versions.update(**ids, secrets=[{"name": "HF_TOKEN", "value": TOKEN}])
            await other.ratelimit.functions.versions.update(**ids, rate_limit=RATE)
            await other.ratelimit.functions.versions.delete(**ids)

    asyncio.run(change())
    assert simulator.has_secrets(ids["function_version_id"], HF_TOKEN=TOKEN)
    assert client.functions.versions.get(**ids).details().rate_limit is None
