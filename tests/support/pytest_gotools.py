"""Fixtures of programs that Go builds. Where one is asked for, it is built before the first test and its time limit.

`hack` is imported where it is used, as in `pytest_controlplane`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hack.promtool import Promtool


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build them, if need be, where the progress is seen."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not wanted & {"promtool", "promql", "flux"}:
        return
    from hack.dashboard.engine import engine_binary
    from hack.flux import flux_binary
    from hack.promtool import promtool_binary

    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name, build in (("promtool", promtool_binary), ("promql", engine_binary), ("flux", flux_binary)):
            if name in wanted:
                build()


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Prometheus' own tool."""
    from hack.promtool import Promtool

    return Promtool()


@pytest.fixture(scope="session")
def promql() -> Path:
    """Prometheus' engine."""
    from hack.dashboard.engine import engine_binary

    return engine_binary()


@pytest.fixture(scope="session")
def flux() -> Path:
    """Flux's own library."""
    from hack.flux import flux_binary

    return flux_binary()
