"""The secret store: names and keyed digests of the secrets of each version. Values are not kept."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

from nvcf_simulator.model.entities import State
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import DependencyError

_TRIES = 3
"""Attempts of one write while the store returns 5xx."""


def digest(state: State, value: Any) -> str:
    """Return the keyed digest of a secret's value, text or JSON."""
    return hmac.new(state.digest_key.encode(), json.dumps(value, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def mask(state: State, body: Any) -> Any:
    """Return a body in which the value of each secret is replaced by the start of its digest."""
    if isinstance(body, list):
        return [mask(state, item) for item in body]
    if not isinstance(body, dict):
        return body
    shown = {}
    for name, value in body.items():
        if name == "secrets":
            shown[name] = _masked(state, value)
        else:
            shown[name] = mask(state, value)
    return shown


def _masked(state: State, secrets: Any) -> Any:
    if not isinstance(secrets, list):
        return _shortened(state, secrets)
    return [
        {name: value if name == "name" else _shortened(state, value) for name, value in item.items()}
        if isinstance(item, dict)
        else _shortened(state, item)
        for item in secrets
    ]


def _shortened(state: State, value: Any) -> str:
    return f"digest:{digest(state, value)[:16]}"


class SecretStore:
    """Reads and writes secrets. All methods raise `DependencyError` if the store fails for a version."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, function_id: str, version_id: str) -> dict[str, str]:
        """Return the digests of a version's secrets by name."""
        self._world.depend("secrets", version_id, function_id)
        return dict(self._world.state.secrets.get(version_id, {}))

    async def write(self, function_id: str, version_id: str, digests: dict[str, str]) -> None:
        """Write all secrets of a version, over whatever is there by then."""
        for left in reversed(range(_TRIES)):
            seconds = self._world.delay_of("secrets", version_id, function_id)
            if seconds:
                await asyncio.sleep(self._world.clock.real(seconds))
            try:
                self._world.depend("secrets", version_id, function_id)
            except DependencyError as error:
                if error.answered < 500 or not left:
                    raise
            else:
                break
        self._world.state.secrets[version_id] = dict(digests)
        self._world.changed = True

    def delete(self, function_id: str, version_id: str) -> None:
        """Delete all secrets of a version."""
        self._world.depend("secrets", version_id, function_id)
        self._world.state.secrets.pop(version_id, None)
        self._world.changed = True
