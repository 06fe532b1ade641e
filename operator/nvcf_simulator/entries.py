"""Accounts, keys and functions as scenario files and the control API write them."""

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
    """The only name in NGC org URLs that leads to it; None: any does."""
    requests_per_second: float | None = Field(None, gt=0)
    """More are answered 429; None: no limit."""

    def made(self) -> Account:
        """Return the account itself."""
        return Account(self.nca_id, self.org, self.requests_per_second)


class KeyEntry(Model):
    """A key: an API key (its token begins with `nvapi-`) or a JWT (any other token)."""

    name: str
    token: str = Field(min_length=1, repr=False)
    nca_id: str = ACCOUNT
    kind: Literal["api-key", "jwt"] = "api-key"
    scopes: list[str] = Field(default_factory=lambda: list(SCOPES))
    resources: list[str] = Field(default_factory=lambda: ["account-functions:*"])
    """account-functions:*, authorized-functions:*, function:ID/*, function:ID/VERSION."""
    revoked: bool = False
    service_status: int | None = Field(None, ge=400, le=599)
    """What the key service answers when it is asked for this key."""
    effective_after: Seconds = 0
    """The key is unknown for so long."""
    expires_after: Seconds | None = None
    """A JWT is refused after so long."""

    @model_validator(mode="after")
    def _kind_and_token_agree(self) -> Self:
        if self.token.startswith("nvapi-") != (self.kind == "api-key"):
            raise ValueError("the token of an api-key begins with nvapi-, that of a jwt does not")
        return self

    def made(self, now: int) -> Key:
        """Return the key itself."""
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
    """How the instances of a version fare."""

    outcome: Outcome = Field("run", alias="fate")
    """run, wait (start and stay so), or fail."""
    outcomes: dict[str, Outcome] = Field(default_factory=dict, alias="fates")
    """By instance type, in place of `outcome`."""
    supply: bool = True
    """False: the allocator takes requests and gives nothing."""
    capacity: int | None = Field(None, ge=0)
    """Most instances that this version may hold at once."""
    deploy_seconds: Seconds | None = None
    """Another start-up time than everybody's."""
    allocation_seconds: Seconds | None = None
    """Another time for each call to the allocator in POST than everybody's (`slowPost`)."""
    error: str | None = None
    """Error log of failing instances."""

    def made(self) -> InstanceBehaviour:
        """Return the behaviour itself."""
        return InstanceBehaviour(**self.model_dump())


class FunctionEntry(Model):
    """A function version, or `count` of them: NAME-0, NAME-1, ..., whose ids always belong to their names."""

    name: str
    function_id: Uuid | None = None
    """Random unless given."""
    function_version_id: Uuid | None = None
    nca_id: str = ACCOUNT
    kind: Literal["container", "helm"] = "container"
    public: bool = False
    count: int | None = Field(None, gt=0, le=100_000)
    details: dict[str, Any] = Field(default_factory=dict)
    """More of what answers show, by NVCF's names: tags, inferenceUrl, ..."""
    shared_with: list[str] = Field(default_factory=list)
    """Accounts that may use it."""
    queue_depth: int = Field(0, ge=0)
    instance_behaviour: InstanceBehaviourEntry = Field(default_factory=InstanceBehaviourEntry, alias="weather")
    deployment_specifications: list[dict[str, Any]] | None = None
    """It is deployed and ACTIVE from the start, with these GPU specifications."""

    @model_validator(mode="after")
    def _many_have_no_id_of_their_own(self) -> Self:
        if self.count is not None and (self.function_id or self.function_version_id):
            raise ValueError("count makes many functions: leave functionId and functionVersionId out")
        return self

    def made(self, now: int) -> list[Function]:
        """Return the functions themselves."""
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
            instance_behaviour=self.instance_behaviour.made(),
        )
