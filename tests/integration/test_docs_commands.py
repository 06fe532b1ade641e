"""What the pages have their reader type in a cluster, typed one after the other on a real API server."""

import os
import subprocess
import sys
from pathlib import Path

from hack.controlplane import ControlPlane
from tests.support.page_commands import ROOT, TYPED_ON_A_CLUSTER, Command, only
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator

LAST_OF_CHAT, PATCHED = "kubectl delete cf chat", "kubectl -n NAMESPACE patch functiondeployment NAME"


class Reader:
    """A reader's shell: a folder with the project's manifests, and a namespace of kubectl's own."""

    def __init__(self, plane: ControlPlane, namespace: str, home: Path) -> None:
        self._namespace = namespace
        self._home = home
        for folder in ("crds", "deploy"):
            (home / folder).symlink_to(ROOT / folder)
        example = (ROOT / "deploy" / "examples" / "functiondeployment.yaml").read_text()
        (home / "my-function.yaml").write_text(example)
        config = home / "kubeconfig"
        config.write_text(plane.kubeconfig.read_text())
        config.chmod(0o600)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("NVCF_", "NGC_"))},
            "PATH": f"{plane.assets}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(config),
            "HOME": str(home),
            "NGC_API_KEY": KEY,
        }
        self.type(f"kubectl config set-context --current --namespace={namespace}")

    def type(self, line: str) -> str:
        """Type a line as it stands, but for names that stand for others; give what it printed."""
        text = line.replace("my-team", self._namespace).replace("NAMESPACE", self._namespace)
        if text == "kubectl apply -k crds":
            text += " --dry-run=server"  # others use the same cluster, where the types are installed
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self._home,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout


def test_the_pages_commands_do_what_they_say(
    control_plane: ControlPlane, namespace: str, operator_identity: Path, tmp_path: Path
) -> None:
    story: list[Command] = [only(*place) for place in TYPED_ON_A_CLUSTER]
    reader = Reader(control_plane, namespace, tmp_path)
    reader.type("kubectl create secret generic chat-secrets --from-literal=TOKEN=größe")
    said: dict[str, str] = {}
    log = tmp_path / "operator.log"
    with Simulator.start() as simulator, Operator.start(operator_identity, simulator.url, log, namespaces=namespace):
        for (_, beginning), command in zip(TYPED_ON_A_CLUSTER, story, strict=True):
            if beginning == PATCHED:
                break
            said[beginning] = reader.type(command.text)
            if beginning == LAST_OF_CHAT:
                assert "chat" not in reader.type("kubectl get nvcf --ignore-not-found -o name")
        assert "functiondeployment.nvcf-operator.io/chat condition met" in "".join(said.values())
        assert "Active" in said["kubectl get fd"]
        assert "Asked NVCF to deploy version" in said["kubectl get events"]
        assert "ACTIVE" in said["kubectl get fd echo -o jsonpath"]
    # Without an operator nobody takes the finalizer off: the last command does.
    reader.type("kubectl delete fd echo --wait=false")
    reader.type(story[-1].text.replace(" NAME ", " echo "))
    reader.type("kubectl wait --for=delete fd/echo --timeout=60s")
