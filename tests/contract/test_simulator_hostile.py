"""Bodies that no client should send: the response is the service's, the log is readable, and the next request works."""

import pytest

from tests.contract.simulator_client import Api, deployment_of
from tests.support.simulator import Simulator

_DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_DEEP, "nested deeper than a parser goes"),
        (b'{"deploymentSpecifications":' + _DEEP, "nested too deeply inside an object"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"null", "no object"),
        (b'"text"', "no object"),
        (b'{"deploymentSpecifications": NaN}', "NaN is no JSON"),
        (b'{"deploymentSpecifications": [{"minInstances": 1e999}]}', "beyond 64 bits"),
    ],
)
def test_an_unreadable_body_is_an_error_of_the_framework(
    simulator: Simulator, api: Api, body: bytes, reason: str
) -> None:
    cursor = simulator.cursor
    function = simulator.add_function()
    answer = api.http.post(deployment_of(function), content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, reason
    assert answer.headers["Content-Type"] == "application/problem+json", reason
    assert "type" not in answer.json(), reason
    (entry,) = simulator.log(cursor, functionVersionId=function[1])
    assert (entry["status"], entry["inFlight"], entry["committed"]) == (400, False, None), reason
    assert api.get(function).status_code == 404, reason


@pytest.mark.parametrize(
    ("kind", "field", "value", "reason"),
    [
        ("container", "autoscalingConfiguration", '{"scaleUpDetails": {"factor": "Infinity", "threshold": 1}}', "text"),
        ("container", "autoscalingConfiguration", '{"scaleUpDetails": {"factor": 1e999, "threshold": 1}}', "a number"),
        ("helm", "configuration", '{"replicas": 1e999}', "chart values, which are taken as they are"),
    ],
)
def test_a_number_beyond_json_is_rejected_and_never_returned(
    simulator: Simulator, api: Api, kind: str, field: str, value: str, reason: str
) -> None:
    function = simulator.add_function(kind=kind)
    numbers = '"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 0, "maxInstances": 1'
    body = f'{{"deploymentSpecifications": [{{{numbers}, "{field}": {value}}}]}}'
    answer = api.http.post(deployment_of(function), content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, reason
    assert api.get(function).status_code == 404, reason
