"""Who calls, and what the caller may use and see: tokens, scopes, resource policies, visibility."""

import hashlib
from dataclasses import dataclass

from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.entities import Function, Key
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import (
    DependencyError,
    ProblemError,
    UnauthenticatedError,
    forbidden,
    invalid,
    named,
    not_found,
    unknown_function,
)

_BAD_TOKEN = 'Bearer error="invalid_token"'
_BACKUP = 60
"""How many times longer a decision is cached while the key service is down."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted token, and what it grants."""

    nca_id: str
    key: str
    kind: str
    scopes: frozenset[str]
    resources: frozenset[str]

    def require(self, *scopes: str) -> None:
        """Raise 403 unless the key has one of the scopes."""
        if not self.scopes.intersection(scopes):
            raise forbidden(f"Access denied: the token has none of the scopes {', '.join(scopes)}")

    def may_use(self, function: Function, nca_id: str | None = None) -> bool:
        """Whether a function of the account (None: the caller's) is within the key's policy."""
        if (nca_id or self.nca_id) != function.nca_id:
            return False
        return self.unlimited or self._names(function)

    def may_use_shared(self, function: Function) -> bool:
        """Whether a function that another account shares with the caller's is within the key's policy."""
        if not function.is_shared_with(self.nca_id):
            return False
        return self.kind == "jwt" or "authorized-functions:*" in self.resources or self._names(function)

    def may_create(self, function: Function | None) -> bool:
        """Whether the key may create a function (None), or another version of one."""
        return self.unlimited or (function is not None and f"function:{function.id}/*" in self.resources)

    @property
    def unlimited(self) -> bool:
        """Whether every function of the account is within the policy."""
        return self.kind == "jwt" or "account-functions:*" in self.resources

    def _names(self, function: Function) -> bool:
        wanted = (f"function:{function.id}/*", f"function:{function.id}/{function.version_id}")
        return any(resource in self.resources for resource in wanted)


def fingerprint(token: str) -> str:
    """Return a short name for a token that does not reveal it."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()[:12]


class Authenticator:
    """Checks the `Authorization` header of every request."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._decided: dict[str, tuple[int, Caller]] = {}

    def name(self, header: str | None) -> str | None:
        """Return a name for the key in a header, known or not, that is safe to log."""
        token = (header or "").partition(" ")[2].strip()
        if not token:
            return None
        key = self._world.key_of(token)
        return key.name if key else fingerprint(token)

    def admit(self, header: str | None) -> Caller:
        """Return the caller. Raises `UnauthenticatedError` (401) or `ProblemError` (403, 404, 5xx)."""
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme != "Bearer" or not token:
            raise UnauthenticatedError
        key = self._world.key_of(token)
        if not token.startswith("nvapi-"):
            return self._admit_jwt(key)
        return self._admit_api_key(token, key)

    def _admit_jwt(self, key: Key | None) -> Caller:
        now = self._world.clock.now()
        if key is None or key.kind != "jwt" or key.revoked or (key.expires_at is not None and key.expires_at <= now):
            raise UnauthenticatedError(_BAD_TOKEN)
        if key.nca_id not in self._world.state.accounts:
            raise not_found(f"Client '{key.name}': Not found in any account")
        return self._caller(key)

    def _admit_api_key(self, token: str, key: Key | None) -> Caller:
        now, lifetime = self._world.clock.now(), int(self._world.behaviour.races.key_cache * SECOND)
        decided, caller = self._decided.get(token, (0, None))
        if caller and now - decided < lifetime:
            return caller
        try:
            self._world.depend("keys")
            if key and key.service_status is not None:
                raise DependencyError("key service", key.service_status)
        except ProblemError as problem:
            if caller and problem.status >= 500 and now - decided < lifetime * _BACKUP:
                return caller
            raise
        if key is None or key.revoked or key.effective_at > now:
            raise forbidden("Authorization failed: the API key is unknown, revoked or not in effect yet")
        caller = self._caller(key)
        if lifetime:
            self._decided[token] = (now, caller)
        return caller

    @staticmethod
    def _caller(key: Key) -> Caller:
        return Caller(key.nca_id, key.name, key.kind, frozenset(key.scopes), frozenset(key.resources))


_KINDS = ("private", "public", "authorized")


def listed_functions(world: World, caller: Caller, visibility: list[str]) -> list[Function]:
    """Return what the account's list contains. A key's policy hides own and shared functions, never public ones."""
    wanted = {word.strip().lower() for part in visibility for word in part.split(",") if word.strip()}
    if wanted - set(_KINDS):
        raise invalid(f"Failed to convert 'visibility' with value '{','.join(visibility)}': not one of {_KINDS}")
    wanted = wanted or set(_KINDS)
    found: dict[str, Function] = {}
    if "public" in wanted:
        found |= {function.version_id: function for function in world.offered() if function.public}
    if "private" in wanted:
        own = world.listed(caller.nca_id)
        found |= {f.version_id: f for f in own if caller.unlimited or caller.may_use(f)}
    if "authorized" in wanted:
        found |= {f.version_id: f for f in world.offered() if caller.may_use_shared(f)}
    return list(found.values())


def visible_versions(world: World, caller: Caller, function_id: str) -> list[Function]:
    """Return the visible versions of a function. Raises 404 if there are none, 403 if the policy hides them all."""
    known = world.listed_versions(function_id)
    shown = [f for f in known if f.public or caller.may_use(f) or caller.may_use_shared(f)]
    if shown:
        return shown
    if any(f.nca_id == caller.nca_id or f.is_shared_with(caller.nca_id) for f in known):
        raise forbidden(f"{named(function_id)}: Forbidden to retrieve versions")
    raise unknown_function(caller.nca_id, function_id)


def visible_version(world: World, caller: Caller, function_id: str, version_id: str) -> Function:
    """Return one version. Raises 404 if it is unknown or belongs to others, 403 if the policy hides it."""
    function = world.read(version_id, function_id)
    if function is None:
        raise unknown_function(caller.nca_id, function_id, version_id)
    if function.public or caller.may_use(function) or caller.may_use_shared(function):
        return function
    if function.nca_id == caller.nca_id or function.is_shared_with(caller.nca_id):
        raise forbidden(f"{named(function_id, version_id)}: Forbidden to retrieve function details")
    raise unknown_function(caller.nca_id, function_id, version_id)
