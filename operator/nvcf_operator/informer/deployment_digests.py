"""What is kept of each FunctionDeployment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.api.status import READY
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.poll_rules import PollKey, deployment_fingerprint
from nvcf_operator.informer.digests import DigestRules, Members, Term, credentials_refused, is_silent, secret_of

HOLDS = "holds"
"""Of a FunctionDeployment: it has to do with that version of that function."""

FOLLOWS = "follows"
"""Of a FunctionDeployment: it refers to the CloudFunction of that namespace and name."""

REGISTERED = "registered"
"""Of a CloudFunction: that version of that function is on its record."""


@dataclass(frozen=True, slots=True)
class DeploymentLinks:
    """What ties a FunctionDeployment to others: the versions, and the CloudFunction that it follows."""

    versions: tuple[tuple[str, str], ...]
    """Function and version pairs that it has to do with."""
    follows: str | None
    """The name of the CloudFunction that it refers to."""

    def indexed(self, key: Key) -> tuple[Term, ...]:
        """It is found by its versions and by its CloudFunction."""
        found = tuple(Term(HOLDS, *pair) for pair in self.versions)
        return found if self.follows is None else (*found, Term(FOLLOWS, key.namespace, self.follows))

    def concerned(self, key: Key, *, comes_or_goes: bool) -> tuple[Term | Key, ...]:
        """Its rivals, its CloudFunction, and those CloudFunctions whose versions it has to do with."""
        registered = tuple(Term(REGISTERED, *pair) for pair in self.versions)
        if self.follows is None:
            return (*self.indexed(key), *registered)
        return (*self.indexed(key), *registered, Key(key.namespace, self.follows, CLOUD_FUNCTION))


def _links(meta: Members, spec: Members, own: Members) -> DeploymentLinks:
    function = _function_id(spec, own)
    versions = {str(spec.get("functionVersionId", "")).lower(), own.get("functionVersionId") or ""}
    versions |= {item.get("functionVersionId", "") for item in own.get("retiring") or ()}
    versions |= {item.get("functionVersionId", "") for name in ("incoming", "intent") if (item := own.get(name))}
    return DeploymentLinks(
        versions=tuple((function, version) for version in sorted(versions) if version),
        follows=(spec.get("functionRef") or {}).get("name"),
    )


def _function_id(spec: Members, own: Members) -> str:
    """The function of a manifest; with a reference, or after one, the one on record."""
    recorded = spec.get("functionRef") or (own.get("functionRef") and own.get("functionId"))
    return str((own if recorded else spec).get("functionId") or "").lower()


def _poll_key(meta: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]) -> PollKey:
    held = status.get("functionVersionId") if status.get("functionStatus") else None
    ref = spec.get("functionRef") or {}
    silent = is_silent(meta, spec)
    return PollKey(
        function_id=_function_id(spec, status),
        held_version=held,
        shown_version=str(spec.get("functionVersionId", "")).lower() if silent and held is None else None,
        missing_version=str(spec.get("functionVersionId", "")).lower() or None if _is_not_found(meta, status) else None,
        incoming_version=(status.get("incoming") or {}).get("functionVersionId"),
        leaving=any(item.get("functionVersionId") == held for item in status.get("retiring") or ()),
        deployment_fingerprint=deployment_fingerprint(
            status.get("deploymentId"),
            (
                (item.get("gpuSpecificationId"), item.get("minInstances"), item.get("maxInstances"))
                for item in status.get("gpuSpecifications") or ()
            ),
        ),
        function_status=sys.intern(status["functionStatus"]) if status.get("functionStatus") else None,
        credentials_refused=credentials_refused(status),
        deleting=bool(meta.get("deletionTimestamp")),
        secret=secret_of(spec),
        shown_reference=(ref["name"], ref.get("revision")) if silent and held is None and ref.get("name") else None,
    )


def _is_not_found(meta: Members, status: Members) -> bool:
    """Whether the record says that NVCF knows no such version as this manifest asks for."""
    reported = (Reason.FUNCTION_NOT_FOUND, meta.get("generation"))
    return any(
        item.get("type") == READY and (item.get("reason"), item.get("observedGeneration")) == reported
        for item in status.get("conditions") or ()
    )


def _read(members: Members) -> Resource:
    return Resource.read(members)


DEPLOYMENTS = DigestRules(
    read=_read,
    annotations=(
        names.RECONCILE_REQUESTED_ANNOTATION,
        names.REDEPLOY_REQUESTED_ANNOTATION,
        names.PAUSED_ANNOTATION,
        names.FORCE_DELETE_ANNOTATION,
    ),
    links=_links,
    poll_key=_poll_key,
)
"""What the digests of FunctionDeployments hold."""
