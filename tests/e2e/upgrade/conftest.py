"""The earlier revision that `make e2e-upgrade` has set up."""

import os
from pathlib import Path

import pytest

from hack.e2e.upgrade.revision import Revision


@pytest.fixture(scope="session")
def former() -> Revision:
    """The revision to upgrade from."""
    return Revision(os.environ["UPGRADE_FROM_NAME"], Path(os.environ["UPGRADE_FROM"]))
