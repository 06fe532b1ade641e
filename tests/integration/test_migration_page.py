"""The commands of docs/migration.md, from ids to a CloudFunction, as they stand there, on a real API server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
FUNCTION, VERSION = "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61", "588a4e1d-9bda-486b-9d91-938285f51a5d"
L40S = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
SCENARIO: dict[str, Any] = {
    "functions": [
        {
            "name": "llm-chat",
            "functionId": FUNCTION,
            "functionVersionId": VERSION,
            "details": {"containerEnvironment": [{"key": "LOG_LEVEL", "value": "info"}]},
            "deploymentSpecifications": [L40S],
        },
        {"name": "other"},
    ]
}


def commands() -> list[str]:
    """The blocks of the section, in their order."""
    section = PAGE.read_text().partition("\n## From ids")[2].partition("\n### ")[0]
    return [re.sub(r"^ {3,5}", "", block, flags=re.M) for block in re.findall(r"```sh\n(.*?)```", section, re.S)]


def test_the_commands_take_over_a_function_and_deploy_nothing(
    control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    Namespace(control_plane, namespace).secret(KEY)
    (tmp_path / "ngc.key").write_text(KEY)
    blocks = commands()
    assert len(blocks) == 6
    with Simulator.start(SCENARIO) as simulator:
        simulator.set_secrets(VERSION, HF_TOKEN="hunter1")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NVCF_OPERATOR_")},
            "PATH": f"{Path(sys.executable).parent}:{control_plane.assets}:{os.environ['PATH']}",
            "KUBECONFIG": str(control_plane.kubeconfig),
            "HOME": str(tmp_path),
            "HF_TOKEN": "hunter2",
            "NVCF_OPERATOR_NVCF_BASE_URL": simulator.url,
        }
        output = ""
        with Operator.start(operator_identity, simulator.url, tmp_path / "operator.log", namespaces=namespace):
            for block in blocks:
                line = block.replace("team-a", namespace)
                done = subprocess.run(
                    ["bash", "-euc", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
                )
                assert done.returncode == 0, f"{line}\n{done.stderr}"
                output = done.stdout
        assert output.split() == ["NAME", "FUNCTION", "VERSION", f"llm-chat-{FUNCTION[:8]}", FUNCTION, VERSION]
        changed = [entry for entry in simulator.log() if entry["committed"] is not None]
        assert [entry["operation"] for entry in changed] == ["updateFunction", "updateSecrets"]
        assert simulator.has_secrets(VERSION, HF_TOKEN="hunter2")
