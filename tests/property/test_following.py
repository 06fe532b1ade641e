"""A FunctionDeployment that follows, or pins, a CloudFunction: the whole operator against models, a test a rule."""

from collections.abc import Iterator

import pytest

from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.model.reasons import Reason
from tests.property.chance import Write
from tests.property.following import ECHO, LLAMA, OTHER, World
from tests.property.nvcf_model import FUNCTION, VERSIONS

ONE, TWO, THREE = VERSIONS
SETTLED = 400.0
"""Seconds after which nothing is left to do."""


@pytest.fixture
def world() -> Iterator[World]:
    found = World()
    yield found
    found.operator.close()


@pytest.fixture
def serving(world: World) -> World:
    """The first version serves."""
    world.edit_function()
    world.register(ONE)
    world.create(ECHO)
    world.live(SETTLED)
    assert world.ready(ECHO) == ("True", Reason.ACTIVE)
    assert world.writes() == [("POST", ONE)]
    return world


def gpus_of(write: Write) -> list[str]:
    assert isinstance(write.action, Create)
    return [item.gpu for item in write.action.specifications]


def test_the_first_version_is_deployed_once_it_is_registered(world: World) -> None:
    world.create(ECHO)
    world.live(30.0)
    assert world.ready(ECHO) == ("False", Reason.FUNCTION_MISSING)
    world.edit_function()
    world.live(30.0)
    assert world.ready(ECHO) == ("False", Reason.FUNCTION_NOT_READY)
    assert world.writes() == []
    world.register(ONE)
    world.live(SETTLED)
    assert world.ready(ECHO) == ("True", Reason.ACTIVE)
    status = world.status(ECHO)
    assert (status["functionId"], status["functionVersionId"]) == (FUNCTION, ONE)
    assert status["functionRef"] == {"generation": 1, "hash": "h11"}


def test_a_new_version_is_rolled_out_and_the_former_one_undeployed(serving: World) -> None:
    serving.edit_function()
    serving.live(20.0)
    assert serving.ready(ECHO) == ("False", Reason.FUNCTION_NOT_READY), "before anything of the new version is there"
    assert serving.serving() == {ONE}
    serving.register(TWO)
    serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", ONE)]
    assert serving.serving() == {TWO}
    assert serving.ready(ECHO) == ("True", Reason.ACTIVE)
    assert serving.status(ECHO)["functionRef"]["generation"] == 2


def test_a_converged_resource_is_left_alone(serving: World) -> None:
    before = serving.operator.kube_writes, serving.writes()
    serving.live(3600.0)
    serving.operator.restart()
    serving.live(3600.0)
    assert (serving.operator.kube_writes, serving.writes()) == before


def test_a_way_back_deploys_the_former_version_again(serving: World) -> None:
    for version in (TWO, ONE):
        serving.edit_function()
        serving.register(version)
        serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", ONE), ("POST", ONE), ("DELETE", TWO)]
    assert serving.serving() == {ONE}


def test_a_version_that_fails_is_not_tried_again_until_the_next_template(serving: World) -> None:
    serving.account.fates[TWO] = "fail"
    serving.edit_function()
    serving.register(TWO)
    serving.live(2 * SETTLED)
    serving.operator.restart()
    serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", TWO)]
    assert serving.serving() == {ONE}
    assert serving.ready(ECHO) == ("False", Reason.ROLLOUT_FAILED)
    serving.edit_function()
    serving.register(THREE)
    serving.live(SETTLED)
    assert serving.writes(3) == [("POST", THREE), ("DELETE", ONE)]
    assert serving.ready(ECHO) == ("True", Reason.ACTIVE)


def test_a_version_that_nvcf_refuses_does_not_delay_the_next_template(serving: World) -> None:
    serving.account.posts[TWO] = "refused"
    serving.edit_function()
    serving.register(TWO)
    serving.live(300.0)
    assert serving.ready(ECHO) == ("False", Reason.REJECTED)
    assert serving.serving() == {ONE}
    tried = len(serving.writes())
    serving.edit_function()
    serving.register(THREE)
    serving.live(10.0)
    assert serving.writes(tried) == [("POST", THREE)], "at once, whatever pause the former version had"
    serving.live(SETTLED)
    assert serving.serving() == {THREE}


def test_the_next_template_has_a_deadline_of_its_own(serving: World) -> None:
    serving.edit(ECHO, rollout={"progressDeadlineSeconds": 100})
    serving.live(60.0)
    serving.account.fates[TWO] = "stay"
    serving.edit_function()
    serving.register(TWO)
    serving.live(95.0)
    serving.edit_function()
    serving.register(THREE)
    serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", TWO), ("POST", THREE), ("DELETE", ONE)]
    assert serving.serving() == {THREE}
    assert "failed" not in serving.status(ECHO)


REDEPLOY = {"immutableChange": "Redeploy"}


@pytest.mark.parametrize("immutable", ["Reject", "Redeploy"])
@pytest.mark.parametrize("first", ["image", "GPU"])
@pytest.mark.parametrize("between", [0.0, 3.0])
@pytest.mark.parametrize("registering", [0.0, 30.0])
def test_image_and_gpu_of_one_commit_are_one_rollout(
    serving: World, immutable: str, first: str, between: float, registering: float
) -> None:
    serving.edit(ECHO, rollout={"immutableChange": immutable})
    serving.live(60.0)
    if first == "GPU":
        serving.edit(ECHO, gpu="H100")
        serving.live(between)
        serving.edit_function()
    else:
        serving.edit_function()
        serving.live(between)
        serving.edit(ECHO, gpu="H100")
    serving.live(registering)
    serving.register(TWO)
    serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", ONE)]
    assert gpus_of(serving.posts()[1]) == ["H100"]
    assert serving.ready(ECHO) == ("True", Reason.ACTIVE)


@pytest.mark.parametrize("immutable", ["Reject", "Redeploy"])
def test_a_gpu_that_comes_late_is_mended_before_the_version_serves(serving: World, immutable: str) -> None:
    serving.account.fates[TWO] = "stay"
    serving.edit(ECHO, rollout={"immutableChange": immutable})
    serving.live(60.0)
    serving.edit_function()
    serving.register(TWO)
    serving.live(10.0)
    serving.edit(ECHO, gpu="H100")
    serving.live(20.0)
    serving.account.fates[TWO] = "run"
    serving.live(2 * SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", TWO), ("POST", TWO), ("DELETE", ONE)]
    assert gpus_of(serving.posts()[2]) == ["H100"]
    assert serving.ready(ECHO) == ("True", Reason.ACTIVE)


@pytest.mark.parametrize("immutable", ["Reject", "Redeploy"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_pinned_resource_waits_for_its_revision_and_takes_its_gpu_along(
    world: World, immutable: str, restarts: bool
) -> None:
    world.edit_function(revision="1")
    world.register(ONE)
    world.create(ECHO, revision="1", rollout={"immutableChange": immutable})
    world.live(SETTLED)
    world.edit(ECHO, revision="2", gpu="H100")
    world.live(SETTLED)
    assert world.ready(ECHO) == ("False", Reason.REVISION_MISSING)
    if restarts:
        world.operator.restart()
    world.live(SETTLED)
    assert world.writes() == [("POST", ONE)], "the old version is never deployed with the new GPUs"
    world.edit_function(revision="2")
    world.live(60.0)
    world.register(TWO)
    world.live(SETTLED)
    assert world.writes(1) == [("POST", TWO), ("DELETE", ONE)]
    assert gpus_of(world.posts()[1]) == ["H100"]


def test_two_pins_of_one_cloud_function_both_serve(world: World) -> None:
    world.edit_function(revision="1")
    world.register(ONE)
    world.edit_function(revision="2")
    world.register(TWO)
    world.create(ECHO, revision="1")
    world.create(OTHER, revision="2")
    world.live(SETTLED)
    assert world.serving() == {ONE, TWO}
    world.edit_function(revision="3")
    world.register(THREE)
    world.live(SETTLED)
    assert sorted(world.writes()) == [("POST", ONE), ("POST", TWO)]
    assert world.ready(ECHO) == world.ready(OTHER) == ("True", Reason.ACTIVE)


def test_of_two_that_follow_one_cloud_function_one_deploys(world: World) -> None:
    world.edit_function()
    world.create(ECHO)
    world.live(5.0)
    world.create(OTHER)
    world.live(30.0)
    world.register(ONE)
    world.live(SETTLED)
    assert world.writes() == [("POST", ONE)]
    assert (world.ready(ECHO)[1], world.ready(OTHER)[1]) == (Reason.ACTIVE, Reason.CONFLICT)
    world.cluster.now = world.account.now
    world.cluster.delete(ECHO)
    world.live(2 * SETTLED)
    assert world.writes(1) == [("DELETE", ONE), ("POST", ONE)]
    assert world.ready(OTHER)[1] == Reason.ACTIVE


def test_a_missing_cloud_function_leaves_what_runs_and_its_deletion_alone(serving: World) -> None:
    serving.forget_function()
    serving.live(SETTLED)
    serving.operator.restart()
    serving.live(SETTLED)
    assert serving.ready(ECHO) == ("False", Reason.FUNCTION_MISSING)
    assert serving.writes(1) == []
    serving.cluster.now = serving.account.now
    serving.cluster.delete(ECHO)
    serving.live(SETTLED)
    assert serving.writes(1) == [("DELETE", ONE)]
    assert ECHO not in serving.cluster.objects


def test_a_restart_between_a_change_and_its_registration_holds_the_change(serving: World) -> None:
    serving.edit(ECHO, gpu="H100", rollout=REDEPLOY)
    serving.edit_function()
    serving.operator.restart()
    serving.live(60.0)
    serving.operator.restart()
    serving.live(60.0)
    assert serving.writes(1) == []
    serving.register(TWO)
    serving.operator.restart()
    serving.live(SETTLED)
    assert serving.writes(1) == [("POST", TWO), ("DELETE", ONE)]
    assert gpus_of(serving.posts()[1]) == ["H100"]


def test_a_gpu_alone_is_changed_after_the_settle(serving: World) -> None:
    serving.edit(ECHO, gpu="H100", rollout=REDEPLOY)
    serving.live(2 * SETTLED)
    assert serving.writes(1) == [("DELETE", ONE), ("POST", ONE)]
    assert gpus_of(serving.posts()[1]) == ["H100"]


def test_moving_to_a_reference_and_back_deploys_nothing(serving: World) -> None:
    ids = {"functionId": FUNCTION, "functionVersionId": ONE}
    for form in (ids, {"functionRef": {"name": LLAMA.name}}, ids):
        spec = serving.cluster.objects[ECHO]["spec"]
        for name in ("functionRef", "functionId", "functionVersionId"):
            spec.pop(name, None)
        serving.edit(ECHO, **form)
        serving.live(SETTLED)
        assert serving.ready(ECHO) == ("True", Reason.ACTIVE)
    assert serving.writes(1) == []
    assert "functionRef" not in serving.status(ECHO)
