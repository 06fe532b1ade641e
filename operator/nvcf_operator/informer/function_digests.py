"""What is kept of each CloudFunction."""

from collections.abc import Callable
from dataclasses import dataclass

from nvcf_operator.api import names
from nvcf_operator.api.common import AdoptionPolicy
from nvcf_operator.api.conditions import READY
from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.model.metadata import Metadata, metadata_of
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.informer.deployment_digests import FOLLOWS, HOLDS, REGISTERED
from nvcf_operator.informer.digests import DigestRules, Members, Term, credentials_refused, is_silent, secret_of

FUNCTION = "function"
"""Of a CloudFunction: that function is on its record, or its manifest names it."""

OF_TEMPLATE = (Reason.ARTIFACT_REJECTED, Reason.QUOTA_EXCEEDED)
"""Why Ready is False for long though the versions in use are as the manifest says."""

NAME = "name"
"""Of a CloudFunction: its manifest gives its function that name."""


@dataclass(frozen=True, slots=True)
class FunctionLinks:
    """What ties a CloudFunction to others: its function, the versions of it, and its name in NVCF."""

    function_id: str
    """Empty before there is one."""
    versions: tuple[str, ...]
    name: str
    given_function: str = ""
    """The function that its manifest names; empty if it names none."""

    @property
    def functions(self) -> tuple[str, ...]:
        """The function on its record, and the one that its manifest names."""
        return tuple(dict.fromkeys(function for function in (self.function_id, self.given_function) if function))

    def indexed(self, key: Key) -> tuple[Term, ...]:
        """It is found by the name of its function, by the function, and by each version."""
        found = [Term(NAME, self.name)] if self.name else []
        found += [Term(FUNCTION, function) for function in self.functions]
        if self.function_id:
            found += [Term(REGISTERED, self.function_id, version) for version in self.versions]
        return tuple(found)

    def concerned(self, key: Key, *, comes_or_goes: bool) -> tuple[Term | Key, ...]:
        """Those that follow it or hold one of its versions, and others of its function; of its name when it goes."""
        found = [Term(FOLLOWS, key.namespace, key.name)]
        if self.function_id:
            found += [Term(HOLDS, self.function_id, version) for version in self.versions]
        found += [Term(FUNCTION, function) for function in self.functions]
        if self.name and comes_or_goes:
            found += [Term(NAME, self.name)]
        return tuple(found)


def _version_ids(own: Members) -> tuple[str, ...]:
    """The versions on record, the latest first."""
    latest = own.get("latest") or {}
    found = [str(item.get("versionId") or "").lower() for item in (latest, *(own.get("versions") or ()))]
    return tuple(dict.fromkeys(version for version in found if version))


def _function_id(members: Members) -> str:
    return str(members.get("functionId") or "").lower()


def _reason(own: Members) -> str:
    """Why it is not Ready."""
    found = (item.get("reason") for item in own.get("conditions") or () if item.get("type") == READY)
    return str(next(found, None) or "")


def _links(meta: Members, spec: Members, own: Members) -> FunctionLinks:
    return FunctionLinks(
        function_id=_function_id(own),
        versions=_version_ids(own),
        name=str(spec.get("name") or ""),
        given_function=_function_id(spec),
    )


AWAITED = frozenset({Reason.FUNCTION_GONE, Reason.MASS_ABSENCE})
"""What only versions that are there again end: nothing else has the resource reconciled then."""


def _poll_key(meta: Members, spec: Members, own: Members) -> FunctionPollKey:
    claimed = _function_id(own) or _function_id(spec) or None
    return FunctionPollKey(
        uid=meta.get("uid", ""),
        name=str(spec.get("name") or ""),
        function_id=claimed,
        adopts=claimed is None and spec.get("adoptionPolicy") == AdoptionPolicy.ADOPT,
        awaits_function=_reason(own) in AWAITED,
        version_ids=_version_ids(own),
        credentials_refused=credentials_refused(own),
        deleting=bool(meta.get("deletionTimestamp")),
        secret=secret_of(spec),
        metadata=_metadata(meta, spec, own),
    )


def _metadata(meta: Members, spec: Members, own: Members) -> Metadata | None:
    """What the manifest says of tags and rate limit, where nothing but a registration is left to do for it."""
    ready = [item for item in own.get("conditions") or () if item.get("type") == READY]
    in_effect = any(
        item.get("observedGeneration") == meta.get("generation")
        and (item.get("status") == "True" or item.get("reason") in OF_TEMPLATE)
        for item in ready
    )
    if not in_effect or meta.get("deletionTimestamp") or is_silent(meta, spec):
        return None
    return metadata_of(spec.get("tags"), spec.get("rateLimit"), spec.get("rateLimitPolicy"))


def functions(read: Callable[[Members], AnyResource], summary: Callable[[Members], object]) -> DigestRules:
    """What the digests of CloudFunctions hold.

    Args:
        read: reads an object.
        summary: reads what those that refer to it need.

    """
    return DigestRules(
        read=read,
        annotations=(
            names.RECONCILE_REQUESTED_ANNOTATION,
            names.NEW_VERSION_REQUESTED_ANNOTATION,
            names.NEW_FUNCTION_REQUESTED_ANNOTATION,
            names.SECRETS_REQUESTED_ANNOTATION,
            names.PAUSED_ANNOTATION,
            names.FORCE_DELETE_ANNOTATION,
        ),
        links=_links,
        poll_key=_poll_key,
        summary=summary,
    )
