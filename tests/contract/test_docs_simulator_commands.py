"""The console of docs/simulator.md, typed."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.page_commands import ROOT, commands_of
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "simulator.md"


def test_the_simulators_console_can_be_typed(tmp_path: Path) -> None:
    start, ask = (found.text for found in commands_of(PAGE))
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"}
    with (tmp_path / "output").open("w+") as output:
        running = subprocess.Popen(
            ["bash", "-c", f"exec {start.replace('8080', port)}"], stdout=output, env=environment, cwd=tmp_path
        )
        try:
            line = eventually(lambda: (tmp_path / "output").read_text().strip(), bool, within=60, what="it listens")
            shown = re.search(r'^\{"url".*$', PAGE.read_text(), re.MULTILINE)
            assert shown is not None
            expected = json.loads(shown[0].replace("8080", port))
            assert json.loads(line) == expected | {"pid": running.pid}
            said = subprocess.run(
                ["bash", "-c", ask.replace("8080", port)], env=environment, capture_output=True, text=True, timeout=60
            )
            assert [item["status"] for item in json.loads(said.stdout)["functions"]], said.stderr
        finally:
            running.terminate()
            running.wait(60)
