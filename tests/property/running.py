"""Stories about instances that come and go: how often they are read, and what a number in the status is worth."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from nvcf_operator.api import names
from nvcf_operator.core.model.reasons import Reason
from tests.property.chance import Chance
from tests.property.operator_process import POLL, SETTINGS
from tests.property.story import Story, version
from tests.property.story_runs import focused

SLACK = 5.0
"""Seconds by which reconciles may come earlier than a poll interval."""


class Instances(Story):
    """What can happen, and instances that are gone or hidden."""

    settings = SETTINGS.model_copy(update={"running_instances": True})

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, tuple[str, Any]] = {}
        """By uid, status of the version and number, as last recorded."""
        self._read: dict[str, tuple[float, tuple[str, str], bool]] = {}
        """By version, when its instances were last read, its deployment and status then, and whether it had none."""
        self._number = 0
        """Of the process that reconciled last."""

    @rule(of=version, gone=st.booleans())
    def lose_instances(self, of: str, gone: bool) -> None:
        if not gone:
            self.account.empty_since.pop(of, None)
        else:
            self.account.empty_since.setdefault(of, self.account.now)
        self._step(f"version {of[-1]} {'loses' if gone else 'has'} its instances", Chance())

    @rule(hidden=st.booleans())
    def hide_instances(self, hidden: bool) -> None:
        self.account.hides_instances = hidden
        self._step(f"the key may {'not ' if hidden else ''}see instances", Chance())

    @rule()
    def wait_long(self) -> None:
        self._step("a full read comes", Chance(), 1.1 * SETTINGS.deep_resync_interval)

    def _end(self) -> None:
        self.account.empty_since.clear()
        self.account.hides_instances = False
        super()._end()

    def _reconcile(self, chance: Chance, *, at_all: bool) -> None:
        reads, shown, notes = len(self.account.reads), len(self.account.shown), len(self.operator.notes.taken)
        requested = self._requested()
        super()._reconcile(chance, at_all=at_all)
        seen = requested | {of for _, of in self.account.shown[shown:]}
        for at, of in self.account.reads[reads:]:
            self._is_due(at, of, seen)
        self._number = self.operator.number
        empty = [note for _, note in self.operator.notes.taken[notes:] if note.reason == Reason.NO_INSTANCES]
        for obj in self.cluster.objects.values():
            self._is_worth_it(obj["metadata"]["uid"], obj["status"], reported=bool(empty))

    def _requested(self) -> set[str]:
        """The versions of resources whose owners want them reconciled."""
        found: set[str] = set()
        for obj in self.cluster.objects.values():
            token = obj["metadata"]["annotations"].get(names.RECONCILE_REQUESTED_ANNOTATION)
            if token != obj["status"].get("lastHandledReconcileAt"):
                found |= {obj["spec"]["functionVersionId"], obj["status"].get("functionVersionId", "")}
        return found

    def _is_due(self, at: float, of: str, seen: set[str]) -> None:
        """A read comes with one of the deployment, after a change of its status or a request, or where none ran."""
        row = self.account.rows.get(of)
        status = (row.deployment_id, row.status) if row is not None else ("", "")
        before, known, none = self._read.get(of, (float("-inf"), ("", ""), False))
        due = of in seen or status != known or self.operator.number != self._number
        due = due or (none and at - before >= POLL - SLACK)
        assert due, self._picture(f"the instances of {of[-1]} are read {at - before:.0f} s after they were")
        empty = status[1] == "ACTIVE" and "ACTIVE" not in self.account.instances(of)
        self._read[of] = (at, status, empty)

    def _is_worth_it(self, uid: str, status: dict[str, Any], *, reported: bool) -> None:
        """A 0 that says that something is wrong comes late and with an Event; without a deployment there is none."""
        running, state = status.get("running"), status.get("functionStatus")
        least = sum(item.get("minInstances", 0) for item in status.get("gpuSpecifications", []))
        of = status.get("functionVersionId", "")
        before = self._shown.get(uid)
        self._shown[uid] = (of + str(state), running)
        assert running is None or state not in (None, "INACTIVE"), self._picture(f"{running} run of what is not there")
        begins = running == 0 and state == "ACTIVE" and least > 0 and before != self._shown[uid]
        if not begins or uid in self.operator.tampered:
            return
        since = self.account.empty_since.get(of, self.account.now)
        assert self.account.now - since >= POLL, self._picture("none runs is believed at first sight")
        assert reported, self._picture("that none runs is not reported")


Watched = focused(
    "Watched",
    ("create", "scale", "change_version", "wait", "wait_long", "request", "lose_instances", "hide_instances", "die"),
    Instances,
)
"""Instances that come and go, beside little else."""

Emptied = focused("Emptied", ("create", "wait", "request", "lose_instances"), Instances)
