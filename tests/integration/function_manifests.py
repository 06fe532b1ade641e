"""Manifests of functions for trying the CRD: a small one, a complete one, and other forms of its template."""

from collections.abc import Mapping
from typing import Any

from tests.integration.resource_manifests import FUNCTION, MEMBER, REMOVED

IMAGE = "nvcr.io/org/llama@sha256:" + "0" * 64
FILES = "https://api.ngc.nvidia.com/v2/org/o/models/m/1.0/files"

SMALL: Mapping[str, Any] = {"name": "llama", "template": {"inferenceUrl": "/v1/chat", "containerImage": IMAGE}}

COMPLETE: Mapping[str, Any] = {
    "name": "llama",
    "functionId": FUNCTION,
    "revision": "1-4-2",
    "description": "Answers questions.",
    "template": {
        "functionType": "DEFAULT",
        "inferenceUrl": "/v1/chat",
        "inferencePort": 8000,
        "health": {"protocol": "HTTP", "uri": "/health", "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200},
        "containerImage": IMAGE,
        "containerArgs": "--tp 2",
        "containerEnvironment": [{"key": "LOG_LEVEL", "value": "info"}],
        "models": [{"name": "llama3", "version": "1.0", "uri": FILES, "llmConfig": {"tokenizer": "t"}}],
        "resources": [{"name": "prompts", "version": "3", "uri": FILES}],
        "apiBodyFormat": "CUSTOM",
        "telemetries": {
            "logsTelemetryId": FUNCTION,
            "metricsTelemetryId": FUNCTION,
            "tracesTelemetryId": FUNCTION,
        },
    },
    "secrets": [{"name": "HF_TOKEN", "secretRef": {"name": "llama-secrets", "key": "hf"}, "format": "String"}],
    "tags": ["team-a", "prod"],
    "rateLimit": {
        "rateLimit": "100-M",
        "perNcaIdRate": {MEMBER: "10-S, 100-M"},
        "exemptedNcaIds": ["account-2"],
        "perUserRate": "10-S",
        "syncCheck": False,
    },
    "rateLimitPolicy": "Limited",
    "llm": {"priority": {"defaultPriority": 1}},
    "authorizedAccounts": ["account-3"],
    "history": {"limit": 1},
    "credentials": {"secretRef": {"name": "nvcf-credentials", "key": "NGC_API_KEY"}},
    "adoptionPolicy": "Refuse",
    "deletionPolicy": "Delete",
    "managementPolicy": "Manage",
    "suspend": False,
}
"""A manifest that sets every field but those of a chart, so that any one of them can be spoilt.

Some of it is not supported yet, so the shipped CRD refuses it.
"""

BY_CHART: Mapping[str, Any] = {
    "template.containerImage": REMOVED,
    "template.containerArgs": REMOVED,
    "template.containerEnvironment": REMOVED,
    "template.helmChart": "https://helm.ngc.nvidia.com/org/charts/llama-1.2.0.tgz",
    "template.helmChartServiceName": "llama",
}
"""What makes a manifest with an image one with a Helm chart."""
