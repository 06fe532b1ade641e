"""What the chaos tests share."""

from pathlib import Path

import pytest

from controlplane import ControlPlane
from operating import install


@pytest.fixture(scope="session")
def operator_identity(control_plane: ControlPlane) -> Path:
    """The kubeconfig of the operator's ServiceAccount."""
    return install(control_plane)
