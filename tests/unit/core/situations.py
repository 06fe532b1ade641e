"""Builds situations for tests of the decisions: a plain resource and deployment, changed where a case needs it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nvcf_client.models import Deployment
from nvcf_operator.api import names
from nvcf_operator.api.status import FunctionDeploymentStatus, Intent
from nvcf_operator.core.branches.record_update import recorded
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.core.model.observed import Absent, AccountView, FunctionSeen, Present, Proof
from nvcf_operator.core.model.resource import Resource, answered
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report.conditions import report

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
UID = "11111111-1111-1111-1111-111111111111"
FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
VERSION = "7c1e0000-0000-4000-8000-000000000001"
OTHER_VERSION = "7c1e0000-0000-4000-8000-000000000002"
DEPLOYMENT = "dddddddd-0000-4000-8000-000000000001"
SPECIFICATION = "eeeeeeee-0000-4000-8000-000000000001"
ACCOUNT = "acme"
TOKEN = "0123456789abcdef"
NAME = "écho & <co>"

GPU: dict[str, Any] = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
PROVEN = AccountView(Proof.PROVEN, ACCOUNT, "fingerprint")


def resource(
    *,
    spec: Mapping[str, Any] | None = None,
    gpu: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    finalizer: bool = False,
    deleting: bool = False,
    generation: int = 1,
    annotations: Mapping[str, str] | None = None,
    intent: Intent | None = None,
) -> Resource:
    """A resource as the API server gives it; `intent` takes the place of the one in `status`."""
    stored = dict(status or {"observedGeneration": -1})
    if intent is not None:
        stored |= {"uid": UID, "intent": intent.to_dict()}
    return Resource.read(
        {
            "metadata": {
                "namespace": "team",
                "name": "echo",
                "uid": UID,
                "resourceVersion": "7",
                "generation": generation,
                "creationTimestamp": "2026-01-31T11:00:00Z",
                "finalizers": [names.FINALIZER] if finalizer else [],
                "annotations": dict(annotations or {}),
                **({"deletionTimestamp": "2026-01-31T11:59:00Z"} if deleting else {}),
            },
            "spec": {
                "functionId": FUNCTION,
                "functionVersionId": VERSION,
                "deploymentSpecifications": [{**GPU, **(gpu or {})}],
                **(spec or {}),
            },
            "status": stored,
        }
    )


def intent(version: str = VERSION, *, token: str = TOKEN, uid: str = UID, **changes: Any) -> Intent:
    """The intent of a POST, open by default."""
    return Intent(uid=uid, function_version_id=version, token=token, **changes)


def deployment(status: str = "ACTIVE", *, gpu: Mapping[str, Any] | None = None, **changes: Any) -> Deployment:
    """A deployment of VERSION as GET shows it."""
    return Deployment.model_validate(
        {
            "functionId": FUNCTION,
            "functionVersionId": VERSION,
            "deploymentId": DEPLOYMENT,
            "functionName": NAME,
            "ncaId": ACCOUNT,
            "functionStatus": status,
            "deploymentSpecifications": [
                {**GPU, "gpuSpecificationId": SPECIFICATION, "maxRequestConcurrency": 1, **(gpu or {})}
            ],
            **changes,
        }
    )


def absent(of: Resource, *, for_seconds: float = 1000.0, **changes: Any) -> Situation:
    """GET says 404, the account answers, and the function is in its list."""
    base = Situation(
        resource=of,
        now=NOW,
        observations={VERSION: Absent(for_seconds)},
        account=AccountView(Proof.PROVEN if of.status.account_id else Proof.NEVER_PINNED, ACCOUNT, "fingerprint"),
        function=FunctionSeen.OURS,
    )
    return replace(base, **changes)


def present(of: Resource, shown: Deployment | None = None, **changes: Any) -> Situation:
    """GET shows a deployment."""
    base = Situation(resource=of, now=NOW, observations={VERSION: Present(shown or deployment())}, account=PROVEN)
    return replace(base, **changes)


def held(of_status: str = "ACTIVE", *, ago: float = 600.0, **changes: Any) -> Resource:
    """A resource whose record, written `ago` seconds ago by these very functions, holds a deployment in a status.

    `status` changes members of that record; `intent` is an open one in place of the answered one.
    """
    made = deployment(of_status)
    then = present(
        resource(finalizer=True, intent=intent()),
        made,
        now=NOW - timedelta(seconds=ago),
        answered_intent=answered(intent(), made),
    )
    record = report(then, decide(then)).to_dict()
    return resource(**{"finalizer": True, **changes, "status": {**record, **changes.get("status", {})}})


def put_on_record(situation: Situation) -> FunctionDeploymentStatus:
    """What a situation puts on record, also where a write is made first, after which it is reported."""
    return report(situation, recorded(situation, decide(situation)))


def conditions_of(situation: Situation) -> dict[str, tuple[str, str]]:
    """The conditions that a decision leads to: type to status and reason."""
    status = report(situation, decide(situation))
    return {item.type: (item.status, item.reason) for item in status.conditions}


def condition_set_of(decision: Decision) -> tuple[str, bool, bool, bool]:
    """Reason, ready, reconciling, stalled."""
    assert decision.condition_set is not None, f"no condition set in {decision}"
    condition_set = decision.condition_set
    return str(condition_set.reason), condition_set.ready, condition_set.reconciling, condition_set.stalled
