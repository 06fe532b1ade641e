"""Builds situations of a CloudFunction for tests of its decisions: a plain one, changed where a case needs it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.function_status import Registration
from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.identity import meaning_of_template, template_hash
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.observed import Absent, AccountView, Failure, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.templates import IMAGE, SMALL, UID, Fields, manifest

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
OTHER_FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568b"
FIRST, SECOND, THIRD = (f"7c1e0000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
TOKEN = "0123456789abcdef"
PROVEN = AccountView(Proof.PROVEN, "acme", "fingerprint")
AGO = NOW - timedelta(hours=1)
USER = Key("team", "llama")

OTHER_TEMPLATE: Fields = {**SMALL, "containerArgs": "--tp 4"}
THIRD_TEMPLATE: Fields = {**SMALL, "containerArgs": "--tp 8"}
MOVED_IMAGE = IMAGE.partition("@")[0] + ":latest"


def cloud_function(
    template: Fields = SMALL,
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    finalizer: bool = True,
    deleting: bool = False,
    generation: int = 1,
    annotations: Mapping[str, str] | None = None,
) -> CloudFunction:
    """A CloudFunction as the API server gives it."""
    return CloudFunction.read(
        {
            "metadata": {
                "namespace": "team",
                "name": "llama",
                "uid": UID,
                "resourceVersion": "7",
                "generation": generation,
                "creationTimestamp": "2026-01-31T11:00:00Z",
                "finalizers": [names.CLOUD_FUNCTION.finalizer] if finalizer else [],
                "annotations": {f"nvcf-operator.io/{name}": text for name, text in (annotations or {}).items()},
                **({"deletionTimestamp": "2026-01-31T11:59:00Z"} if deleting else {}),
            },
            "spec": {"name": "llama", "template": template, **(spec or {})},
            "status": {"observedGeneration": -1, **(status or {})},
        }
    )


def hash_of(template: Fields, new_version: str | None = None) -> str:
    """The hash of a template."""
    return template_hash(manifest(template), new_version)


def version(
    version_id: str = FIRST,
    template: Fields = SMALL,
    *,
    hash_: str | None = None,
    token: str = TOKEN,
    revision: str | None = None,
    uid: str = UID,
    marked: bool = True,
    **changes: Any,
) -> VersionSeen:
    """A version as the list shows it, registered an hour ago from a template, INACTIVE and with this object's mark."""
    mark = Mark.of(uid, hash_ or hash_of(template), token, revision) if marked else None
    seen = VersionSeen(
        function_id=FUNCTION,
        version_id=version_id,
        name="llama",
        status="INACTIVE",
        mark=mark,
        tags=frozenset([mark.tag] if mark is not None else []),
        meaning=meaning_of_template(manifest(template)),
        created_at=AGO,
        account_id="acme",
    )
    return replace(seen, **changes)


def situation(of: CloudFunction, *versions: VersionSeen, **changes: Any) -> FunctionSituation:
    """The account answers and its list shows these versions, none of which is deployed."""
    base = FunctionSituation(
        resource=of,
        now=NOW,
        account=PROVEN,
        versions=versions,
        deployments={seen.version_id: Absent(1000.0) for seen in versions},
        claims_current=True,
    )
    return replace(base, **changes)


def intent(template: Fields = SMALL, *, token: str = TOKEN, uid: str = UID, **changes: Any) -> Registration:
    """The intent of a POST, open by default."""
    return Registration(uid=uid, hash=hash_of(template), token=token, **changes)


def recorded(*versions: VersionSeen, status: Mapping[str, Any] | None = None, **changes: Any) -> CloudFunction:
    """A resource whose record, written by these very functions, holds the versions; the last of them is the latest."""
    entries: list[dict[str, Any]] = [
        {
            "versionId": seen.version_id,
            "hash": seen.mark.hash if seen.mark else hash_of(SMALL),
            "createdAt": seen.created_at.isoformat() if seen.created_at else None,
            "served": True,
            **({"revision": seen.mark.revision} if seen.mark and seen.mark.revision else {}),
        }
        for seen in reversed(versions)
    ]
    latest: dict[str, Any] = {
        name: entries[0][name] for name in ("versionId", "hash", "revision") if name in entries[0]
    }
    stored = {
        "uid": UID,
        "observedGeneration": 1,
        "functionId": FUNCTION,
        "accountId": "acme",
        "credential": "fingerprint",
        "latest": {**latest, "generation": 1},
        "versions": entries,
        "phase": "Registered",
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Registered", "observedGeneration": 1},
        ],
        **(status or {}),
    }
    return cloud_function(**{"status": stored} | changes)


def follower(name: str = "llama", *, refers: bool = True, **changes: Any) -> Follower:
    """A FunctionDeployment that has seen the first generation."""
    return Follower(**{"key": Key("team", name), "refers": refers, "shows_generation": 1, **changes})


def outage(**changes: Any) -> Failure:
    """A failure of the server."""
    return replace(Failure(Reason.NVCF_UNAVAILABLE, "NVCF is down.", Scope.SERVER), **changes)


def refusal(reason: Reason = Reason.REJECTED) -> Failure:
    """NVCF's no to this resource's own request."""
    return Failure(reason, "NVCF: create_function answered with 400: no. Change it.", Scope.RESOURCE)


def after(of: FunctionSituation, **metadata: Any) -> CloudFunction:
    """The resource with the status that the decision leads to."""
    stored = report(of, decide(of)).to_dict()
    return cloud_function(**{"status": stored, "finalizer": of.resource.has_finalizer, **metadata})


def reported(of: FunctionSituation) -> dict[str, tuple[str, str]]:
    """The conditions that a decision leads to: type to status and reason."""
    return {item.type: (item.status, item.reason) for item in report(of, decide(of)).conditions}


def outcome(decision: FunctionDecision) -> tuple[str, str]:
    """Reason, and whether it is ready, reconciling, stalled or at rest."""
    assert decision.action is None, f"a write is decided on: {decision.action}"
    assert decision.condition_set is not None, f"nothing is reported by {decision}"
    said = decision.condition_set
    words = {"ready": said.ready, "reconciling": said.reconciling, "stalled": said.stalled, "blocked": said.blocked}
    return str(said.reason), " ".join(word for word, holds in words.items() if holds)
