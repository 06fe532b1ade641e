"""Where `import` withholds a CloudFunction because of a rule, the real API server refuses it, and nowhere else."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from nvcf_client.details import read_details
from nvcf_operator.api.names import CLOUD_FUNCTION
from nvcf_operator.commands.function_manifests import function_manifest
from nvcf_operator.commands.function_rules import broken_rate_rule, broken_rule
from nvcf_operator.settings.options import ImportOptions
from tests.integration.function_manifests import FILES, IMAGE
from tests.integration.resource_manifests import FUNCTION, manifest
from tests.integration.rule_table import refusals

pytestmark = pytest.mark.usefixtures("operator_identity")

VERSION = "7c1e0b4a-9a39-4c7e-8d1f-3f5f0f7b9a10"
HEALTH = {"protocol": "HTTP", "uri": "/up", "port": 9000, "timeout": "PT10S", "expectedStatusCode": 204}
CHART = {"helmChart": "oci://host/chart", "helmChartServiceName": "s"}
MODELS = [{"name": "m", "version": "1", "uri": FILES}]
BASE = {"inferenceUrl": "/v1/chat"}
IMAGES = [IMAGE, "https://nvcr.io/a", "nvcr.io/a:1@sha256:0", "nvcr.io:443/a@sha256:0", "other/a:1@sha256:0", "a@b@c:d"]
TEMPLATES: list[dict[str, Any]] = [
    {},
    *({"containerImage": image} for image in IMAGES),
    {"models": MODELS},
    {"models": MODELS * 2},
    {"models": MODELS, "resources": [*MODELS, {**MODELS[0], "version": "2"}]},
    CHART,
    {**CHART, "models": MODELS},
    {**CHART, "containerArgs": "x"},
    {**CHART, "containerImage": IMAGE},
    {**CHART, "containerEnvironment": [{"key": "A", "value": "b"}]},
    {"helmChart": "https://h/c.tgz"},
    {"containerImage": IMAGE, "helmChartServiceName": "s"},
    *({"containerImage": IMAGE, "inferencePort": port} for port in (1, 8080, 8010, 65535)),
    *(
        {"containerImage": IMAGE, "health": {**HEALTH, **change}}
        for change in (
            {},
            {"timeout": "PT0S"},
            {"timeout": "PT0H0M0.000S"},
            {"timeout": "PT24H0.5S"},
            {"expectedStatusCode": 99},
            {"expectedStatusCode": 600},
            {"protocol": "gRPC", "expectedStatusCode": 0},
        )
    ),
    *(
        {"containerImage": IMAGE, "containerEnvironment": [{"key": key, "value": ""} for key in keys]}
        for keys in (["A", "B"], ["A", "A"], ["NVCF_X"], ["nvcf_x"])
    ),
]
LIMITS: list[dict[str, Any]] = [
    {"rateLimit": "1-S"},
    {"rateLimit": "1-S, 2-M,3-H, 4-D"},
    {"rateLimit": "1-S,2-S"},
    {"perUserRate": "1-D, 1-D"},
    {"perNcaIdRate": {"a": "1-S", "ü": "1-M,2-M"}},
    {"syncCheck": True},
    {"perUserRate": "1-S", "exemptedNcaIds": ["a"]},
    {"rateLimit": "1-S", "exemptedNcaIds": ["a"]},
    {"rateLimit": "1-S", "exemptedNcaIds": ["a"], "perNcaIdRate": {"a": "1-S"}},
]


Specs = Mapping[str, Mapping[str, Any]]


def named(specs: Specs) -> list[dict[str, Any]]:
    return [manifest(name, spec, CLOUD_FUNCTION) for name, spec in specs.items()]


def test_the_rules_for_templates_are_the_api_servers(control_plane: ControlPlane) -> None:
    specs: Specs = {
        f"t{number}": {"name": "llama", "template": {**BASE, **item}} for number, item in enumerate(TEMPLATES)
    }
    refused = refusals(control_plane, named(specs))
    for name, spec in specs.items():
        assert (name in refused) == (broken_rule(spec["template"]) is not None), (spec, refused.get(name))


def test_the_rules_for_rate_limits_are_the_api_servers(control_plane: ControlPlane) -> None:
    template = {**BASE, "containerImage": IMAGE}
    specs: Specs = {
        f"r{number}": {"name": "llama", "template": template, "rateLimit": limit} for number, limit in enumerate(LIMITS)
    }
    refused = refusals(control_plane, named(specs))
    for name, spec in specs.items():
        assert (name in refused) == (broken_rate_rule(spec["rateLimit"]) is not None), (spec, refused.get(name))


def test_whatever_a_server_shows_the_api_server_takes_what_is_printed(control_plane: ControlPlane) -> None:
    odd = "1e5 \x00\x85\u2028\x1b[31m ~ null: {{x}}"
    shown = {
        "id": FUNCTION,
        "versionId": VERSION,
        "ncaId": "acme",
        "name": "1e5",
        "status": "ACTIVE",
        "description": odd,
        "inferenceUrl": "/grpc",
        "containerImage": IMAGE,
        "containerArgs": odd * 100,
        "containerEnvironment": [
            {"key": odd, "value": odd},
            {"key": "yes", "value": "no"},
            {"key": "0x1", "value": "~"},
        ],
        "tags": ["yes", "1e5", "-", "=", "12:30"],
        "rateLimit": {"rateLimit": "5-S", "exemptedNcaIds": [], "perNcaIdRate": {"null": "1-D", "ü/<&>": "1-S"}},
        "health": {**HEALTH, "timeout": "P1DT0.5S"},
        "models": [{"name": name, "version": "1.0", "uri": FILES} for name in ("no", "1.0", odd)],
        "telemetries": {"logsTelemetryId": FUNCTION.upper()},
    }
    made = function_manifest(
        "odd", read_details(shown), ImportOptions(), deployed=3, secrets=("a.b", "1e5", "no"), key="nvapi-test"
    )
    body = {**made.body, "spec": {name: value for name, value in made.body["spec"].items() if name != "secrets"}}
    assert refusals(control_plane, [body]) == {}
    kept = control_plane.kubectl("create", "--dry-run=client", "-f", "-", "-o", "json", input=made.to_yaml())
    assert json.loads(kept)["spec"] == made.body["spec"], "YAML means the same to kubectl"
