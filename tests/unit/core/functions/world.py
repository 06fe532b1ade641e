"""A small model of NVCF and the cluster around one CloudFunction, with lost answers, slow POSTs, crashes and edits.

It obeys the decisions as the operator's stages do, and checks at each write that it may be made.
"""

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from nvcf_operator.api.function_status import CloudFunctionStatus, Registration
from nvcf_operator.core.functions.decide import asking, decide
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    FunctionAction,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.observed import Absent, Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    NOW,
    OTHER_TEMPLATE,
    PROVEN,
    THIRD_TEMPLATE,
    cloud_function,
    follower,
    refusal,
    situation,
)
from tests.unit.core.functions.templates import SMALL, UID

TEMPLATES = (SMALL, OTHER_TEMPLATE, THIRD_TEMPLATE)
SETTLE = 180.0


class Answer(Enum):
    """What becomes of a POST."""

    YES = "registered and answered"
    LOST = "registered, and the answer lost"
    LATE = "registered after a while, and the answer lost"
    VERY_LATE = "registered after the settle, and the answer lost"
    NEVER = "not registered, and the answer lost"
    REFUSED = "refused"
    CRASH = "registered, and the operator dies before it records anything"
    CRASH_BEFORE = "not sent, since the operator dies after the intent"


DELAYS = {Answer.LATE: 100.0, Answer.VERY_LATE: 400.0}


@dataclass
class World:
    """One CloudFunction, its versions in NVCF, and a FunctionDeployment that follows it."""

    template: int = 0
    revision: str | None = None
    limit: int = 1
    generation: int = 1
    deleting: bool = False
    finalizer: bool = False
    released: bool = False
    status: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    versions: dict[str, VersionSeen] = field(default_factory=dict)
    coming: list[tuple[float, VersionSeen]] = field(default_factory=list)
    gone_at: dict[str, float] = field(default_factory=dict)
    deployed: str | None = None
    undeployed_at: dict[str, float] = field(default_factory=dict)
    clock: float = 0.0
    posted_at: float | None = None
    """When the POST ended that is neither answered nor given up."""
    intent_seen: tuple[str, float] | None = None
    delete_sent: dict[str, float] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    posts: int = 0
    follows: bool = True
    hidden: dict[str, float] = field(default_factory=dict)
    """Versions that NVCF shows nowhere for a minute, since when."""

    @property
    def resource(self) -> CloudFunction:
        """The object as it is stored."""
        spec = {"history": {"limit": self.limit}, **({"revision": self.revision} if self.revision else {})}
        return cloud_function(
            TEMPLATES[self.template],
            spec=spec,
            status=self.status,
            finalizer=self.finalizer,
            deleting=self.deleting,
            generation=self.generation,
            annotations=self.annotations,
        )

    def passes(self, seconds: float) -> None:
        """Let time pass; what comes late comes now, and the follower follows."""
        self.clock += seconds
        for due, seen in list(self.coming):
            if due <= self.clock:
                self.coming.remove((due, seen))
                self._appears(seen)

    def follow(self) -> None:
        """The FunctionDeployment takes what is the latest now, and undeploys what it had."""
        latest = self.resource.status.latest
        if not self.follows or latest is None or latest.version_id not in self.versions:
            return
        if self.deployed not in (None, latest.version_id):
            self.undeploy()
        self.deployed = latest.version_id
        self.versions[self.deployed] = replace(self.versions[self.deployed], status="ACTIVE")

    def undeploy(self) -> None:
        """What is deployed is taken down."""
        if self.deployed is not None and self.deployed in self.versions:
            self.versions[self.deployed] = replace(self.versions[self.deployed], status="INACTIVE")
            self.undeployed_at[self.deployed] = self.clock
        self.deployed = None

    def remove(self, version: str) -> None:
        """Somebody deletes a version."""
        self.versions.pop(version, None)
        self.gone_at[version] = self.clock
        self.deployed = None if self.deployed == version else self.deployed

    def restart(self) -> None:
        """The operator starts again, and remembers nothing."""
        self.intent_seen, self.delete_sent = None, {}
        self.gone_at = dict.fromkeys(self.gone_at, self.clock)
        self.undeployed_at = dict.fromkeys(self.undeployed_at, self.clock)

    def see(self) -> FunctionSituation:
        """What the observer finds."""
        resource = self.resource
        if (intent := resource.open_intent) is not None and (self.intent_seen or ("", 0.0))[0] != intent.token:
            self.intent_seen = (intent.token, self.clock)
        searched = self.clock - self.intent_seen[1] if self.intent_seen is not None else 0.0
        hidden = {version: since for version, since in self.hidden.items() if self.clock - since < 60.0}
        absent = {version: Absent(self.clock - self.undeployed_at.get(version, -1000.0)) for version in self.versions}
        if self.deployed is not None:
            absent.pop(self.deployed, None)
        return situation(
            resource,
            *(seen for seen in self.versions.values() if seen.version_id not in hidden),
            now=NOW + timedelta(seconds=self.clock),
            account=PROVEN,
            deployments=absent,
            searched_for=searched,
            followers=self._followers(),
            absent_for={version: self.clock - gone for version, gone in (self.gone_at | hidden).items()},
            delete_sent_for={version: self.clock - sent for version, sent in self.delete_sent.items()},
        )

    def reconcile(self) -> FunctionSituation | None:
        """Run the loop once; None where the operator dies in it."""
        if self.released:
            return None
        of = self.see()
        decision = decide(of)
        for _ in range(2):
            if decision.action is None:
                break
            outcome = self._carry_out(of, decision.action)
            if outcome is None:
                self.restart()
                return None
            of, wrote = outcome, decision.action
            decision = decide(of)
            if decision.action is not None and not isinstance(wrote, TakeFinalizer):
                decision = replace(decision, action=None)
                break
        if not self.released and decision.action is None:
            self._store(report(of, decision))
        return of

    def _carry_out(self, of: FunctionSituation, action: FunctionAction) -> FunctionSituation | None:
        match action:
            case TakeFinalizer():
                self.finalizer = True
                return replace(of, resource=self.resource)
            case DropFinalizer():
                self.finalizer = False
                self.released = self.deleting
                return replace(of, resource=self.resource)
            case DeleteVersion():
                self._may_delete(of, action)
                self.remove(action.version_id)
                self.delete_sent[action.version_id] = self.clock
                return replace(of, wrote=action, delete_sent_for={**of.delete_sent_for, action.version_id: 0.0})
            case Register():
                return self._register(of, action)
            case UpdateVersion() | RemoveRateLimit() | SendSecrets():
                raise AssertionError("nothing is changed in place where nobody has touched tags or rate limit")

    def _register(self, of: FunctionSituation, action: Register) -> FunctionSituation | None:
        self._may_post(of, action)
        self.posts += 1
        intent = Registration(
            uid=UID,
            hash=action.hash,
            revision=action.revision,
            token=uuid.UUID(int=self.posts).hex[-16:],
            function_id=action.function_id,
        )
        self._store(report(of, asking(of, action)).model_copy(update={"intent": intent}))
        answer = self.answers.pop(0) if self.answers else Answer.YES
        if answer == Answer.CRASH_BEFORE:
            self.posted_at = self.clock
            return None
        made = self._made(action, intent)
        of = replace(of, resource=self.resource)
        self.intent_seen = (intent.token, self.clock)
        if answer == Answer.REFUSED:
            return replace(of, failure=refusal(Reason.ARTIFACT_REJECTED), answered_intent=_answered(intent))
        if answer in (Answer.YES, Answer.LOST, Answer.CRASH):
            self._appears(made)
        elif answer in DELAYS:
            self.coming.append((self.clock + DELAYS[answer], made))
        if answer == Answer.YES:
            return replace(of, wrote=action, answer=made, answered_intent=_answered(intent))
        self.posted_at = self.clock
        if answer == Answer.CRASH:
            return None
        lost = Failure(Reason.NVCF_UNAVAILABLE, "502.", Scope.SERVER, words="502")
        return replace(of, failure=lost, unanswered=lost)

    def _may_post(self, of: FunctionSituation, action: Register) -> None:
        opened = of.resource.open_intent
        found = opened is None or any(seen.mark and seen.mark.token == opened.token for seen in self.versions.values())
        settled = self.posted_at is None or self.clock - self.posted_at >= SETTLE
        assert found or settled, "a POST while one may be running"
        marks = [seen.mark for seen in self.versions.values() if seen.mark is not None]
        if of.resource.new_version_requested is None:
            same = [mark for mark in marks if (mark.hash, mark.revision) == (action.hash, action.revision)]
            leaving = {item.version_id for item in of.resource.status.versions if item.leaving}
            assert not same or leaving, "a POST of what is registered"
        assert self.finalizer, "a POST without a finalizer"
        self.posted_at = None

    def _may_delete(self, of: FunctionSituation, action: DeleteVersion) -> None:
        seen = self.versions[action.version_id]
        assert seen.mark is not None, "what bears no mark is deleted"
        assert seen.mark.uid == UID.replace("-", ""), "what bears another's mark is deleted"
        assert self.deployed != action.version_id, "what is deployed is deleted"
        assert not any(item.holds(action.version_id) for item in self._followers()), "what is named is deleted"
        if not self.deleting:
            assert of.resource.latest_version != action.version_id, "the latest version is deleted"
            others = [item for item in self.versions.values() if item.version_id == of.resource.latest_version]
            assert others, "the function's last version is deleted"

    def _made(self, action: Register, intent: Registration) -> VersionSeen:
        wanted = self.resource.wanted
        number = f"{self.posts:012}"
        mark = Mark.of(UID, action.hash, intent.token, action.revision)
        return VersionSeen(
            function_id=action.function_id or f"f0000000-0000-4000-8000-{number}",
            version_id=f"7c1e0000-0000-4000-8000-{number}",
            name="llama",
            status="INACTIVE",
            mark=mark,
            tags=frozenset([mark.tag]),
            meaning=wanted.meaning,
            created_at=NOW + timedelta(seconds=self.clock),
            account_id="acme",
        )

    def _appears(self, seen: VersionSeen) -> None:
        self.versions[seen.version_id] = replace(seen, created_at=NOW + timedelta(seconds=self.clock))
        self.gone_at.pop(seen.version_id, None)

    def _followers(self) -> tuple[Follower, ...]:
        held = frozenset({self.deployed} if self.deployed is not None else ())
        if not self.follows and not held:
            return ()
        return (follower(refers=self.follows, shows_generation=self.generation, named=held, serving=held),)

    def _store(self, status: CloudFunctionStatus) -> None:
        held = {item.type: item.status for item in status.conditions}
        assert not (held.get("Reconciling") == "True" and held.get("Stalled") == "True"), "kstatus"
        assert not (held.get("Ready") == "True" and held.get("Stalled") == "True"), "kstatus"
        ids = [item.version_id for item in status.versions]
        assert len(ids) == len(set(ids)) <= 16, "versions on record"
        self.status = status.to_dict()


def _answered(intent: Registration) -> Registration:
    return intent.model_copy(update={"answered": True})
