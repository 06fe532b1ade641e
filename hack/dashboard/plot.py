"""What happens once in the recorded hour, minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hack.controlplane import KubectlError
from hack.dashboard.story import Story, Team
from tests.support.cluster import manifest

FAILING = ("speech-1", "speech-2")


@dataclass(frozen=True)
class Turn:
    """One thing that happens."""

    minute: int
    text: str
    do: Callable[[Story], object]


def minute(story: Story, number: int) -> list[str]:
    """Do what a minute brings; give what could not be done."""
    failed = []
    for do in [*(turn.do for turn in PLOT if turn.minute == number), Story.everyday]:
        try:
            do(story)
        except (KubectlError, AssertionError, RuntimeError) as error:
            failed.append(str(error))
    return failed


def _fail(story: Story) -> None:
    for name in FAILING:
        _, version = story.speech.versions[name]
        story.simulator.instance_behaviour(version, outcome="fail", error="CUDA out of memory <größer>")
        story.simulator.lose(version)


def _heal(story: Story) -> None:
    for name in FAILING:
        story.simulator.instance_behaviour(story.speech.versions[name][1], deploySeconds=30)
        story.speech.namespace.annotate(name, reconcile_requested_at="healed")


def _unknown(story: Story) -> None:
    ids = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
    story.vision.namespace.apply(manifest("not-there", *ids))


def _delete(story: Story, team: Team, name: str, waiting: int) -> None:
    team.deleted[name] = team.versions.pop(name)
    story.simulator.change(team.deleted[name][1], queueDepth=waiting)
    team.namespace.delete(name)


def _missing_image(story: Story) -> None:
    story.simulator.artifacts({"nvcr.io/org/chat:404": {"status": 404}})
    _image(story, 404)


def _image(story: Story, tag: int) -> None:
    story.speech.functions.change("chat-1", containerImage=f"nvcr.io/org/chat:{tag}")


def _errors(story: Story) -> None:
    story.simulator.fault(name="503", key="default", status=503, probability=0.3)


def _calm(story: Story) -> None:
    story.simulator.clear_faults("503")
    story.simulator.change(story.speech.deleted["speech-3"][1], queueDepth=0)


def _slow(story: Story) -> None:
    story.simulator.fault(name="slow", operation=["createDeployment", "getDeployment"], delay=4)


def _storm(story: Story) -> None:
    story.simulator.fault(name="429", key="default", status=429, retryAfter=5, probability=0.4)


def _again(story: Story) -> None:
    story.speech.versions["speech-3"] = story.speech.deleted.pop("speech-3")
    story.speech.namespace.apply(manifest("speech-3", *story.speech.versions["speech-3"]))


def _reconcile_all(story: Story) -> None:
    for name in story.speech.versions:
        story.speech.namespace.annotate(name, reconcile_requested_at="all of them")


HANDOVER = Turn(53, "the leader is killed, and the standby replica takes over", lambda _: None)
"""Done by the recorder, which runs the replicas."""

PLOT = (
    Turn(1, "both teams apply their manifests", Story.begin),
    Turn(6, "the instances of two deployments end, and new ones fail", _fail),
    Turn(8, "a manifest names a version that does not exist", _unknown),
    Turn(10, "a resource with 40 requests in its queue is deleted", lambda it: _delete(it, it.speech, "speech-3", 40)),
    Turn(11, "an image is committed that its registry does not have", _missing_image),
    Turn(14, "NVCF answers 30% of the calls of one account with 503", _errors),
    Turn(17, "these errors end, and the queue of the deleted function is empty", _calm),
    Turn(18, "an image that exists is committed", lambda it: _image(it, 100)),
    Turn(20, "the key of the other account is revoked", lambda it: it.simulator.change_key("other", revoked=True)),
    Turn(21, "a resource of that account is deleted", lambda it: _delete(it, it.vision, "vision-4", 0)),
    Turn(28, "the key is accepted again", lambda it: it.simulator.change_key("other", revoked=False)),
    Turn(30, "the failing instances are mended", _heal),
    Turn(32, "POSTs and GETs of deployments take 4 seconds longer", _slow),
    Turn(36, "they are fast again", lambda it: it.simulator.clear_faults("slow")),
    Turn(37, "NVCF answers 40% of the calls of one account with 429", _storm),
    Turn(40, "the 429s end", lambda it: it.simulator.clear_faults("429")),
    Turn(
        42,
        "connections of the other account break",
        lambda it: it.simulator.fault(name="away", key="other", reset=True),
    ),
    Turn(46, "they hold again", lambda it: it.simulator.clear_faults("away")),
    Turn(47, "the manifest with the wrong version is deleted", lambda it: it.vision.namespace.delete("not-there")),
    Turn(48, "the deleted deployment is applied again", _again),
    Turn(50, "a reconcile of each resource of one team is requested", _reconcile_all),
    HANDOVER,
)
