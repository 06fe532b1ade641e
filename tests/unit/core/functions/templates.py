"""Manifests of functions, and what NVCF shows of a version that was registered from one."""

import json
from typing import Any

from nvcf_client.details import read_details
from nvcf_client.models import FunctionDefinition, FunctionDetails
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.core.functions.model.definition import definition_of
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_simulator.bodies.definition import read_definition

Fields = dict[str, Any]

UID = "3e4666bf-0f9c-4c8a-9a51-6f0d3c4b2a10"
MARK = Mark.of(UID, "h1" + "a" * 16, "b" * 16)
IMAGE = "nvcr.io/org/llama@sha256:" + "0" * 64
TELEMETRY = "0A1B2C3D-0000-4000-8000-000000000001"

SMALL: Fields = {"inferenceUrl": "/v1/chat", "containerImage": IMAGE}
WHOLE: Fields = {
    "functionType": "STREAMING",
    "inferenceUrl": "/v1/chat",
    "inferencePort": 8001,
    "health": {"protocol": "HTTP", "uri": "/health", "port": 8001, "timeout": "PT30S", "expectedStatusCode": 204},
    "containerImage": IMAGE,
    "containerArgs": "--tp 2  --name 'ä'",
    "containerEnvironment": [{"key": "B", "value": "2"}, {"key": "A", "value": ""}],
    "models": [
        {"name": "m2", "version": "1.0", "uri": "https://api.ngc.nvidia.com/v2/org/o/models/m2/1.0/files"},
        {"name": "m1", "version": "2.0", "uri": "https://api.ngc.nvidia.com/v2/org/o/models/m1/2.0/files"},
    ],
    "resources": [
        {"name": "r2", "version": "3", "uri": "https://api.ngc.nvidia.com/v2/org/o/resources/r2/3/files"},
        {"name": "r1", "version": "3", "uri": "https://api.ngc.nvidia.com/v2/org/o/resources/r1/3/files"},
    ],
    "apiBodyFormat": "PREDICT_V2",
    "telemetries": {"logsTelemetryId": TELEMETRY},
}
CHART: Fields = {
    "inferenceUrl": "/grpc",
    "helmChart": "https://helm.ngc.nvidia.com/org/charts/llama-1.2.0.tgz",
    "helmChartServiceName": "llama",
}
MODELS: Fields = {"inferenceUrl": "/v2/models", "models": WHOLE["models"]}


def manifest(template: Fields, **spec: Any) -> CloudFunctionSpec:
    """The spec of a CloudFunction with that template."""
    return CloudFunctionSpec.model_validate({"name": "llama", "template": template, **spec})


def registered(definition: FunctionDefinition) -> FunctionDetails:
    """The version that NVCF shows after a registration: with defaults, models by name, and in rules of its own."""
    shown = read_definition(json.dumps(definition.to_request()).encode()).details
    shown["models"] = sorted(shown.get("models", []), key=lambda model: str(model["name"]))
    return read_details(
        {"id": UID, "versionId": UID, "ncaId": "account", "name": "llama", "status": "INACTIVE", **shown}
    )


def version(template: Fields, **spec: Any) -> FunctionDetails:
    """What NVCF shows of a version that was registered from that manifest."""
    return registered(definition_of(manifest(template, **spec), MARK))
