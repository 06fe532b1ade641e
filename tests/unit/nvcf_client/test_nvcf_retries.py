"""A call is made again only where that can do no harm, later each time, and not for ever."""

from typing import Any

import pytest

from nvcf_client import endpoints, errors
from nvcf_client.errors import NvcfError
from nvcf_client.requests import Request
from nvcf_client.retries import Retries

FV: dict[str, Any] = {"function_id": "F", "function_version_id": "V"}
GET = endpoints.get_deployment(**FV)
PATCH = endpoints.update_gpu_specification(deployment_id="D", gpu_specification_id="S", min_instances=1)
PUT = endpoints.update_function_metadata(**FV, tags=[])
DELETE = endpoints.delete_deployment(**FV)
POST = endpoints.create_deployment(
    **FV, deployment_specifications=[{"gpu": "G", "min_instances": 1, "max_instances": 1}]
)
CREATE = endpoints.create_function(name="n", inference_url="/")
ALL = [GET, PATCH, PUT, DELETE, POST, CREATE]


def made(kind: type[NvcfError], retry_after: float | None = None) -> NvcfError:
    return kind(operation="o", method="M", path="/", detail="d", retry_after=retry_after)


@pytest.mark.parametrize(
    ("kind", "again", "reason"),
    [
        (errors.Unreachable, ALL, "nothing was received, so nothing is repeated"),
        (errors.Throttled, [GET, PATCH, PUT, DELETE], "a passed-on 429 may come in the middle of a POST's work"),
        (errors.ServerFault, [GET], "a write may still be running behind the answer"),
        (errors.OutcomeUnknown, [GET], "a write may have been done, or be running"),
        (errors.InvalidAnswer, [], "the same proxy would answer the same"),
        (errors.NotFound, [], "an answer"),
        (errors.Rejected, [], "an answer"),
        (errors.MethodNotAllowed, [], "an answer"),
        (errors.Redirected, [], "an answer"),
        (errors.Unauthorized, [], "an answer"),
        (errors.Forbidden, [], "an answer"),
    ],
)
def test_only_harmless_calls_are_repeated(kind: type[NvcfError], again: list[Request[Any]], reason: str) -> None:
    for request in ALL:
        repeated = Retries().pause(request, made(kind), 1) is not None
        assert repeated == (request in again), f"{request.operation} after {kind.__name__}: {reason}"


def test_pauses_double_up_to_a_limit_and_half_of_each_is_chance() -> None:
    for chance, expected in ((0.0, [0.5, 1, 2, 4, 5, 5]), (1.0, [1, 2, 4, 8, 10, 10])):
        retries = Retries(most=6, first=1, longest=10, chance=iter([chance] * 6).__next__)
        assert [retries.pause(GET, made(errors.Unreachable), n) for n in range(1, 7)] == expected


def test_there_is_an_end() -> None:
    retries = Retries(most=2)
    assert retries.pause(GET, made(errors.Unreachable), 2) is not None
    assert retries.pause(GET, made(errors.Unreachable), 3) is None


def test_none_means_none() -> None:
    assert Retries(most=0).pause(GET, made(errors.Unreachable), 1) is None


def test_the_servers_wish_is_the_least_pause() -> None:
    for chance in (0.0, 0.5, 0.999):
        pause = Retries(first=1, chance=iter([chance] * 6).__next__).pause(GET, made(errors.Throttled, 7.0), 1)
        assert pause is not None
        assert 7.0 <= pause < 7.5


def test_a_longer_wish_than_the_longest_pause_is_left_to_the_caller() -> None:
    assert Retries(longest=30).pause(GET, made(errors.Throttled, 31.0), 1) is None
