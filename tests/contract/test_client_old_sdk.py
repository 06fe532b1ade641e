"""The calls of the old SDK's documentation, written as there but for the import, reach the server as they did."""

import json

import pytest

from tests.contract.client_documentation import OLD_ID as ID
from tests.contract.client_documentation import run
from tests.contract.scripted_server import answer, serving

PATH = f"/v2/nvcf/deployments/functions/{ID}/versions/{ID}"
BODY = b'{"deploymentSpecifications":[{"backend":"string","gpu":"string","maxInstances":123,"minInstances":123}]}'

DELETE = f"""
res = client.deployments.functions.versions.delete(
    function_id="{ID}",
    function_version_id="{ID}",
)
"""
GET = DELETE.replace("delete", "get")
CREATE = f"""
res = client.deployments.functions.versions.create(
    deployment_specifications=[
        {{
            "backend": "string",
            "gpu": "string",
            "max_instances": 123,
            "min_instances": 123,
        }}
    ],
    function_id="{ID}",
    function_version_id="{ID}",
)
"""
UPDATE = CREATE.replace("create", "update")
CAMEL = CREATE.replace("max_instances", "maxInstances").replace("min_instances", "minInstances")
GRACEFUL = DELETE.replace(")\n", "    graceful=True,\n)\n")

ANSWER = json.dumps(
    {
        "deployment": {
            "functionId": ID,
            "functionVersionId": ID,
            "ncaId": "account",
            "functionStatus": "DEPLOYING",
            "requestQueueUrl": "https://queue.example",
            "deploymentSpecifications": [
                {"gpu": "string", "backend": "string", "maxInstances": 123, "minInstances": 123}
            ],
        },
        "function": {"id": ID, "versionId": ID, "ncaId": "account", "name": "f", "status": "INACTIVE"},
    }
).encode()


@pytest.mark.parametrize("mode", ["synchronous", "asynchronous"])
@pytest.mark.parametrize(
    ("call", "line", "body"),
    [
        (DELETE, f"DELETE {PATH} HTTP/1.1", b""),
        (GRACEFUL, f"DELETE {PATH}?graceful=true HTTP/1.1", b""),
        (GET, f"GET {PATH} HTTP/1.1", b""),
        (CREATE, f"POST {PATH} HTTP/1.1", BODY),
        (CAMEL, f"POST {PATH} HTTP/1.1", BODY),
        (UPDATE, f"PUT {PATH} HTTP/1.1", BODY),
    ],
    ids=["delete", "delete gracefully", "get", "create", "create in camelCase", "update"],
)
def test_the_request_is_exactly_the_documented_one(
    monkeypatch: pytest.MonkeyPatch, mode: str, call: str, line: str, body: bytes
) -> None:
    monkeypatch.setenv("NGC_API_KEY", "nvapi-test")
    if mode == "synchronous":
        source = f"from nvcf_client import Client\nclient = Client(trust_env=False)\n{call}"
    else:
        source = "from nvcf_client import AsyncClient\nclient = AsyncClient(trust_env=False)\n"
        source += call.replace("res = ", "res = await ")
    with serving(answer(200, ANSWER)) as server:
        monkeypatch.setenv("NVCF_BASE_URL", server.url)
        res = run(source)["res"]
    (received,) = server.received
    assert (received.line, received.body) == (line, body)
    assert received.headers["authorization"] == "Bearer nvapi-test"
    if line.startswith("DELETE"):
        assert res.function.status == "INACTIVE"
    else:
        assert res.deployment.function_status == "DEPLOYING"
        assert res.deployment.deployment_specifications[0].max_instances == 123
