"""The state in a file, so that a restarted simulator resumes where it was."""

import asyncio
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from nvcf_simulator.model.entities import State
from nvcf_simulator.model.world import World

PAUSE = 0.5
"""Seconds between two checks for changes to write."""

_SHAPE = TypeAdapter(State)


class StateFileError(Exception):
    """The file is unusable; the message says why."""


class StateFile:
    """Reads the state at startup and writes it after changes.

    The file contains the tokens of keys: only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> State | None:
        """Return the saved state, or None if there is no file. Raises `StateFileError`."""
        try:
            return _SHAPE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateFileError(f"{self._path}: {error.strerror}") from None
        except ValidationError as error:
            raise StateFileError(f"{self._path} is not a state file ({error.error_count()} errors)") from None

    async def keep(self, world: World) -> None:
        """Write after changes, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            if world.changed:
                self.write(world)

    def write(self, world: World) -> None:
        """Write atomically."""
        world.changed = False
        world.state.clock_offset = world.clock.offset()
        draft = self._path.with_name(self._path.name + ".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_SHAPE.dump_json(world.state, by_alias=True))
        os.replace(draft, self._path)
