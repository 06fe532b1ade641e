"""How a run ended: what the resource says and what the account holds, in a form in which two runs can be compared.

Ids become names and times become `<time>`. An id that belongs to nothing of the run stays as it is, so that a record
of something that is not there differs from a right one.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.chaos import oracle
from tests.chaos.call_log import Names
from tests.chaos.environment import Run

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_LOST_WITH_A_CRASH = ("lastWrite",)
"""Members of the status that count answers: one that a crash has lost is not counted, which harms nobody."""


@dataclass(frozen=True)
class Outcome:
    """The end of a run."""

    resource: str
    """Finalizers, intent and status, or that it is gone."""
    account: str
    """Versions with status, specifications and running instances."""
    posts: int
    """How often something was deployed since the scenario began."""

    @classmethod
    def of(cls, run: Run, cursor: int) -> "Outcome":
        """Observe a run that began at this cursor of NVCF's log."""
        named = Names(run)
        account = _account(run, named)
        posts = run.asked(cursor, operation="createDeployment")
        return cls(_resource(run, named), account, len(posts))


def wrongs(run: Run, cursor: int, reports: str = "", *, crashes_forget: bool = False) -> list[str]:
    """What never may be, whatever the end: two writers, a POST too soon, instances that nobody knows.

    Those of a deployment that the operator's reports name are the server's doing. See `oracle.hasty_posts` for
    `crashes_forget`.
    """
    log, settings = run.asked(cursor), run.settings
    hasty = oracle.hasty_posts(
        log,
        create_settle=settings["create_settle_seconds"],
        redeploy_settle=settings["redeploy_settle_seconds"],
        crashes_forget=crashes_forget,
    )
    mine = [item for item in run.simulator.leaked() if _mine(run, item)]
    leaked = [f"instance {item['instanceId']} is leaked" for item in mine if item["deploymentId"] not in reports]
    return oracle.two_writers(log) + hasty + leaked


def _mine(run: Run, item: dict[str, Any]) -> bool:
    return item["functionId"] in run.functions


def _account(run: Run, named: Names) -> str:
    """Read the account; deployments and specifications get their names here, by version."""
    state, versions = run.simulator.state(alive=True), []
    for item in sorted(
        filter(lambda item: _mine(run, item), state["deployments"]), key=lambda d: d["functionVersionId"]
    ):
        version = named.of(item["functionVersionId"], "version")
        named.name(item["deploymentId"], f"<deployment of {version}>")
        for specification in item["deploymentSpecifications"]:
            named.name(specification["gpuSpecificationId"], f"<specification of {version}>")
    for function in filter(lambda item: item["id"] in run.functions, state["functions"]):
        version = function["versionId"]
        rows = [item for item in state["deployments"] if item["functionVersionId"] == version]
        alive = [item for item in state["allocations"] if item["functionVersionId"] == version and item["alive"]]
        shown = {
            "version": version,
            "status": function["status"],
            "deployments": [
                {"id": row["deploymentId"], "specifications": row["deploymentSpecifications"]} for row in rows
            ],
            "instances": [item["gpuSpecificationId"] for item in alive],
        }
        versions.append(named.put_into(_text(shown)))
    return "\n".join(sorted(versions))


def _resource(run: Run, named: Names) -> str:
    found = run.find()
    if found is None:
        return "gone"
    metadata, status = found["metadata"], found.get("status", {})
    named.name(metadata["uid"], "<uid>")
    if (intent := status.get("intent")) is not None:
        named.name(intent["token"], "<intent>")
    shown = {
        "finalizers": metadata.get("finalizers", []),
        "status": {name: value for name, value in status.items() if name not in _LOST_WITH_A_CRASH},
    }
    return named.put_into(_text(shown))


def _text(value: object) -> str:
    return _TIME.sub("<time>", json.dumps(value, indent=1, sort_keys=True))
