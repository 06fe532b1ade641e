"""When a poll may compare tags and rate limit of a CloudFunction's versions with its manifest."""

from typing import Any

import pytest

from nvcf_operator.core.functions.model.metadata import Metadata
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.informer.function_digests import functions

WANTED = Metadata(frozenset({"a"}), '{"rateLimit":"1-M,5-S"}')
SPEC = {"name": "llama", "tags": ["a"], "rateLimit": {"rateLimit": "5-S, 1-M"}}


def kept(
    status: str = "True",
    reason: str = "Registered",
    *,
    seen: int = 2,
    metadata: dict[str, Any] | None = None,
    **spec: Any,
) -> Metadata | None:
    """What a poll compares with, of an object with these words in Ready."""
    obj = {
        "metadata": {"namespace": "team", "name": "llama", "uid": "u", "generation": 2, **(metadata or {})},
        "spec": SPEC | spec,
        "status": {
            "uid": "u",
            "conditions": [{"type": "Ready", "status": status, "reason": reason, "observedGeneration": seen}],
        },
    }
    poll_key = functions(CloudFunction.read, lambda obj: None).digest(obj).poll_key
    assert isinstance(poll_key, FunctionPollKey)
    return poll_key.metadata


@pytest.mark.parametrize(("status", "reason"), [("True", "Registered"), ("False", "ArtifactRejected")])
def test_what_is_in_effect_is_compared_though_the_template_may_not_be_registered(status: str, reason: str) -> None:
    assert kept(status, reason) == WANTED


@pytest.mark.parametrize(
    "found",
    [
        kept("False", "Updating"),
        kept("False", "NotConverging"),
        kept(seen=1),
        kept(suspend=True),
        kept(managementPolicy="Observe"),
        kept(metadata={"annotations": {"nvcf-operator.io/paused": "true"}}),
        kept(metadata={"deletionTimestamp": "2026-11-30T12:00:00Z"}),
    ],
    ids=["at work", "given up", "a former generation", "suspended", "observed", "paused", "deleted"],
)
def test_nothing_is_compared_where_nothing_would_be_written(found: Metadata | None) -> None:
    assert found is None
