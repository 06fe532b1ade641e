"""Connections for concurrent calls: warm ones first, no more than allowed, unused ones closed."""

import asyncio

import pytest

from nvcf_client.http.pool import ConnectionPool


class Connection:
    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1
        raise OSError("closing is troublesome")

    def abandon(self) -> None:
        raise AssertionError("nobody gives this one up")


def pool_of(made: list[Connection], *, most: int = 2, keep: float = 60.0) -> ConnectionPool[Connection]:
    def make() -> Connection:
        made.append(Connection())
        return made[-1]

    return ConnectionPool(make, most=most, keep=keep)


async def test_calls_one_after_the_other_share_one_connection() -> None:
    made: list[Connection] = []
    pool = pool_of(made)
    for _ in range(3):
        async with pool.one(1) as connection:
            assert connection is made[0]
    assert len(made) == 1


async def test_calls_at_a_time_have_a_connection_each_and_the_warmest_is_taken_next() -> None:
    made: list[Connection] = []
    pool = pool_of(made)
    async with pool.one(1) as first, pool.one(1) as second:
        assert second is not first
    async with pool.one(1) as third:
        assert third is first, "the one that came back last"


async def test_there_are_no_more_connections_than_allowed_and_waiting_has_an_end() -> None:
    made: list[Connection] = []
    pool = pool_of(made, most=1)
    async with pool.one(1):
        with pytest.raises(TimeoutError):
            async with pool.one(0.02):
                pass
    async with pool.one(1):
        assert len(made) == 1


async def test_a_failing_or_cancelled_call_gives_its_connection_back() -> None:
    made: list[Connection] = []
    pool = pool_of(made, most=1)
    for error in (ValueError, asyncio.CancelledError):
        with pytest.raises(error):
            async with pool.one(1):
                raise error
    async with pool.one(0.1) as connection:
        assert connection is made[0]


async def test_a_connection_that_nobody_needs_is_closed_and_its_failure_is_nobodys() -> None:
    made: list[Connection] = []
    pool = pool_of(made, keep=0.0)
    async with pool.one(1), pool.one(1):
        pass
    assert [connection.closed for connection in made] == [1, 1]


async def test_closing_closes_every_connection_and_refuses_new_calls() -> None:
    made: list[Connection] = []
    pool = pool_of(made)
    async with pool.one(1):
        async with pool.one(1):
            pass
        await pool.aclose()
    assert [connection.closed for connection in made] == [1, 1]
    with pytest.raises(RuntimeError, match="closed"):
        async with pool.one(1):
            pass


async def test_renewed_connections_are_used_from_the_next_call_on_and_old_ones_are_closed_at_their_end() -> None:
    made: list[Connection] = []
    pool = pool_of(made)
    async with pool.one(1):
        pass
    async with pool.one(1) as old:
        await pool.renew()
        async with pool.one(1) as new:
            assert new is not old
        assert old.closed == 0
    assert (old.closed, new.closed) == (1, 0)
    async with pool.one(1) as next_one:
        assert next_one is new
    await pool.renew()
    assert new.closed == 1


async def test_an_old_connection_is_closed_after_a_call_that_fails_too() -> None:
    made: list[Connection] = []
    pool = pool_of(made)

    async def fail() -> None:
        async with pool.one(1):
            await pool.renew()
            raise ValueError("a call that fails")

    with pytest.raises(ValueError, match="a call that fails"):
        await fail()
    assert [connection.closed for connection in made] == [1]
