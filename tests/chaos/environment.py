"""The parts that many short runs share, and one run: a resource, an account and operators one after another.

A run has a namespace, an NVCF account, a key and a function of its own, so that many go on at the same time beside one
API server and one simulator.
"""

import itertools
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Kind
from tests.support.cluster import condition_of, manifest, release, resource_path
from tests.support.control import ODD_NAME
from tests.support.disruptions import CLOCK_OFFSET_FILE
from tests.support.failpoints import Failpoint
from tests.support.forked_operator import RETRY_SECONDS, ForkedOperator, ForkedOperators
from tests.support.kube_api import KubeApi
from tests.support.simulator import Simulator
from tests.support.waiting import eventually

T = TypeVar("T")
RunT = TypeVar("RunT", bound="Run")
Json = dict[str, Any]

SETTINGS: Mapping[str, Any] = {
    "create_settle_seconds": 1.8,
    "create_settle_per_specification_seconds": 1.4,
    "redeploy_settle_seconds": 1.2,
    "register_settle_seconds": 1.8,
    "write_settle_seconds": 1.2,
    "stalled_grace_seconds": 0.2,
    "reference_settle_seconds": 0.4,
    "poll_interval": 1.0,
    "busy_poll_interval": 0.2,
    "deep_resync_interval": 86400.0,
    "nvcf_rate": 500,
    "log_format": "text",
}
"""Every wait is shorter than a user's, none is left out, but for the deep reads, which come at any time of theirs."""

BEHAVIOUR: Mapping[str, Any] = {"period": 0.1, "deploySeconds": 0.2, "races": {"slowPost": 0.6}}
"""A POST takes far less than the create settle, and long enough for an operator to die meanwhile."""

NAME = "echo"
PATIENCE = 90.0
"""Seconds for anything that a run waits for, on a machine that is busy with others."""

PAUSE = 0.3
"""Seconds between two reads of a run: with many runs, reading costs more than all the operators."""


@dataclass
class Environment:
    """What runs share. Each takes a namespace, and an NVCF with it, and gives them back."""

    kube: KubeApi
    plane: ControlPlane
    identity: Path
    simulator: Simulator
    forks: ForkedOperators
    folder: Path
    slots: "queue.Queue[tuple[str, Simulator]]" = field(default_factory=queue.Queue)
    numbers: "Iterator[int]" = field(default_factory=itertools.count)

    @classmethod
    @contextmanager
    def made(
        cls, plane: ControlPlane, identity: Path, folder: Path, *, at_once: int, shared: bool = True
    ) -> "Iterator[Environment]":
        """Start a fork server and one simulator, and make namespaces for so many runs at the same time.

        Without `shared` there is a simulator for each, so that what happens to all of NVCF happens to one run only.
        """
        with ExitStack() as stack:
            kube = KubeApi(plane)
            stack.callback(kube.close)
            simulator = stack.enter_context(Simulator.start(**BEHAVIOUR))
            forks = stack.enter_context(ForkedOperators.start(folder / "operators"))
            environment = cls(kube, plane, identity, simulator, forks, folder)
            for number in range(at_once):
                name = f"{folder.name}-{number}".lower().replace("_", "-")
                kube.create("/api/v1/namespaces", {"metadata": {"name": name}})
                stack.callback(release, plane, name)
                own = simulator if shared or number == 0 else stack.enter_context(Simulator.start(**BEHAVIOUR))
                environment.slots.put((name, own))
            yield environment

    def run(self, **given: Any) -> "AbstractContextManager[Run]":
        """Make what a run needs and start its operator; end all of it afterwards. Takes what `run_as` takes."""
        return self.run_as(Run, **given)

    @contextmanager
    def run_as(
        self,
        make: "type[RunT]",
        *,
        failpoint: Failpoint | None = None,
        bug: str | None = None,
        retry_seconds: float = RETRY_SECONDS,
        lone: bool = False,
        **settings: Any,
    ) -> "Iterator[RunT]":
        """The same for a run of some class. A lone run has an NVCF to itself."""
        slot = namespace, simulator = self.slots.get(timeout=PATIENCE)
        with ExitStack() as stack:
            stack.callback(self.slots.put, slot)
            if lone:
                simulator = stack.enter_context(Simulator.start(**BEHAVIOUR))
            name = f"run-{next(self.numbers)}"
            run = make(self, namespace, simulator, name, failpoint, bug, retry_seconds, settings)
            stack.callback(run.clean_up)
            run.operate(failpoint)
            yield run


class Run:
    """One run. What is done in it, by users and in NVCF, is noted with its time, for the call log.

    Attributes:
        versions: ids of the function's versions, in the order in which they were made.
        keys: tokens of the account's keys by name, in the order in which they were made.
        cursor: number of the request to NVCF before its first one.
        settings: those of its operators.
        died: whether an operator has ended at the failpoint.

    """

    kind: Kind = FUNCTION_DEPLOYMENT
    """Of the resource."""
    end: str = "Undeployed"
    """Reason of the Event of its end."""

    def __init__(
        self,
        environment: Environment,
        namespace: str,
        simulator: Simulator,
        name: str,
        failpoint: Failpoint | None,
        bug: str | None,
        retry_seconds: float,
        settings: Mapping[str, Any],
    ) -> None:
        self.environment, self.namespace, self.name = environment, namespace, name
        self.simulator, self.kube = simulator, environment.kube
        self.failpoint, self.died = failpoint, False
        self.steps: list[tuple[float, str]] = []
        self.keys: dict[str, str] = {}
        self.uid = ""
        self._bug, self._retry_seconds = bug, retry_seconds
        self.settings = {**SETTINGS, **settings, "namespaces": namespace}
        self._armed = environment.folder / f"{name}.armed"
        self._clock = environment.folder / f"{name}.clock"
        self._operators = ExitStack()
        self.operator: ForkedOperator
        self.cursor = self.simulator.cursor
        self.simulator.add_account(name)
        self.function, version = self.simulator.add_function(f"{name} {ODD_NAME}", ncaId=name)
        self.versions = [version]
        self.use_key()

    @property
    def path(self) -> str:
        """The path of the resource."""
        return resource_path(self.namespace, NAME, self.kind)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions in NVCF that the run is about."""
        return (self.function,)

    def more_ids(self) -> Mapping[str, str]:
        """Names for ids that a run of this class has besides."""
        return {}

    # what users do

    def apply(self, *, gpu: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """Apply a manifest for the first version."""
        self._did("the manifest is applied")
        body = manifest(NAME, self.function, self.versions[0], gpu=gpu, **spec)
        self.kube.create(resource_path(self.namespace), body)

    def edit(self, **spec: Any) -> None:
        """Merge into the spec."""
        self._did(f"the manifest is edited: {', '.join(spec)}")
        self._merge({"spec": spec})

    def scale(self, **changes: Any) -> None:
        """Change fields of the only GPU specification."""
        self._did(f"the manifest is edited: {', '.join(f'{name} {value}' for name, value in changes.items())}")
        (specification,) = self.get()["spec"]["deploymentSpecifications"]
        self._merge({"spec": {"deploymentSpecifications": [{**specification, **changes}]}})

    def annotate(self, **annotations: str) -> None:
        """Set annotations of our group."""
        self._did(f"annotated: {', '.join(annotations)}")
        marks = {f"nvcf-operator.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self._merge({"metadata": {"annotations": marks}})

    def delete(self) -> None:
        """Delete the resource."""
        self._did("the resource is deleted")
        self.kube.delete(self.path)

    def use_key(self) -> str:
        """Make another key of the account, have the Secret hold it, and give its name."""
        name = f"{self.name}-key-{len(self.keys) + 1}"
        self.keys[name] = f"nvapi-test-{name}"
        self.simulator.add_key(name, self.keys[name], ncaId=self.name)
        if len(self.keys) > 1:
            self._did("the Secret gets another key")
        secrets, secret = (
            f"/api/v1/namespaces/{self.namespace}/secrets",
            {"stringData": {"NGC_API_KEY": self.keys[name]}},
        )
        if self.kube.merge(f"{secrets}/nvcf-credentials", secret) is None:
            self.kube.create(secrets, {"metadata": {"name": "nvcf-credentials"}, **secret})
        return name

    # what happens in NVCF

    def happened(self, what: str) -> None:
        """Note that something happens."""
        self._did(what)

    def happens(self, what: str) -> Simulator:
        """Note that something happens in NVCF, and give the simulator that makes it happen."""
        self._did(f"NVCF: {what}")
        return self.simulator

    def add_version(self) -> str:
        """Make another version of the function."""
        name = f"{self.name} {ODD_NAME}"
        _, version = self.simulator.add_function(name, functionId=self.function, ncaId=self.name)
        self.versions.append(version)
        return version

    def set_clock(self, seconds: float) -> None:
        """Have the operators' wall clock be off by so many seconds, if `wall_clock_from_file` is planted."""
        self._did(f"the clock is off by {seconds:g} s")
        fresh = self._clock.with_suffix(".fresh")
        fresh.write_text(f"{seconds}")
        fresh.replace(self._clock)

    # what is waited for

    def find(self) -> Json | None:
        """Read the resource; None when it is not there."""
        return self.kube.get(self.path)

    def get(self) -> Json:
        """Read the resource."""
        found = self.find()
        assert found is not None, f"{NAME} is not there"
        return found

    def until(self, met: Callable[[Json], bool], what: str) -> Json:
        """Wait for anything about the resource."""
        found = self.eventually(self.find, lambda it: it is not None and met(it), what)
        assert found is not None
        self.uid = found["metadata"]["uid"]
        return found

    def until_ready(self) -> Json:
        """Wait until the manifest as it stands is in force."""

        def ready(found: Json) -> bool:
            condition = condition_of(found, "Ready")
            current = condition.get("observedGeneration") == found["metadata"]["generation"]
            return bool(current and condition["status"] == "True")

        return self.until(ready, "Ready")

    def until_phase(self, phase: str) -> Json:
        """Wait for a phase."""
        return self.until(lambda found: found.get("status", {}).get("phase") == phase, phase)

    def until_gone(self) -> None:
        """Wait until the resource is gone."""

        def left() -> Json | None:
            found = self.find()
            conditions = (found or {}).get("status", {}).get("conditions", ())
            return found and {item["type"]: item["message"] for item in conditions}

        self.eventually(left, lambda found: found is None, "the resource is gone")

    def until_asked(self, times: int = 1, since: int | None = None, **wanted: Any) -> None:
        """Wait for requests of this account that match: so many after a cursor, or from now on."""
        cursor = self.simulator.cursor if since is None else since
        self.eventually(
            lambda: len(self.asked(cursor, **wanted)),
            lambda number: number >= times,
            f"{times} requests like {wanted}",
        )

    def until_observed(self) -> None:
        """Wait until this operator has read NVCF, if there is still a resource to read it for."""

        def reconciled() -> bool:
            made = any(call.startswith("nvcf ") for call in self.operator.calls())
            return made or (self.find() is None and "running; NVCF at" in self.operator.output())

        self.eventually(reconciled, bool, "a read of NVCF")

    def eventually(self, read: Callable[[], T], wanted: Callable[[T], bool], what: str) -> T:
        """Wait for something, with an operator running: one that ended at the failpoint has a successor."""

        def reconciled() -> T:
            self.keep_operating()
            return read()

        try:
            return eventually(reconciled, wanted, within=PATIENCE, what=what, rest=lambda: self.operator.ended(PAUSE))
        except AssertionError as error:
            raise AssertionError(f"{error}\nThe operator's log:\n{self.operator.output()[-3000:]}") from None

    def asked(self, cursor: int, **wanted: Any) -> list[Json]:
        """The requests of this account after a cursor that match."""
        keys = [wanted.pop("key")] if "key" in wanted else list(self.keys)
        # By key: the other runs of the simulator ask for a hundred times as much.
        found = [entry for key in keys if key in self.keys for entry in self.simulator.log(cursor, key=key, **wanted)]
        return sorted(found, key=lambda entry: int(entry["id"]))

    def until_in_nvcf(self, status: str, version: str | None = None) -> None:
        """Wait until a version, the first one by default, has a status in NVCF."""
        wanted = version or self.versions[0]
        self.eventually(
            lambda: self.simulator.deployments().get(wanted, {}).get("functionStatus"),
            lambda found: found == status,
            f"{wanted} is {status}",
        )

    def go_on(self) -> None:
        """Let three polls go by, longer than a change takes to be read back.

        Where the resource is gone there are none, and only the last Event is waited for.
        """
        if self.find() is not None:
            self.until_asked(3, operation="listFunctions")
        else:
            self.until_reported()

    def until_reported(self) -> None:
        """Wait for the Event of how it stands: of Ready's reason, from then or later, or of the end.

        Events are written one after another and beside the work, so a busy machine has them come any time later.
        """
        found = self.find()
        if found is None:
            self.eventually(self.events, lambda events: self.end in events, "the Event of the end")
            return
        self.uid = found["metadata"]["uid"]
        ready = condition_of(found, "Ready")
        reason, since = ready["reason"], ready["lastTransitionTime"]
        self.eventually(
            lambda: [(event["reason"], event["lastTimestamp"]) for event in self._recorded_events()],
            lambda recorded: any(name == reason and at >= since for name, at in recorded),
            f"the Event {reason} of {since} or later",
        )

    # the operator

    def operate(self, failpoint: Failpoint | None = None) -> None:
        """Start an operator."""
        self.operator = self._operators.enter_context(
            self.environment.forks.operator(
                self.environment.identity,
                self.simulator.url,
                self.settings,
                armed=self._armed,
                failpoint=failpoint,
                bug=self._bug,
                retry_seconds=self._retry_seconds,
                environment={CLOCK_OFFSET_FILE: str(self._clock)},
            )
        )

    def restart(self) -> None:
        """Kill the operator and start another one; wait until that knows the resources."""
        self._did("the operator is killed and started again")
        self._start_again()
        self.eventually(self.operator.output, lambda text: "running; NVCF at" in text, "the operator runs")

    def restart_and_observe(self) -> None:
        """Kill the operator and start another one, whose calls are noted; wait until that has read NVCF."""
        self._did("after three more polls the operator is killed and started again, for three polls more")
        cursor = self._start_again()
        self.until_observed()
        if self.find() is not None:
            self.until_asked(since=cursor)

    def _start_again(self) -> int:
        """End the operator and start another one; give the number of the request to NVCF before its first one."""
        self.operator.close()
        cursor = self.simulator.cursor
        self.operate()
        return cursor

    def keep_operating(self) -> None:
        """Start a successor of an operator that has ended at the failpoint. Raises AssertionError at any other end."""
        if not self.operator.ended():
            return
        expected = self.failpoint is not None and not self.died
        assert expected, f"the operator has ended unexpectedly:\n{self.operator.output()[-3000:]}"
        self.died = True
        self.operator.close()
        self.operate()

    def begin(self) -> None:
        """Have calls counted from now on: what came before was made ready for the scenario."""
        if self.find() is not None:
            self.until_reported()
        self.steps.clear()
        self._armed.touch()

    def events(self) -> dict[str, int]:
        """How often each reason was reported for the resource in Events."""
        counted: dict[str, int] = {}
        for event in self._recorded_events():
            counted[event["reason"]] = counted.get(event["reason"], 0) + event["count"]
        return counted

    def clean_up(self) -> None:
        """End the operator and take away what the run made."""
        self._operators.close()
        if self.find() is not None:
            self.kube.delete(self.path)
            self.kube.merge(self.path, {"metadata": {"finalizers": None}})
        for version in self.versions:
            self.simulator.remove(version)

    def _recorded_events(self) -> list[Json]:
        """Read the Events of the resource."""
        found = self.kube.get(
            f"/api/v1/namespaces/{self.namespace}/events", fieldSelector=f"involvedObject.uid={self.uid}"
        )
        events: list[Json] = found["items"] if found is not None else []
        return events

    def _merge(self, body: Json) -> None:
        self.kube.merge(self.path, body)

    def _did(self, what: str) -> None:
        self.steps.append((time.time(), what))
