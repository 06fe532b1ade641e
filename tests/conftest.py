"""What all tests share."""

import gc
import os

import pytest
from hypothesis import settings

from tests.support.examples import examples

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("no deadline", parent=settings(), deadline=None, max_examples=examples(100))
settings.load_profile("no deadline")

pytest_plugins = [
    "tests.support.pytest_controlplane",
    "tests.support.pytest_distribution",
    "tests.support.pytest_gotools",
]

# It takes an eighth of the API servers' CPU off (10.3 s in place of 11.9 s for the same 37 tests), for some 240 MB more
# of memory for each worker.
os.environ.setdefault("GOGC", "300")


class FailuresAtOnce:
    """Names each failure when it happens: of a run that is cut off, nothing else is left."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = (crash.message if crash else str(report.longrepr)).strip()[:2000]
            self._terminal.write_line(f"\nFAILED {report.nodeid} ({report.when}, {report.duration:.0f} s): {message}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(terminal), "failures-at-once")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all that was imported and collected, again and again."""
    gc.collect()
    gc.freeze()
