"""Which functions an account may see: its own, public ones, and those that other accounts share with it."""

from nvcf_simulator.access import Caller
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import forbidden, invalid, not_found

_KINDS = ("private", "public", "authorized")


def listed(world: World, caller: Caller, visibility: list[str]) -> list[Function]:
    """Return what the account's list shows. A key's policy hides own and shared functions, public ones never."""
    wanted = {word.strip().lower() for part in visibility for word in part.split(",") if word.strip()}
    if wanted - set(_KINDS):
        raise invalid(f"Failed to convert 'visibility' with value '{','.join(visibility)}': not one of {_KINDS}")
    wanted = wanted or set(_KINDS)
    found: dict[str, Function] = {}
    if "public" in wanted:
        found |= {function.version_id: function for function in world.offered() if function.public}
    if "private" in wanted:
        own = world.owned(caller.nca_id)
        found |= {f.version_id: f for f in own if caller.unlimited or caller.may_use(f)}
    if "authorized" in wanted:
        found |= {f.version_id: f for f in world.offered() if caller.may_use_shared(f)}
    return list(found.values())


def versions(world: World, caller: Caller, function_id: str) -> list[Function]:
    """Return the visible versions of a function. Raises 404 if there are none, 403 if the policy hides them all."""
    known = world.versions(function_id)
    mine = [f for f in known if f.nca_id == caller.nca_id or caller.nca_id in (*f.shared_function, *f.shared_version)]
    shown = [f for f in known if f.public or caller.may_use(f) or caller.may_use_shared(f)]
    if shown:
        return shown
    if mine:
        raise forbidden(f"Function id '{function_id}': Forbidden to retrieve versions")
    raise not_found(f"Function id '{function_id}': Not found in account '{caller.nca_id}'")


def version(world: World, caller: Caller, function_id: str, version_id: str) -> Function:
    """Return one version. Raises 404 if it is unknown or another's, 403 if the policy hides it."""
    function = world.function(version_id, function_id)
    about = f"Function id '{function_id}', version '{version_id}'"
    if function is None:
        raise not_found(f"{about}: Not found in account '{caller.nca_id}'")
    if function.public or caller.may_use(function) or caller.may_use_shared(function):
        return function
    if caller.nca_id in (function.nca_id, *function.shared_function, *function.shared_version):
        raise forbidden(f"{about}: Forbidden to retrieve function details")
    raise not_found(f"{about}: Not found in account '{caller.nca_id}'")
