"""Rules that each status of a resource keeps, held against every one that an operator has written."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hack.argocd import disagreement
from hack.controlplane import read_audit_log
from nvcf_client.options import default_user_agent
from nvcf_operator.api.conditions import MESSAGE_LIMIT
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES, FunctionPhase
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from nvcf_operator.api.status import CONDITION_TYPES, Phase
from nvcf_operator.core.model.reasons import Reason
from tests.support.installation import ACCOUNT, NAMESPACE
from tests.support.kstatus import kstatus

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
AGENT = f"{default_user_agent()} ("
"""How the User-Agent of a running operator begins."""


class Words(NamedTuple):
    """What the statuses of a kind may say."""

    always: tuple[str, ...]
    """Conditions that are there from the first status on."""
    types: frozenset[str]
    phases: frozenset[str]


WORDS: Mapping[str, Words] = {
    FUNCTION_DEPLOYMENT.name: Words(
        ("Ready", "Available", "Reconciling", "Stalled"), frozenset(CONDITION_TYPES), frozenset(Phase)
    ),
    CLOUD_FUNCTION.name: Words(
        ("Ready", "Registered", "Reconciling", "Stalled"),
        frozenset(FUNCTION_CONDITION_TYPES),
        frozenset(FunctionPhase),
    ),
}

WRITTEN = frozenset(f"{kind.plural}/status" for kind in (FUNCTION_DEPLOYMENT, CLOUD_FUNCTION))

_CLOCK = re.compile(r"\d{4}-\d\d-\d\d|\b\d\d?:\d\d\b")

Object = Mapping[str, Any]


def problems(found: Object, before: Mapping[str, Any] | None = None) -> list[str]:
    """Say what is wrong with an object's status; `before` is the status that it took the place of.

    Conditions whose type is in a domain, as `example.com/Synced`, are other controllers'.
    """
    status, words = found["status"], WORDS[found["kind"]]
    conditions = {item["type"]: item for item in status.get("conditions", []) if "/" not in item["type"]}
    every = [item["type"] for item in status.get("conditions", [])]
    wrong = [] if len(set(every)) == len(every) else ["a condition stands there twice"]
    wrong += [f"{kind} is missing" for kind in words.always if kind not in conditions]
    wrong += [f"{kind} is no type of condition" for kind in conditions if kind not in words.types]
    for kind, condition in conditions.items():
        wrong += [f"{kind}: {what}" for what in _condition(condition, status, before or {})]
    if status.get("phase") not in words.phases:
        wrong.append(f"phase {status.get('phase')} is not of the list")
    if status["observedGeneration"] > found["metadata"]["generation"]:
        wrong.append("observedGeneration is ahead of the manifest")
    if before == status:
        wrong.append("nothing has changed")
    wrong += _by_kstatus(found, {kind: item["status"] for kind, item in conditions.items()})
    if unlike := disagreement(found):
        wrong.append(unlike)
    return wrong


def _condition(condition: Object, status: Object, before: Object) -> Iterator[str]:
    """What is wrong with a condition. One that was not rewritten may be of an older generation."""
    if condition["reason"] not in set(Reason):
        yield f"reason {condition['reason']} is not of the list"
    if condition["status"] not in ("True", "False", "Unknown"):
        yield f"status {condition['status']}"
    if len(condition.get("message", "")) > MESSAGE_LIMIT:
        yield f"the message has {len(condition['message'])} characters"
    if moment := _CLOCK.search(condition.get("message", "")):
        yield f"the message names a time: {moment[0]}"
    if "observedGeneration" not in condition:
        yield "observedGeneration is missing"
        return
    kept = condition in before.get("conditions", [])
    generation, current = condition["observedGeneration"], status["observedGeneration"]
    if generation > current or (generation < current and not kept):
        yield f"observedGeneration {generation}, while the status has {current}"


def _by_kstatus(found: Object, conditions: Mapping[str, str]) -> Iterator[str]:
    """Where tools that know kstatus would be misled."""
    if conditions.get("Reconciling") == conditions.get("Stalled") == "True":
        yield "Reconciling and Stalled are both True"
    result, ready = kstatus(found), conditions.get("Ready") == "True"
    if result == "Current" and not ready:
        yield "kstatus says Current, and Ready is not True"
    if result == "Failed" and ready:
        yield "kstatus says Failed, and Ready is True"


class Statuses:
    """All statuses that operators have written, by the API server's audit log from an offset on."""

    def __init__(self, audit_log: Path, offset: int = 0) -> None:
        self._log = audit_log
        self._offset = offset
        self.checked = 0
        """How many were checked."""

    def wrong(self, *, namespace: str | None = None) -> list[str]:
        """Check every one; give each that breaks a rule, with the rule."""
        self.checked = 0
        before: dict[str, Mapping[str, Any]] = {}
        wrong = []
        for event in read_audit_log(self._log, self._offset, holding='"subresource":"status"'):
            if event.resource not in WRITTEN or event.code >= 300:
                continue
            if namespace not in (None, event.namespace):
                continue
            if event.user != OPERATOR or event.verb != "patch" or not event.agent.startswith(AGENT):
                # Somebody else's status, or a test's: the next one has nothing to be compared with.
                before = {uid: status for uid, status in before.items() if not uid.startswith(f"{event.namespace}/")}
                continue
            found = event.answer
            assert isinstance(found, dict), f"the audit log lacks the answer to a patch of {event.name}'s status"
            uid = f"{event.namespace}/{found['metadata']['uid']}"
            wrong += [f"{event.time} {event.namespace}/{event.name}: {w}" for w in problems(found, before.get(uid))]
            before[uid] = found["status"]
            self.checked += 1
        return wrong


@contextmanager
def checking(audit_log: Path) -> Iterator[None]:
    """Check, after the body, all statuses that operators wrote meanwhile, and say how many there were."""
    statuses = Statuses(audit_log)
    yield
    wrong = statuses.wrong()
    print(f"{statuses.checked} statuses were written by operators, {len(wrong)} break a rule", file=sys.__stderr__)
    for line in wrong:
        print(line, file=sys.__stderr__)
    assert wrong == []
