"""The call log of a run: what the operator asked of NVCF and wrote to Kubernetes, in order, as readable text.

NVCF's side comes from the simulator's log, that of Kubernetes from the API server's audit log. Ids, tokens and times
are replaced by names. Writes are all there. Of the reads, which depend on the clock, the log has what matters:

- the same read made again and again, with the same answer and no write between, stands there once;
- the list of the account's functions stands there as the first call of a process with a key, and after a 404, which it
  is the proof of. It is polled all the time besides.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from hack.controlplane import AuditEvent, read_audit_log
from hack.controlplane.audit import WRITES
from nvcf_operator.accounts.key_status import fingerprint
from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION
from tests.chaos.environment import Run
from tests.chaos.followed_runs import FollowedRun
from tests.support.functions import mark_of

_VALUE = re.compile(r"digest:[0-9a-f]{16}")
"""What the simulator shows of a secret's value: it differs from one simulator to another."""

OPERATOR = "system:serviceaccount:nvcf-operator-system:nvcf-operator"
NVCF_PREFIX = "/v2/nvcf"
AWAITING, NOTICED = "not ready, AwaitingFollowers", "Ready Registered"
WAITING = "not ready, FunctionNotReady"


@dataclass(frozen=True, order=True)
class Line:
    """One line of the log, at a time in seconds since the epoch."""

    at: float
    text: str
    read: bool = False
    write: bool = False
    status: int = 0
    poll: bool = False
    """A list that this process has asked for before with the same key."""
    step: bool = False
    """What users do or happens in NVCF."""
    function: bool = False
    """About a CloudFunction: its versions in NVCF, or itself in the cluster."""


@dataclass(frozen=True)
class Start:
    """Where in the two logs a run begins."""

    cursor: int
    offset: int

    @classmethod
    def of(cls, run: Run) -> "Start":
        """Begin now."""
        return cls(run.simulator.cursor, run.environment.plane.audit_log.stat().st_size)


def call_log(run: Run, start: Start, title: str) -> str:
    """The text of a run's log from its start on."""
    return "\n".join([f"# {title}", *_with_events(run, _lines(run, start))])


def call_log_of_both(run: FollowedRun, start: Start, title: str) -> str:
    """The text of a run about two resources: each has a log of its own, for their order is up to the threads."""
    lines = _lines(run, start)
    about_function = [it for it in lines if it.step or it.function]
    function = _as_if_noticed(about_function)
    deployment = _with_one_wait(it for it in lines if not it.function)
    with run.about_function():
        text = [
            f"# {title}",
            "",
            "# The CloudFunction",
            *_with_events(run, _news(function), _ready_again(about_function)),
        ]
    return "\n".join([*text, "# The FunctionDeployment", *_with_events(run, _news(deployment))])


def waits_for_followers(run: FollowedRun, start: Start) -> int:
    """How many statuses of the CloudFunction said that followers have yet to notice."""
    return sum(AWAITING in line.text for line in _lines(run, start))


def noticed_first(run: FollowedRun, start: Start) -> bool:
    """Whether the FunctionDeployment was reported not to be Ready before the CloudFunction was reported Ready."""
    written = [it for it in _lines(run, start) if it.text.startswith("KUBE  200")]
    not_ready = [it.at for it in written if not it.function and WAITING in it.text]
    ready = [it.at for it in written if it.function and NOTICED in it.text]
    return min(not_ready) < min(ready)


def _as_if_noticed(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines as they are when the followers notice first: whether they do is up to the threads."""
    awaited = False
    for line in lines:
        if AWAITING in line.text:
            awaited = True
            yield replace(line, text=line.text.replace(AWAITING, NOTICED))
        elif awaited and line.text.endswith(f"status: {NOTICED} (conditions)"):
            awaited = False
        else:
            yield line


def _ready_again(lines: Iterable[Line]) -> Counter[str]:
    """The Events of a CloudFunction that was Ready, awaited followers and was Ready again: up to the threads, too."""
    was_ready, again = True, 0
    for line in lines:
        again += was_ready and AWAITING in line.text
        if "not ready, " in line.text or NOTICED in line.text:
            was_ready = NOTICED in line.text
    return Counter({"Registered": again})


def _with_one_wait(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines with one of all that say that the follower waits, for the function or for the settle after it.

    How often it says so, and whether it has read something by then, depends on which resource comes first.
    """
    reads: list[Line] = []
    waited = False
    for line in lines:
        if line.read:
            reads.append(line)
        elif line.write and WAITING in line.text:
            if not waited:
                yield replace(line, text=f"KUBE  200  PATCH   status: {WAITING}")
            waited = True
        else:
            yield from (*reads, line)
            reads, waited = [], False
    yield from reads


def _news(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines with those reads only that a write relies on: a first list, and that a version is not deployed.

    Each resource's changes have the other one read again.
    """
    answers: dict[str, int] = {}
    for line in lines:
        path = line.text.split()[3] if line.read else ""
        absent = line.status == 404 and answers.get(path) != 404
        if not line.read or "  with <" in line.text or (absent and not line.poll):
            yield line
        if line.read:
            answers[path] = line.status


def _lines(run: Run, start: Start) -> list[Line]:
    named = Names(run)
    lines = [Line(at, f"\n== {step}", step=True) for at, step in run.steps]
    lines += [*_asked(run, start, named), *_written(run, start, named)]
    began = run.steps[0][0]  # a poll that comes between the start and the first step says nothing about the scenario
    return sorted(it for it in lines if it.at >= began)


def _with_events(run: Run, lines: Iterable[Line], but: Mapping[str, int] = MappingProxyType({})) -> list[str]:
    counts = [f"{reason} {count - but.get(reason, 0)}" for reason, count in sorted(run.events().items())]
    events = f"== Events, since the resource was made: {', '.join(counts) or 'none'}"
    return [*(line.text for line in _without_polls(lines)), "", events, ""]


def differences(golden: str, log: str) -> str:
    """A diff of two logs; empty when they say the same.

    The log may have two reads more, which the clock brings about: a read of the deployment after a patch to Kubernetes,
    whose echo by the watch can come before its answer and counts as news then; and a poll right after a 404, where it
    looks like the proof of it.
    """
    wanted, found = golden.splitlines(), log.splitlines()
    matched = difflib.SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes()
    same = all(
        kind == "equal" or (kind == "insert" and all(_is_by_the_clock(found, place) for place in range(first, last)))
        for kind, _, _, first, last in matched
    )
    return "" if same else "\n".join(difflib.unified_diff(wanted, found, "golden", "this run", lineterm="", n=40))


def _is_by_the_clock(lines: list[str], place: int) -> bool:
    line = lines[place]
    before = next((line for line in reversed(lines[:place]) if line and not line.startswith("==")), "")
    poll = line == "NVCF  200  GET     /functions?visibility=private" and before.startswith("NVCF  404  GET ")
    return poll or (line.startswith("NVCF  200  GET     /deployments/") and before.startswith("KUBE  200  PATCH "))


class Names:
    """Names for the ids of a run."""

    def __init__(self, run: Run) -> None:
        self._known: dict[str, str] = {run.function: "<function>"}
        self._counted: dict[str, int] = {}
        for number, version in enumerate(run.versions, start=1):
            self._known[version] = f"<version-{number}>"
        for number, key in enumerate(run.keys, start=1):
            self._known[key] = f"<key-{number}>"
            self._known[fingerprint(run.uid, run.keys[key])] = f"<fingerprint of key-{number}>"
        self._known[run.uid] = "<uid>"
        self._known[run.name] = "<account>"
        self._known |= run.more_ids()

    def of(self, text: str, kind: str) -> str:
        """The name of an id of that kind, which is given one when it is first seen."""
        if text not in self._known:
            self._counted[kind] = self._counted.get(kind, 0) + 1
            self._known[text] = f"<{kind}-{self._counted[kind]}>"
        return self._known[text]

    def name(self, text: str, name: str) -> None:
        """Give an id a name."""
        self._known[text] = name

    def put_into(self, text: str) -> str:
        """The text with names in place of all ids that have one."""
        for known, name in sorted(self._known.items(), key=lambda item: -len(item[0])):
            text = text.replace(known, name) if known else text
        return text


def _asked(run: Run, start: Start, named: Names) -> Iterator[Line]:
    """What was asked of NVCF with this run's keys."""
    users: set[tuple[str, str]] = set()
    for entry in run.simulator.log(run.cursor):
        if entry["key"] not in run.keys:
            continue
        user = (entry["key"], entry["userAgent"])
        first = user not in users
        users.add(user)
        if entry["id"] <= start.cursor:
            continue
        path = entry["path"].removeprefix(NVCF_PREFIX) + (f"?{entry['query']}" if entry["query"] else "")
        for specification in _specification_ids(entry):
            named.of(specification, "specification")
        for token in _tokens(entry):
            named.of(token, "registration")
        if entry["deploymentId"]:
            named.of(entry["deploymentId"], "deployment")
        sent = _VALUE.sub("<value>", json.dumps(entry["body"]))
        body = "" if entry["body"] is None else f"\n                   {sent}"
        key = f"  with {named.of(entry['key'], 'key')}" if first else ""
        text = named.put_into(f"NVCF  {entry['status']}  {entry['method']:6}  {path}{key}{body}")
        poll = entry["operation"] == "listFunctions" and not first
        writes = entry["mutating"]
        function = "/deployments/" not in entry["path"] and entry["operation"] != "listFunctions"
        yield Line(_seconds(entry["time"]), text, not writes, writes, entry["status"], poll, function=function)


def _tokens(entry: Mapping[str, Any]) -> list[str]:
    """The token in the mark that a registration, or a change of tags, sends."""
    mark = mark_of(entry["body"]) if isinstance(entry["body"], dict) else None
    return mark.split(":")[4:5] if mark is not None else []


def _specification_ids(entry: Mapping[str, Any]) -> list[str]:
    _, found, after = entry["path"].partition("/gpu-specifications/")
    sent = entry["body"].get("deploymentSpecifications", ()) if isinstance(entry["body"], dict) else ()
    inside = [item["gpuSpecificationId"] for item in sent if "gpuSpecificationId" in item]
    return inside + ([after.split("/")[0]] if found else [])


def _written(run: Run, start: Start, named: Names) -> Iterator[Line]:
    """What was written to the resource. Events are counted at the end: they are written beside the work."""
    here = f'"namespace":"{run.namespace}"'
    for event in read_audit_log(run.environment.plane.audit_log, start.offset, holding=here):
        mine = event.user == OPERATOR and event.namespace == run.namespace
        if mine and event.verb in WRITES and event.group == names.GROUP:
            what = "status" if event.resource.endswith("/status") else "metadata"
            text = f"KUBE  {event.code}  {event.verb.upper():6}  {what}: {_content(event, named)}"
            function = event.resource.startswith(CLOUD_FUNCTION.plural)
            yield Line(_seconds(event.time), named.put_into(text), write=True, function=function)


def _content(event: AuditEvent, named: Names) -> str:
    if isinstance(event.body, list):
        members = {item["path"]: item["value"] for item in event.body if item["path"].startswith("/status/")}
        return _status({path.removeprefix("/status/"): value for path, value in members.items()}, named)
    metadata = dict(event.body["metadata"])
    said = [f"{name} {value}" for name, value in metadata.get("annotations", {}).items()]
    if "finalizers" in metadata:
        said.append(f"finalizers {', '.join(metadata['finalizers']) or 'none'}")
    return "; ".join(said)


def _status(members: Mapping[str, Any], named: Names) -> str:
    """What a reader wants to know of a patch of the status: the news in words, and which members were written."""
    said: list[str] = []
    if (intent := members.get("intent")) and not intent["answered"]:
        if "hash" in intent:
            said.append(f"intent {named.of(intent['token'], 'registration')} to register {intent['hash']}")
        else:
            said.append(f"intent {named.of(intent['token'], 'intent')} to deploy {intent['functionVersionId']}")
    said += [f"latest {latest['versionId']}"] if (latest := members.get("latest")) else []
    said += [members["phase"]] if "phase" in members else []
    for condition in members.get("conditions", ()):
        if condition["type"] in ("Ready", "Stalled", "DeletionBlocked") and condition["status"] == "True":
            said.append(f"{condition['type']} {condition['reason']}")
        elif condition["type"] == "Ready":
            said.append(f"not ready, {condition['reason']}")
    removed = sorted(name for name, value in members.items() if value is None)
    written = ", ".join(sorted(members.keys() - set(removed)))
    return f"{', '.join(said)} ({written}" + (f"; removed: {', '.join(removed)}" if removed else "") + ")"


def _without_polls(lines: Iterable[Line]) -> Iterator[Line]:
    """Leave out lists that prove nothing, and reads that were answered so before and since which nothing happened."""
    last: Line | None = None
    answered: set[str] = set()
    for line in lines:
        polled = line.poll and not (last is not None and last.read and last.status == 404)
        if line.write:
            answered.clear()
        if not polled and line.text not in answered:
            yield line
        if line.read and not polled:
            answered.add(line.text)
        last = line


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).astimezone(UTC).timestamp()
