"""What all tests share."""

import os

pytest_plugins = ["controlplane.pytest_plugin", "promtool.pytest_plugin"]

# A fifth of the API servers' CPU went into collecting garbage. It costs some 100 MB more for each worker.
os.environ.setdefault("GOGC", "300")
