"""Accounts, keys and functions as scenario files and the control API describe them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from nvcf_simulator.bodies.function import default_details
from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.entities import (
    SCOPES,
    Account,
    Function,
    InstanceBehaviour,
    Key,
    Outcome,
    derived_id,
    parse_id,
    random_id,
)
from nvcf_simulator.settings import Model, Seconds

ACCOUNT = "acme"
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def _uuid(text: str) -> str:
    found = parse_id(text)
    if found is None:
        raise ValueError("must be a UUID")
    return found


Uuid = Annotated[str, AfterValidator(_uuid)]


class AccountEntry(Model):
    """An account."""

    nca_id: str
    org: str | None = None
    """The only name in NGC org URLs that resolves to it; None: any does."""
    requests_per_second: float | None = Field(None, gt=0)
    """Requests above it get 429; None: no limit."""
    max_functions_allowed: int | None = Field(None, ge=0)
    """With this many versions, new functions are rejected; None: no limit."""
    telemetries: dict[Uuid, list[Literal["LOGS", "METRICS", "TRACES"]]] = Field(default_factory=dict)
    """Its telemetry endpoints, by id, with their types."""

    def build(self) -> Account:
        """Return the account described here."""
        telemetries = {one: list(map(str, types)) for one, types in self.telemetries.items()}
        return Account(self.nca_id, self.org, self.requests_per_second, self.max_functions_allowed, telemetries)


class KeyEntry(Model):
    """A key: an API key, whose token starts with `nvapi-`, or a JWT, with any other token."""

    name: str
    token: str = Field(min_length=1, repr=False)
    nca_id: str = ACCOUNT
    kind: Literal["api-key", "jwt"] = "api-key"
    scopes: list[str] = Field(default_factory=lambda: list(SCOPES))
    resources: list[str] = Field(default_factory=lambda: ["account-functions:*"])
    """account-functions:*, authorized-functions:*, function:ID/*, function:ID/VERSION."""
    revoked: bool = False
    service_status: int | None = Field(None, ge=400, le=599)
    """Error status that the key service returns for this key."""
    effective_after: Seconds = 0
    """Seconds until the key takes effect."""
    expires_after: Seconds | None = None
    """Seconds until a JWT expires."""

    @model_validator(mode="after")
    def _kind_and_token_agree(self) -> Self:
        if self.token.startswith("nvapi-") != (self.kind == "api-key"):
            raise ValueError("the token of an api-key must start with nvapi-, that of a jwt must not")
        return self

    def build(self, now: int) -> Key:
        """Return the key described here."""
        return Key(
            self.name,
            self.token,
            self.nca_id,
            self.kind,
            list(self.scopes),
            list(self.resources),
            self.revoked,
            expires_at=None if self.expires_after is None else now + int(self.expires_after * SECOND),
            effective_at=now + int(self.effective_after * SECOND) if self.effective_after else 0,
            service_status=self.service_status,
        )


class InstanceBehaviourEntry(Model):
    """How the instances of a version behave."""

    outcome: Outcome = Field("run", alias="fate")
    """run, wait (keep starting), or fail."""
    outcomes: dict[str, Outcome] = Field(default_factory=dict, alias="fates")
    """By instance type, in place of `outcome`."""
    supply: bool = True
    """False: the allocator accepts requests and provides nothing."""
    capacity: int | None = Field(None, ge=0)
    """Maximum number of concurrent instances of this version."""
    deploy_seconds: Seconds | None = None
    """Start-up time in place of the server's."""
    allocation_seconds: Seconds | None = None
    """Duration of each allocator call in POST, in place of `slowPost`."""
    error: str | None = None
    """Error text of failing instances."""

    def build(self) -> InstanceBehaviour:
        """Return the behaviour described here."""
        return InstanceBehaviour(**self.model_dump())


class FunctionEntry(Model):
    """A function version, or `count` of them: NAME-0, NAME-1, ..., whose UUIDs are derived from their names."""

    name: str
    function_id: Uuid | None = None
    """Random unless given."""
    function_version_id: Uuid | None = None
    nca_id: str = ACCOUNT
    kind: Literal["container", "helm"] = "container"
    public: bool = False
    count: int | None = Field(None, gt=0, le=100_000)
    details: dict[str, Any] = Field(default_factory=dict)
    """Additional fields in responses, by NVCF's names: tags, inferenceUrl, ..."""
    shared_with: list[str] = Field(default_factory=list)
    """Accounts that may use it."""
    queue_depth: int = Field(0, ge=0)
    instance_behaviour: InstanceBehaviourEntry = Field(default_factory=InstanceBehaviourEntry, alias="weather")
    deployment_specifications: list[dict[str, Any]] | None = None
    """If set, the function is deployed and ACTIVE from the start, with these GPU specifications."""

    @model_validator(mode="after")
    def _count_excludes_ids(self) -> Self:
        if self.count is not None and (self.function_id or self.function_version_id):
            raise ValueError("count excludes functionId and functionVersionId")
        return self

    def build(self, now: int) -> list[Function]:
        """Return the functions described here."""
        if self.count is None:
            return [self._one(self.name, self.function_id, self.function_version_id, now)]
        names = [f"{self.name}-{number}" for number in range(self.count)]
        return [self._one(name, derived_id("function", name), derived_id("version", name), now) for name in names]

    def _one(self, name: str, function_id: str | None, version_id: str | None, now: int) -> Function:
        slug = _NO_SLUG.sub("-", name.lower()).strip("-") or "function"
        source = {"containerImage": f"nvcr.io/simulated/{slug}:1.0"}
        if self.kind == "helm":
            source = {"helmChart": f"https://helm.simulator.invalid/{slug}-1.0.tgz", "helmChartServiceName": slug}
        return Function(
            id=function_id or random_id(),
            version_id=version_id or random_id(),
            nca_id=self.nca_id,
            name=name,
            created_at=now,
            details=default_details(name, **source) | self.details,
            public=self.public,
            shared_function=list(self.shared_with),
            queue_depth=self.queue_depth,
            instance_behaviour=self.instance_behaviour.build(),
        )
