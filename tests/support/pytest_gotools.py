"""The fixture `promtool`. Where it is asked for, a missing one is built before the first test and its time limit.

`hack` is imported where it is used, as in `pytest_controlplane`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hack.promtool import Promtool


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build it, if need be, where its progress is seen."""
    if session.config.option.collectonly:
        return
    if any("promtool" in getattr(item, "fixturenames", ()) for item in session.items):
        from hack.promtool import promtool_binary

        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            promtool_binary()


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Prometheus' own tool."""
    from hack.promtool import Promtool

    return Promtool()
