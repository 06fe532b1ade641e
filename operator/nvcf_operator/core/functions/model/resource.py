"""A CloudFunction as the decisions see it: the manifest, its record in status, and the marks in its metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from nvcf_operator.api import names
from nvcf_operator.api.common import AdoptionPolicy
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.function_status import (
    FUNCTION_CONDITION_TYPES,
    CloudFunctionStatus,
    RegisteredVersion,
    Registration,
)
from nvcf_operator.core.functions.model.identity import meaning_of_template, template_hash
from nvcf_operator.core.functions.model.mark import compact
from nvcf_operator.core.functions.model.metadata import Metadata, metadata_of
from nvcf_operator.core.model.managed import ManagedResource
from nvcf_operator.core.model.manifests import NEEDED, readable


class Wanted(NamedTuple):
    """What a manifest asks for."""

    hash: str
    """Of its template, with the token of a request for another version."""
    revision: str | None
    meaning: str
    """Digest of its template with the server's defaults filled in."""


class _Spec:
    """A manifest by identity, so that what is computed from it can be kept for the length of a reconcile."""

    __slots__ = ("spec",)

    def __init__(self, spec: CloudFunctionSpec) -> None:
        self.spec = spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Spec) and self.spec is other.spec

    def __hash__(self) -> int:
        return id(self.spec)


@lru_cache(maxsize=16)
def _wanted(manifest: _Spec, new_version: str | None) -> Wanted:
    spec = manifest.spec
    return Wanted(template_hash(spec, new_version), spec.revision, meaning_of_template(spec))


@dataclass(frozen=True, slots=True)
class CloudFunction(ManagedResource[CloudFunctionSpec, CloudFunctionStatus]):
    """A CloudFunction, read once."""

    SPEC = CloudFunctionSpec
    STATUS = CloudFunctionStatus
    KIND = names.CLOUD_FUNCTION
    CONDITION_TYPES = FUNCTION_CONDITION_TYPES

    @classmethod
    def _salvaged(
        cls, stored: Mapping[str, Any], status: CloudFunctionStatus, *, lost: bool
    ) -> CloudFunctionSpec | None:
        read, unreadable = readable(CloudFunctionSpec, stored)
        return None if unreadable & set(NEEDED) else CloudFunctionSpec.model_construct(**read)

    @property
    def wanted(self) -> Wanted:
        """What the manifest asks for; empty where its template cannot be read."""
        if self.spec is None or not hasattr(self.spec, "template"):
            return Wanted("", None, "")
        return _wanted(_Spec(self.spec), self.annotations.get(names.NEW_VERSION_REQUESTED_ANNOTATION) or None)

    @property
    def metadata(self) -> Metadata:
        """What the manifest says of tags and rate limit."""
        spec = self.spec
        if spec is None:
            return Metadata()
        limit = spec.rate_limit.to_dict() if spec.rate_limit is not None else None
        return metadata_of(spec.tags, limit, spec.rate_limit_policy)

    @property
    def intent(self) -> Registration | None:
        """The last intent of this very object, answered or not."""
        return self.own(self.status.intent)

    @property
    def open_intent(self) -> Registration | None:
        """The intent whose answer is not on record: its POST may or may not have registered a version."""
        intent = self.intent
        return intent if intent is not None and not intent.answered else None

    @property
    def mark_uid(self) -> str:
        """The uid as marks hold it: 32 hex digits."""
        return compact(self.uid)

    @property
    def function_id(self) -> str | None:
        """The function, once it is on record."""
        return self.status.function_id

    @property
    def given_function(self) -> str | None:
        """The function that the manifest names, in lower case as NVCF writes it."""
        given = getattr(self.spec, "function_id", None)  # not in a manifest of which only a part can be read
        return given.lower() if given else None

    @property
    def claimed_function(self) -> str | None:
        """The function on record, else that which the manifest names."""
        return self.function_id or self.given_function

    @property
    def adopts_by_name(self) -> bool:
        """Whether a function of the manifest's name is adopted, since neither record nor manifest names one."""
        policy = getattr(self.spec, "adoption_policy", None)
        return policy == AdoptionPolicy.ADOPT and self.claimed_function is None

    @property
    def secret_names(self) -> frozenset[str]:
        """The names of the secrets that the manifest asks for."""
        return frozenset(secret.name for secret in getattr(self.spec, "secrets", None) or ())

    @property
    def function_name(self) -> str:
        """The name that the manifest asks for; empty where it cannot be read."""
        return getattr(self.spec, "name", "")  # not in a manifest of which only a part can be read

    @property
    def revision(self) -> str | None:
        """The revision that the manifest names."""
        return self.wanted.revision

    @property
    def history_limit(self) -> int:
        """Former versions that are kept for a quick rollback."""
        return self.spec.history.limit if self.spec is not None else 0

    @property
    def latest_version(self) -> str | None:
        """The version that FunctionDeployments without a pin follow."""
        return self.status.latest.version_id if self.status.latest is not None else None

    @property
    def new_version_requested(self) -> str | None:
        """The token of a request for another version that is not answered yet."""
        return self.requested(names.NEW_VERSION_REQUESTED_ANNOTATION, self.status.last_handled_new_version_at)

    @property
    def new_function_requested(self) -> str | None:
        """The token of a request for a new function that is not answered yet."""
        return self.requested(names.NEW_FUNCTION_REQUESTED_ANNOTATION, self.status.last_handled_new_function_at)

    @property
    def secrets_requested(self) -> str | None:
        """The token of a request to send all secrets again that is not answered yet."""
        return self.requested(names.SECRETS_REQUESTED_ANNOTATION, self.status.last_handled_secrets_at)

    @property
    def needs_secrets(self) -> bool:
        """Whether the Secrets behind the manifest's secrets are read: it names some, and NVCF may be changed."""
        return bool(self.secret_names) and not (self.deleting or self.observes or self.paused)

    def recorded_version(self, version_id: str) -> RegisteredVersion | None:
        """What is on record of a version."""
        return next((item for item in self.status.versions if item.version_id == version_id), None)

    @property
    def recorded_ids(self) -> tuple[str, ...]:
        """The versions on record, the latest first."""
        latest = [self.latest_version] if self.latest_version is not None else []
        return tuple(dict.fromkeys((*latest, *(item.version_id for item in self.status.versions))))
