"""The state in a file, so that a simulator that is started again goes on where it was."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nvcf_simulator.model.entities import (
    Account,
    Backlog,
    Deployment,
    Function,
    GpuSpecification,
    Instance,
    Key,
    State,
    Weather,
)
from nvcf_simulator.service import Service

PAUSE = 0.5


class StateFile:
    """Reads the state at the start and writes it after changes."""

    def __init__(self, service: Service, path: Path) -> None:
        self._service = service
        self._path = path

    def load(self) -> None:
        """Take the state of the file, if there is one, in place of the scenario's."""
        if not self._path.exists():
            return
        value = json.loads(self._path.read_text(encoding="utf-8"))
        world = self._service.world
        world.state = _state(value)
        world.clock.jump(max(0.0, world.state.clock_offset / 1e9))
        world.rebuild()
        self._service.__post_init__()

    async def keep(self) -> None:
        """Write after changes, for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            if self._service.world.changed:
                self.save()

    def save(self) -> None:
        """Write now, whole or not at all."""
        world = self._service.world
        world.changed = False
        world.state.clock_offset = world.clock.offset()
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(world.state)), encoding="utf-8")
        os.replace(draft, self._path)


def _state(value: dict[str, Any]) -> State:
    return State(
        accounts={name: Account(**item) for name, item in value["accounts"].items()},
        keys={name: Key(**item) for name, item in value["keys"].items()},
        functions={
            name: Function(**{**item, "weather": Weather(**item["weather"])})
            for name, item in value["functions"].items()
        },
        deployments={
            name: Deployment(**{**item, "specifications": [GpuSpecification(**s) for s in item["specifications"]]})
            for name, item in value["deployments"].items()
        },
        instances={name: Instance(**item) for name, item in value["instances"].items()},
        backlog=[Backlog(**item) for item in value["backlog"]],
        capacity=value["capacity"],
        clock_offset=value["clock_offset"],
    )
