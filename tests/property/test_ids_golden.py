"""A manifest with ids makes the changes and writes the statuses of its golden log, to the byte.

`GOLDEN=write .venv/bin/pytest tests/property/test_ids_golden.py` rewrites the log. Review the diff as code.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import FUNCTION, GPU, VERSIONS, Account
from tests.property.operator_process import OperatorProcess

GOLDEN = Path(__file__).with_name("golden") / "ids.log"
ONE, TWO, THREE = VERSIONS
ECHO, OTHER = Key("team", "echo"), Key("team", "other")


class Log:
    """What one operator after another does, in the order of it."""

    def __init__(self) -> None:
        self.cluster, self.account = Cluster(), Account(random.Random(0), quiet=True)
        self.operator = OperatorProcess(self.cluster, self.account)
        self.lines: list[str] = []
        self._known: dict[Key, str] = {}
        self._written = 0

    def step(self, title: str, seconds: float = 200.0) -> None:
        """Let time pass after something was done, and keep each change in NVCF and each status."""
        self.lines.append(f"== {title}")
        end = self.account.now + seconds
        while True:
            self.operator.reconcile(Chance(), at_all=False)
            self._keep()
            if self.account.now >= end:
                return
            self.account.advance(max(0.5, min(self.operator.due_in, end - self.account.now)))

    def edit(self, key: Key, **changes: Any) -> None:
        self.cluster.now = self.account.now
        self.cluster.edit(key, **changes)

    def create(self, key: Key, version: str, **changes: Any) -> None:
        self.cluster.now = self.account.now
        ids = {"functionId": FUNCTION, "functionVersionId": version}
        self.cluster.create(key, {**ids, "deploymentSpecifications": [GPU], **changes})

    def delete(self, key: Key) -> None:
        self.cluster.now = self.account.now
        self.cluster.delete(key)

    def _keep(self) -> None:
        for write in self.operator.writes[self._written :]:
            self.lines.append(f"{write.at:.1f} {write.kind} {write.version} graceful={write.graceful} {write.action}")
        self._written = len(self.operator.writes)
        for key, obj in self.cluster.objects.items():
            status = json.loads(json.dumps(obj["status"]))
            if status.get("intent"):
                status["intent"]["token"] = "token"
            text = json.dumps([obj["metadata"]["finalizers"], status], sort_keys=True)
            if text != self._known.get(key):
                self._known[key] = text
                self.lines.append(f"{self.account.now:.1f} {key} {text}")
        for key in [key for key in self._known if key not in self.cluster.objects]:
            del self._known[key]
            self.lines.append(f"{self.account.now:.1f} {key} is gone")


def written() -> str:
    """The log of one story, with the jitter of its waits."""
    random.seed(0)
    log = Log()
    log.create(ECHO, ONE)
    log.step("create")
    log.edit(ECHO, deploymentSpecifications=[{**GPU, "maxInstances": 6}])
    log.step("scale")
    log.edit(ECHO, deploymentSpecifications=[{**GPU, "gpu": "H100"}])
    log.step("another GPU, refused")
    log.edit(ECHO, rollout={"immutableChange": "Redeploy"})
    log.step("another GPU, redeployed", 400.0)
    log.edit(ECHO, functionVersionId=TWO)
    log.step("a rollout", 30.0)
    log.operator.restart()
    log.step("a restart")
    log.account.fates[THREE] = "fail"
    log.edit(ECHO, functionVersionId=THREE)
    log.step("a rollout that fails", 400.0)
    log.create(OTHER, TWO)
    log.step("a conflict")
    log.cluster.annotate(ECHO, names.REDEPLOY_REQUESTED_ANNOTATION, "1")
    log.edit(ECHO, functionVersionId=TWO)
    log.step("back, and deployed again on request", 400.0)
    log.edit(ECHO, suspend=True)
    log.step("suspended")
    log.account.undeploy_outside(TWO)
    log.step("undeployed by somebody else")
    log.edit(ECHO, suspend=False)
    log.step("deployed again", 400.0)
    log.edit(OTHER, managementPolicy="Observe")
    log.step("observed")
    log.delete(ECHO)
    log.step("deleted", 400.0)
    log.edit(OTHER, managementPolicy="Manage")
    log.step("managed", 400.0)
    log.cluster.set_status(OTHER, {"observedGeneration": -1})
    log.step("without a record", 400.0)
    log.delete(OTHER)
    log.step("deleted as well", 400.0)
    log.operator.close()
    return "\n".join(log.lines) + "\n"


def test_a_manifest_with_ids_does_what_its_golden_log_says() -> None:
    found = written()
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found)
    assert found.splitlines() == GOLDEN.read_text().splitlines()
