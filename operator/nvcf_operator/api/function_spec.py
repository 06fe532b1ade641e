"""What a manifest of a function asks for: `CloudFunctionSpec`."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, StringConstraints
from pydantic.fields import FieldInfo

from nvcf_operator.api.common import (
    AdoptionPolicy,
    Credentials,
    DeletionPolicy,
    ManagementPolicy,
    Revision,
    SecretKey,
    SubdomainName,
    Uuid,
)
from nvcf_operator.api.function_template import Template
from nvcf_operator.api.model import ApiModel, Mutability, cel, changes, of_type, rules
from nvcf_operator.api.unsupported import refusals

ENVIRONMENT_LIMIT = 64 * 1024
"""Largest environment in bytes, names and values together."""

MARK_PREFIX = "nvcf-operator:"
"""How the operator's own tags begin."""

Tag = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_:=-]+$")]
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Rate = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[1-9][0-9]{0,9}-[SMHD](,\s*[1-9][0-9]{0,9}-[SMHD])*$"),
]
"""Requests in a second, minute, hour or day, each unit once: `100-M, 5-S`."""


def _rate(field: str) -> FieldInfo:
    once = cel(
        "['S', 'M', 'H', 'D'].all(unit, self.split(unit).size() <= 2)",
        f"{field} must have each of the units S, M, H and D once at most",
    )
    info: FieldInfo = Field(json_schema_extra=rules(once))
    return info


class SecretFormat(StrEnum):
    """How a secret's text is sent."""

    STRING = "String"
    JSON = "JSON"


class RateLimitPolicy(StrEnum):
    """Whether the function has a rate limit."""

    LIMITED = "Limited"
    UNLIMITED = "Unlimited"


class ValueRef(ApiModel):
    """A key of a Secret in the resource's own namespace, whose value is sent."""

    name: Annotated[SubdomainName, changes(Mutability.OPERATOR)]
    """Name of the Secret. It must allow this by its annotation `nvcf-operator.io/allow-function`."""

    key: Annotated[SecretKey, changes(Mutability.OPERATOR)]
    """Key of the Secret that holds the value."""


class FunctionSecret(ApiModel):
    """A secret of the function."""

    name: Annotated[
        str,
        changes(Mutability.VERSION),
        StringConstraints(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    ]
    """Name under which the function finds it."""

    secret_ref: Annotated[ValueRef, changes(Mutability.OPERATOR)]
    """Where its value is."""

    format: Annotated[SecretFormat | None, changes(Mutability.OPERATOR)] = None
    """`String`, which also applies if unset: the value is sent as it is. `JSON`: it must be a JSON object, and is sent
    as one."""


class RateLimit(ApiModel):
    """How many requests the function accepts."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.rateLimit) || has(self.perNcaIdRate) || has(self.perUserRate)",
                "set at least one of rateLimit, perNcaIdRate and perUserRate",
            ),
            cel(
                "!has(self.exemptedNcaIds) || has(self.rateLimit)",
                "exemptedNcaIds needs a rateLimit to be exempted from",
                field="exemptedNcaIds",
            ),
            cel(
                "!has(self.exemptedNcaIds) || !has(self.perNcaIdRate)"
                " || self.exemptedNcaIds.all(id, !(id in self.perNcaIdRate))",
                "an account is either in exemptedNcaIds or has a rate of its own in perNcaIdRate",
                field="exemptedNcaIds",
            ),
        )
    )

    rate_limit: Annotated[Rate | None, _rate("rateLimit")] = None
    """Requests from each account: a count and a unit of S, M, H or D, for example `100-M` or `100-M, 5-S`."""

    per_nca_id_rate: Annotated[
        dict[str, Rate] | None,
        Field(
            min_length=1,
            max_length=32,
            json_schema_extra=rules(
                cel(
                    "self.all(id, ['S', 'M', 'H', 'D'].all(unit, self[id].split(unit).size() <= 2))",
                    "perNcaIdRate must have each of the units S, M, H and D once at most in a rate",
                )
            ),
        ),
    ] = None
    """Requests from individual accounts, by the account's id (`ncaId`)."""

    exempted_nca_ids: Annotated[
        tuple[AccountId, ...] | None, Field(min_length=1, max_length=32, json_schema_extra=of_type("set"))
    ] = None
    """Accounts that `rateLimit` does not apply to."""

    per_user_rate: Annotated[Rate | None, _rate("perUserRate")] = None
    """Requests from each user."""

    sync_check: bool | None = None
    """Whether each request waits for the check. If unset, it stays what it is in NVCF."""


class History(ApiModel):
    """How many former versions are kept."""

    limit: Annotated[int, changes(Mutability.OPERATOR, ge=0, le=10)] = 1
    """Former versions that stay registered, 0 to 10, for a quick rollback. Each counts against the account's quota of
    functions. Versions that a FunctionDeployment uses always stay."""


class CloudFunctionSpec(ApiModel):
    """The desired function, and the content of its latest version."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!has(oldSelf.functionId) || has(self.functionId)",
                "functionId cannot be removed: the function stays this one",
                field="functionId",
            ),
            cel(
                "!has(self.rateLimit) || self.rateLimitPolicy != 'Unlimited'",
                "rateLimitPolicy Unlimited removes the rate limit and so excludes rateLimit",
                field="rateLimit",
            ),
            *refusals(),
        )
    )

    name: Annotated[
        str,
        changes(
            Mutability.FIXED,
            json_schema_extra=rules(
                cel(
                    "self == oldSelf",
                    "name is immutable: delete this resource, or create another one for the other function",
                )
            ),
        ),
        StringConstraints(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"),
    ]
    """Name of the function in NVCF. It need not be unique there."""

    function_id: Annotated[
        Uuid | None,
        changes(
            Mutability.FIXED,
            json_schema_extra=rules(
                cel(
                    "self.lowerAscii() == oldSelf.lowerAscii()",
                    "functionId is immutable: delete this resource, or create another one for the other function",
                )
            ),
        ),
    ] = None
    """Id of an existing function to manage, a UUID in either case. One of its versions with this template is taken and
    gets the operator's tag; if there is none, the template is registered as a version of it. The other versions are
    left alone. If the account has no such function, the resource is Stalled and none is created. May be added later if
    it is the id in `status.functionId`. If unset, a new function is created."""

    revision: Annotated[Revision | None, changes(Mutability.VERSION)] = None
    """A name for the template, for example `1-4-2`, by which a FunctionDeployment can pin it. It stands for one
    template only: set a new one with each change of the template. If unset, the hash of the template identifies it.
    """

    description: Annotated[str | None, changes(Mutability.REGISTRATION), StringConstraints(max_length=256)] = None
    """Description of the function's versions. NVCF cannot change it once a version is registered."""

    template: Annotated[Template, changes(Mutability.VERSION)]
    """The content of a function version. A change of its meaning is registered as a new version."""

    secrets: Annotated[
        tuple[FunctionSecret, ...] | None,
        changes(Mutability.VERSION, min_length=1, max_length=64, json_schema_extra=of_type("map", keys=["name"])),
    ] = None
    """Secrets of the function, from Secrets of this namespace that allow it. The set of names belongs to the template:
    a name added or removed is registered as a new version. A changed value is sent to the versions in use."""

    tags: Annotated[
        tuple[Tag, ...] | None,
        changes(
            Mutability.PUT,
            max_length=63,
            json_schema_extra=of_type("set")
            | rules(
                cel(
                    f"self.all(tag, !tag.startsWith('{MARK_PREFIX}'))",
                    f"tags that begin with {MARK_PREFIX} belong to the operator",
                )
            ),
        ),
    ] = None
    """All tags of the versions in use, except the operator's own, which it adds: letters, digits, `_`, `:`, `=` and
    `-`. If unset, the tags in NVCF stay as they are; an empty list removes them."""

    rate_limit: Annotated[RateLimit | None, changes(Mutability.PUT)] = None
    """How many requests the versions in use accept. It replaces the whole limit in NVCF. If unset, the limit in NVCF
    stays as it is."""

    rate_limit_policy: Annotated[RateLimitPolicy, changes(Mutability.PUT)] = RateLimitPolicy.LIMITED
    """`Limited`: `rateLimit` applies, if there is one. `Unlimited`: the versions in use have no limit; one that NVCF
    shows is removed."""

    llm: Annotated[dict[str, JsonValue] | None, changes(Mutability.OPERATOR)] = None
    """How a large language model is invoked."""

    authorized_accounts: Annotated[
        tuple[AccountId, ...] | None,
        changes(Mutability.OPERATOR, max_length=64, json_schema_extra=of_type("set")),
    ] = None
    """Other accounts (`ncaId`) that may invoke the function."""

    history: Annotated[History, changes(Mutability.OPERATOR)] = History()
    """How many former versions are kept."""

    credentials: Annotated[Credentials | None, changes(Mutability.OPERATOR)] = None
    """Where the NVCF API key is. If unset: the Secret `nvcf-credentials` of this namespace, otherwise the operator's
    own key if the installation lets this namespace use it."""

    adoption_policy: Annotated[AdoptionPolicy, changes(Mutability.OPERATOR)] = AdoptionPolicy.REFUSE
    """What to do when `functionId` is unset and the account has a function of this name that is not this resource's.
    `Refuse`: the resource is Stalled, nothing is changed. `Adopt`: manage that function as if `functionId` named it, if
    there is exactly one; with several, the resource is Stalled."""

    deletion_policy: Annotated[DeletionPolicy, changes(Mutability.OPERATOR)] = DeletionPolicy.DELETE
    """What deleting this resource does. `Delete`: the versions that it registered or adopted are deleted, and with the
    last version the function, whose id is then lost for good. `Retain`: NVCF is left alone, and no credentials are
    needed."""

    management_policy: Annotated[ManagementPolicy, changes(Mutability.OPERATOR)] = ManagementPolicy.MANAGE
    """`Manage`: make NVCF match this manifest. `Observe`: report, never write to NVCF."""

    suspend: Annotated[bool, changes(Mutability.OPERATOR)] = False
    """Whether NVCF is left as it is until this is false again. Deletion still works. The annotation
    `nvcf-operator.io/paused: "true"` does the same."""

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the manifest that the API server cannot see, a sentence each with the field's path."""
        size = self.template.environment_bytes
        if size <= ENVIRONMENT_LIMIT:
            return ()
        return (
            f"spec.template.containerEnvironment: {size} bytes in total, at most {ENVIRONMENT_LIMIT} are allowed; move"
            " what is large into the image, a model or a resource",
        )
