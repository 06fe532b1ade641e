"""What all tests share."""

pytest_plugins = ["controlplane.pytest_plugin", "promtool.pytest_plugin"]
