"""Fixtures: one control plane for all tests of a process, and a fresh namespace for each test.

Registered in ``tests/conftest.py``. Under xdist each worker has a control plane of its own: 5 s, and some 700 MB, which
are 950 MB at the end of all tests. `hack` is imported where it is used: the property tests draw constants from all
modules outside `tests` that are loaded.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hack.controlplane import ControlPlane

_USES_BINARIES = "needs_assets"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of tests that start a control plane themselves."""
    config.addinivalue_line("markers", f"{_USES_BINARIES}: starts a control plane itself; binaries are built before it")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the binaries, if need be, before the first test: a build takes longer than any test's time limit."""
    if session.config.option.collectonly:
        return
    if any("control_plane" in _fixtures(item) or item.get_closest_marker(_USES_BINARIES) for item in session.items):
        from hack.controlplane import assets

        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():  # its progress is for the user who waits
            assets()


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane, shared: keep to your own ``namespace``, and do not stop its API server."""
    from hack.controlplane import ControlPlane

    with ControlPlane.start(tmp_path_factory.mktemp("controlplane")) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a namespace that only this test uses.

    Afterwards the resources in it are deleted at once, finalizers or not. The namespace itself stays, for the end of a
    namespace costs the servers twenty times as much CPU as its creation.
    """
    from tests.support.cluster import release

    control_plane.check()
    name = f"test-{secrets.token_hex(4)}"
    assert control_plane.change("POST", "/api/v1/namespaces", {"metadata": {"name": name}}), name
    yield name
    release(control_plane, name)
    if "operator" not in request.fixturenames:
        release(control_plane)  # a running one sees to those in other namespaces


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))
