"""Prometheus' engine, asked over a recording.

It is our Go program in `module/`, with Prometheus as a library: `PROMQL_EVALUATE`, else from the tool cache, else built
there once.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.dashboard.panels import HOUR, STEP_SECONDS, Target
from hack.dashboard.recording import RECORDING, times
from hack.gobuild.building import BuildError
from hack.gobuild.recipe import Recipe, key, module_pins, pinned_version, ways
from hack.gobuild.target import Target as Built

MODULE = Path(__file__).parent / "module"


class EngineError(RuntimeError):
    """There is no engine and none could be built, or it refused a query."""


@dataclass(frozen=True)
class Series:
    """One series that a query gave."""

    labels: Mapping[str, str]
    samples: list[tuple[float, float]]
    """Seconds since the beginning of the recording, and value."""


def recipe() -> Recipe:
    """How it is built."""
    version = pinned_version(MODULE, "github.com/prometheus/prometheus")
    built = Built(name="promql-evaluate", package=".", module=MODULE, linker_flags="-s -w", tags="remove_all_sd")
    return Recipe(
        folder=Path("promql", key(version, module_pins(MODULE), (MODULE / "main.go").read_bytes())),
        targets=[built],
        title=f"Prometheus' engine {version}: building {{}} once (1 to 2 minutes on two cores)",
    )


def engine_binary() -> Path:
    """Return the executable, built if need be. Raises :class:`EngineError`."""
    if given := os.environ.get("PROMQL_EVALUATE"):
        return Path(given).absolute()
    made = recipe()
    try:
        return made.built() / "promql-evaluate"
    except BuildError as error:
        lack = f"there is no promql-evaluate. {error}"
        raise EngineError(ways(lack, "it", made.place(), "PROMQL_EVALUATE: the path of one")) from error


def evaluate(targets: Iterable[Target], recording: Path = RECORDING) -> dict[str, list[Series]]:
    """Ask for the hour of the recording, at a point a minute; give the series of each target by its name.

    Raises :class:`EngineError` with all that Prometheus refused.
    """
    begin, end = times(recording)
    start = max(begin, end - HOUR)
    asked = {
        target.name: {
            "expr": target.expr,
            "start": round(start * 1000),
            "end": round(end * 1000),
            "step": STEP_SECONDS * 1000,
        }
        for target in targets
    }
    done = subprocess.run(
        [engine_binary(), recording], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise EngineError(done.stderr)
    answers: dict[str, Any] = json.loads(done.stdout)
    if refused := {name: answer["error"] for name, answer in answers.items() if answer["error"]}:
        raise EngineError(f"Prometheus refused {refused}")
    return {
        name: [
            Series(each["labels"], [(at / 1000 - start, value) for at, value in each["samples"]])
            for each in answer["series"]
        ]
        for name, answer in answers.items()
    }
