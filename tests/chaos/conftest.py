"""What the chaos tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.support.installation import install
from tests.support.statuses import checking


@pytest.fixture(scope="session")
def operator_identity(control_plane: ControlPlane) -> Iterator[Path]:
    """The kubeconfig of the operator's ServiceAccount. All statuses that were written by it are checked at the end."""
    with checking(control_plane.audit_log):
        yield install(control_plane)
