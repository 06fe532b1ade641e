"""What happens in users' clusters beside edits, drawn by hypothesis: copies, restores, forged records, force."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from nvcf_operator.api.model import render
from tests.chaos import user_actions
from tests.chaos.environment import NAME
from tests.chaos.life import NEIGHBOUR, Drawn, Life
from tests.support.tools import copy_of
from tests.support.waiting import eventually

HOUR = 3600.0
STRANGE = "0b6b4b8e-1111-4222-8333-444455556666"
"""The id of a deployment that is not there."""
ALLOCATION = 1.0
"""Seconds for each call to the allocator of a POST whose caller does not wait for it."""
ANSWER = 2.0
"""Seconds for something that may come or not."""
A_REDEPLOYMENT = 3.0
"""Seconds within which a version is undeployed, settles and is deployed again, if nothing is in the way."""


def deeds() -> st.SearchStrategy[Drawn]:
    """Draw one thing."""
    forced: list[Drawn] = [
        ("forced away while a POST runs", _forced_away_from_a_post),
        ("forced away", _forced_away),
        ("forced away while no operator runs", _forced_away_unseen),
        ("forced away and restored with its old status", _restored),
    ]
    servers: list[Drawn] = [
        ("a slow pass of the server's loop, and redeploy-requested-at", _slow_pass),
        ("instances fail", _instances_fail),
    ]
    tools: list[Drawn] = [
        ("the manifest takes its place", _replaced),
        ("the first copy is applied", lambda life: user_actions.apply_saved(life.run, life.first)),
        ("its finalizers are stripped", _stripped),
        ("an annotation names the neighbour's version", _annotation_forged),
        ("its status is removed", lambda life: user_actions.write_status(life.run, None)),
        ("force-delete", _force_delete),
        *(_copied(name, status) for name in (NAME, NEIGHBOUR) for status in (True, False)),
        *(_drain_forged(of) for of in (NAME, NEIGHBOUR)),
        *(_clock_set(hours) for hours in (2, -2)),
    ]
    return st.sampled_from([*forced, *servers, *tools, *forced, *servers])


def _copied(name: str, status: bool) -> Drawn:
    def do(life: Life) -> None:
        run, found = life.run, life.run.kube.get(user_actions.path_of(life.run, name))
        if found is None or (status and "status" not in found):
            return
        copy = user_actions.restore(run, copy_of(found, status=status), f"copy-{run.simulator.cursor}")
        run.operator.ended(0.5)
        run.kube.delete(copy)

    return f"a copy of {name} {'with' if status else 'without'} its status, deleted again", do


def _restored(life: Life) -> None:
    found = life.run.find()
    if found is None:
        return
    life.force_away()
    user_actions.restore(life.run, copy_of(found, status="status" in found))


def _replaced(life: Life) -> None:
    if "deletionTimestamp" in (life.run.find() or {"metadata": {}})["metadata"]:
        life.note_end()  # what goes is gone without its finalizer
    user_actions.replace(life.run)


def _stripped(life: Life) -> None:
    if "deletionTimestamp" in (life.run.find() or {"metadata": {}})["metadata"]:
        life.note_end()
    user_actions.strip(life.run)


def _annotation_forged(life: Life) -> None:
    found = life.run.find()
    if found is not None:
        named = {"uid": found["metadata"]["uid"], "functionVersionId": life.neighbour, "token": "<a&b>"}
        life.run.annotate(intent=json.dumps(named))


def _drain_forged(of: str) -> Drawn:
    def do(life: Life) -> None:
        found, now = life.run.find(), datetime.now(UTC)
        version = life.neighbour if of == NEIGHBOUR else (found or {}).get("status", {}).get("functionVersionId")
        if version is None:
            return
        drain: dict[str, Any] = {"functionVersionId": version, "deploymentId": STRANGE}
        drain |= {"since": render(now - timedelta(hours=2)), "deadline": render(now - timedelta(hours=1))}
        user_actions.write_status(life.run, {"retiring": [drain]})

    return f"a drain of {of}'s version is put on record", do


def _forced_away(life: Life) -> None:
    life.force_away()
    _reported(life)


def _forced_away_from_a_post(life: Life) -> None:
    run, cursor = life.run, life.run.simulator.cursor
    version = run.add_version()
    run.simulator.instance_behaviour(version, allocationSeconds=ALLOCATION)
    post = {"operation": "createDeployment", "functionVersionId": version, "count": 1}
    run.simulator.fault(**post, name=run.name, when="during", delay=0.1, reset=True)
    run.edit(functionVersionId=version)
    with suppress(AssertionError):  # it may wait for something else
        eventually(
            lambda: run.asked(cursor, operation="createDeployment", functionVersionId=version),
            bool,
            within=ANSWER,
            what="the POST",
        )
    life.force_away()
    _reported(life)


def _forced_away_unseen(life: Life) -> None:
    run = life.run
    run.operator.close()
    life.force_away()
    asked = {entry["functionVersionId"] for entry in run.asked(run.cursor, operation="createDeployment", inFlight=True)}
    life.left |= asked | set(life.there())
    run.operate()


def _force_delete(life: Life) -> None:
    found = life.run.find()
    if found is not None and "deletionTimestamp" not in found["metadata"]:
        life.run.annotate(force_delete="true")


def _slow_pass(life: Life) -> None:
    run, found = life.run, life.run.find()
    if found is None or "deletionTimestamp" in found["metadata"]:
        return
    with run.simulator.long_pass():
        run.annotate(redeploy_requested_at=f"<{run.simulator.cursor} & März>")
        run.operator.ended(A_REDEPLOYMENT)
        before = set(life.there())
    life.ghosts |= set(life.there()) - before
    run.eventually(life.not_reported, lambda ids: not ids, "what the server lost from sight is reported")


def _instances_fail(life: Life) -> None:
    life.failed = True
    for version in life.run.versions:
        life.run.simulator.instance_behaviour(version, outcome="fail")
        life.run.simulator.lose(version)


def _clock_set(hours: int) -> Drawn:
    return f"the clock is off by {hours} h", lambda life: life.run.set_clock(hours * HOUR)


def _reported(life: Life) -> None:
    """Wait until what was forced away is undeployed, or reported."""
    run = life.run
    posts = {"operation": "createDeployment", "inFlight": True}
    run.eventually(
        lambda: (life.strays(), len(run.asked(run.cursor, **posts))),
        lambda seen: seen == ([], 0),
        "what was forced away is undeployed, or reported",
    )
