"""Where built and downloaded tools are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the tool cache: ``nvcf-operator`` in ``XDG_CACHE_HOME``, by default ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nvcf-operator"
