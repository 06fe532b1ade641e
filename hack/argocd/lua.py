"""Argo CD's scripts, run by Lua 5.1 with no more than Argo CD gives them.

Argo CD opens `base`, `package`, `table` and, by `require("os")`, the two functions `time` and `date`; neither `string`
nor `math`, `io`, `coroutine` or `debug`, and no string has methods. Functions of `base` that load other code are left
out here. What a script reads and returns goes through the conversions that Argo CD makes, with their losses: no null,
and an empty table is a list.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lupa import lua51

from hack import documents
from hack.argocd.customizations import group_kind, shipped
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Kind

LuaError = lua51.LuaError
"""What a script raises."""

Object = Mapping[str, Any]

INSTRUCTIONS = 1_000_000
"""After so many a script is ended; Argo CD gives it one second."""

STATUSES = frozenset({"Unknown", "Progressing", "Suspended", "Healthy", "Degraded", "Missing"})

_DATES = {"Y": "%Y", "m": "%m", "d": "%d", "H": "%H", "M": "%M", "S": "%S", "F": "%Y-%m-%d", "X": "%H:%M:%S"}
"""Of the flags that Argo CD's `os.date` knows, those that are numbers in the same form everywhere."""

_SANDBOX = """
local instructions, time, date = ...
local hook, string_methods = debug.sethook, getmetatable("")
string_methods.__index = nil
local base = {
  assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall, rawequal = rawequal,
  rawget = rawget, rawset = rawset, select = select, setmetatable = setmetatable, tonumber = tonumber,
  tostring = tostring, type = type, unpack = unpack, xpcall = xpcall, _VERSION = _VERSION,
}
local tables = {
  concat = table.concat, insert = table.insert, maxn = table.maxn, remove = table.remove, sort = table.sort,
}
local load, fail, put, with = loadstring, error, setmetatable, setfenv
return {
  new_table = function() return {} end,
  compile = function(text, name)
    local chunk, problem = load(text, name)
    if chunk == nil then fail(problem, 0) end
    return chunk
  end,
  run = function(chunk, obj)
    local globals = {obj = obj, actionParams = {}, table = {}}
    for name, value in pairs(base) do globals[name] = value end
    for name, value in pairs(tables) do globals.table[name] = value end
    globals._G = globals
    globals.require = function(name)
      if name == "os" then return {time = time, date = date} end
      fail("module " .. tostring(name) .. " not found", 2)
    end
    with(chunk, globals)
    hook(function() fail("the script runs for too long", 2) end, "", instructions)
    local ended, result = pcall(chunk)
    hook()
    if not ended then fail(result, 0) end
    return result
  end,
}
"""


@dataclass(frozen=True)
class Health:
    """What Argo CD shows of a resource."""

    status: str
    message: str = ""


class Scripts:
    """The scripts of one resource, as `argocd-cm` holds them.

    A runtime belongs to the thread that made it.
    """

    def __init__(self, data: Mapping[str, str], group_kind: str, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._lua = lua51.LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
        self._box = self._lua.execute(_SANDBOX, INSTRUCTIONS, lambda: int(self._clock().timestamp()), self._date)
        self._health = self._compile(data[f"resource.customizations.health.{group_kind}"], "health.lua")
        actions = documents.load(data.get(f"resource.customizations.actions.{group_kind}", "{}"))
        self._discovery = self._compile(actions["discovery.lua"], "discovery.lua") if actions else None
        self._actions = {
            item["name"]: self._compile(item["action.lua"], f"{item['name']}/action.lua")
            for item in actions.get("definitions", ())
        }

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of all actions."""
        return tuple(self._actions)

    def health(self, resource: Object) -> Health:
        """Return a resource's health. Raises `LuaError` where Argo CD would show Unknown with that error."""
        found = self._run(self._health, resource)
        if not isinstance(found, dict):
            raise LuaError(f"health.lua gives {found!r}, which is no table")
        if found.get("status") not in STATUSES:
            raise LuaError(f"health.lua gives the status {found.get('status')!r}, which Argo CD does not know")
        return Health(found["status"], found.get("message", ""))

    def discover(self, resource: Object) -> list[dict[str, Any]]:
        """Return which actions are offered, and which of them are disabled, sorted by name."""
        found = self._run(self._discovery, resource)
        assert isinstance(found, dict), f"discovery.lua gives {found!r}"
        return [{"name": name, "disabled": False, **(about or {})} for name, about in sorted(found.items())]

    def act(self, name: str, resource: Object) -> dict[str, Any]:
        """Give the resource as an action leaves it. What Argo CD sends is `merge_patch` of the two."""
        changed = self._run(self._actions[name], resource)
        assert isinstance(changed, dict), f"{name} gives {changed!r}"
        cleaned: dict[str, Any] = _cleaned(changed, resource)
        return cleaned

    def _compile(self, text: str, name: str) -> Any:
        return self._box.compile(text, f"@{name}")

    def _run(self, chunk: Any, resource: Object) -> Any:
        return _from_lua(self._box.run(chunk, self._to_lua(resource)))

    def _date(self, wanted: str) -> str:
        """Argo CD's `os.date`: it knows fewer flags than C, and copies the others as they stand."""
        if not wanted.startswith("!"):
            raise LuaError(f"os.date({wanted!r}) depends on the server's time zone")
        unknown = set(re.findall("%(.)", wanted)) - set(_DATES)
        if unknown:
            raise LuaError(f"os.date({wanted!r}): unknown {sorted(unknown)}")
        return self._clock().strftime(re.sub("%(.)", lambda flag: _DATES[flag[1]], wanted[1:]))

    def _to_lua(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            table = self._box.new_table()
            for key, item in value.items():
                if item is not None:
                    table[key] = self._to_lua(item)
            return table
        if isinstance(value, list):
            table = self._box.new_table()
            for number, item in enumerate((item for item in value if item is not None), start=1):
                table[number] = self._to_lua(item)
            return table
        return value


def _from_lua(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return value
    items = {key: _from_lua(item) for key, item in value.items()}
    if set(items) == set(range(1, len(items) + 1)):
        return [items[number] for number in sorted(items)]
    if not all(isinstance(key, str) for key in items):
        raise LuaError(f"a table with the keys {sorted(map(str, items))} is neither list nor object")
    return items


def _cleaned(new: Any, old: Any) -> Any:
    """Empty lists that were empty objects, and are again."""
    if isinstance(new, dict) and isinstance(old, Mapping):
        return {key: _cleaned(item, old.get(key)) for key, item in new.items()}
    if isinstance(new, list) and isinstance(old, list):
        return [_cleaned(item, old[index] if index < len(old) else None) for index, item in enumerate(new)]
    return {} if new == [] and isinstance(old, Mapping) else new


def merge_patch(old: Object, new: Object) -> dict[str, Any]:
    """Give the JSON merge patch (RFC 7386) that makes `new` of `old`: what Argo CD sends after an action."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, item in new.items():
        before = old.get(key)
        if isinstance(item, Mapping) and isinstance(before, Mapping):
            if inner := merge_patch(before, item):
                patch[key] = inner
        elif item != before:
            patch[key] = deepcopy(item)
    return patch


@cache
def scripts(kind: Kind = FUNCTION_DEPLOYMENT) -> Scripts:
    """The shipped scripts of a kind, compiled once for each process."""
    return Scripts(shipped(), group_kind(kind))
