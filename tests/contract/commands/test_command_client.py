"""The client of the commands: it retries where that is polite, and gives up however many calls are left."""

import asyncio
from pathlib import Path

import pytest

from nvcf_client import endpoints
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.errors import OutcomeUnknown, ServerFault
from nvcf_operator.commands import read_only_client
from nvcf_operator.commands.read_only_client import ReadOnlyClient
from nvcf_operator.settings.options import AccountSettings
from tests.contract.scripted_server import Server, answer, serving, silence

pytestmark = pytest.mark.usefixtures("no_proxy")

LIST = endpoints.list_functions(visibility="private")
NOTHING = answer(200, b'{"functions": []}')
BUSY = answer(503, b'{"title": "T", "detail": "busy"}')


def client(server: Server, timeout: float = 5.0) -> ReadOnlyClient:
    account = AccountSettings(nvcf_base_url=server.url, api_key_file=Path("unread"))
    return ReadOnlyClient(account, "nvapi-test", timeout=timeout)


async def test_a_failure_that_passes_is_not_seen() -> None:
    with serving(BUSY, BUSY, NOTHING) as server:
        async with client(server) as it:
            assert (await it.call(LIST)).functions == ()
    assert len(server.received) == 3


async def test_a_failure_that_stays_is_raised_after_three_more_tries() -> None:
    with serving(BUSY) as server:
        async with client(server) as it:
            with pytest.raises(ServerFault):
                await it.call(LIST)
    assert len(server.received) == 4


async def test_when_nothing_is_answered_any_more_what_is_left_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_only_client, "PATIENCE", 1.0)
    with serving(silence) as server:
        async with client(server, timeout=0.3) as it:
            results = await asyncio.gather(*(it.call(LIST) for _ in range(40)), return_exceptions=True)
    assert {type(result) for result in results} == {OutcomeUnknown}
    assert len(server.received) < 20


async def test_an_answer_ends_the_patience_that_was_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_only_client, "PATIENCE", 1.0)
    with serving(BUSY, NOTHING, BUSY, NOTHING, BUSY, NOTHING, BUSY, NOTHING) as server:
        async with client(server, timeout=0.5) as it:
            for _ in range(4):
                await it.call(LIST)
    assert len(server.received) == 8


async def test_a_call_that_writes_is_never_made() -> None:
    write = endpoints.delete_deployment(function_id="f", function_version_id="v")
    with serving(NOTHING) as server:
        async with client(server) as it:
            with pytest.raises(AssertionError, match="no reading call"):
                await it.call(write)
    assert server.received == []


async def test_a_scope_is_tried_only_on_a_function_that_no_account_has() -> None:
    there = endpoints.delete_function(function_id="f", function_version_id="v")
    with serving(NOTHING) as server:
        async with client(server) as it:
            with pytest.raises(AssertionError, match="may exist"):
                await it.may(there)
    assert server.received == []


async def test_what_tries_a_scope_is_not_repeated_after_a_failure() -> None:
    nowhere = endpoints.delete_function(function_id=NOWHERE, function_version_id=NOWHERE)
    with serving(BUSY) as server:
        async with client(server) as it:
            assert isinstance(await it.may(nowhere), ServerFault)
    assert len(server.received) == 1
