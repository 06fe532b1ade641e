"""The fixture `promtool`. Where it is asked for, a missing one is built before the first test and its time limit."""

import pytest

from promtool.binary import promtool_binary
from promtool.tool import Promtool


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build it, if need be, where its progress is seen."""
    if session.config.option.collectonly:
        return
    if any("promtool" in getattr(item, "fixturenames", ()) for item in session.items):
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            promtool_binary()


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Prometheus' own tool."""
    return Promtool()
