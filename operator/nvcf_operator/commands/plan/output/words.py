"""What all forms of a plan say alike: marks, actions, amounts, and values that may be shown."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from nvcf_client.text import shorten
from nvcf_operator.commands.plan.model import Action, Amount, FieldChange, Orders, Plan, Planned

MARKS: Final[Mapping[Action, str]] = {
    Action.UNCHANGED: "=",
    Action.ADOPT: "~",
    Action.REGISTER: "+",
    Action.DEPLOY: "+",
    Action.PATCH: "~",
    Action.PUT: "~",
    Action.REDEPLOY: "-/+",
    Action.ROLLOUT: "+/-",
    Action.UNDEPLOY: "-",
    Action.DELETE: "-",
    Action.UPDATE_IN_PLACE: "~",
    Action.REFUSE: "!",
    Action.NOT_FOUND: "!",
    Action.CONFLICT: "!",
    Action.WAIT: "?",
    Action.ERROR: "!",
}

PHRASES: Final[Mapping[Action, str]] = {
    Action.UNCHANGED: "unchanged",
    Action.ADOPT: "adopt what NVCF has",
    Action.REGISTER: "register",
    Action.DEPLOY: "deploy",
    Action.PATCH: "change in place by PATCH",
    Action.PUT: "change in place by PUT",
    Action.REDEPLOY: "undeploy and deploy again, nothing serves meanwhile",
    Action.ROLLOUT: "roll out beside the version that serves, both hold GPUs meanwhile",
    Action.UNDEPLOY: "undeploy",
    Action.DELETE: "delete a version",
    Action.UPDATE_IN_PLACE: "change tags, rate limit or secrets",
    Action.REFUSE: "refused",
    Action.NOT_FOUND: "not found",
    Action.CONFLICT: "conflict",
    Action.WAIT: "wait",
    Action.ERROR: "error",
}

HIDDEN: Final = "(value not shown)"

_MAY_BE_SECRET = re.compile(r"(^|\.)(configuration|containerEnvironment)\b")
_BIDIRECTIONAL = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F), " ")


def phrase(item: Planned) -> str:
    """What would be done, in a few words."""
    said = PHRASES[item.action]
    if item.adopts and item.action.changes and item.action != Action.ADOPT:
        said += ", and adopt what NVCF has"
    if item.downtime and item.action != Action.REDEPLOY:
        said += ", nothing serves meanwhile"
    return said + (f", after CloudFunction {item.after}" if item.after else "")


def one_line(text: str) -> str:
    """A text on one line, without what a terminal or a browser would act on."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """A line without what a terminal or a browser would act on; its blanks are kept."""
    return "".join(char if char.isprintable() else " " for char in text.translate(_BIDIRECTIONAL))


def value(of: Any) -> str:
    """A value as JSON, in one line; a field that is not set is `unset`."""
    return "unset" if of is None else printable(json.dumps(of, ensure_ascii=False))


def before(change: FieldChange) -> Any:
    """What the field is, unless only NVCF knows that and it may be a secret."""
    hidden = change.before is not None and _MAY_BE_SECRET.search(change.path)
    return HIDDEN if hidden else change.before


def shown_before(change: FieldChange) -> str:
    """The same as text."""
    found = before(change)
    return HIDDEN if found is HIDDEN else value(found)


def body(of: Any, most: int) -> str:
    """A request's body in one line."""
    return shorten(printable(json.dumps(of, ensure_ascii=False)), most)


def source(item: Planned) -> str:
    """Where the manifest stands."""
    file = "standard input" if item.source.file == "-" else item.source.file
    return one_line(f"{file}, document {item.source.document}")


def instances(amount: Amount) -> str:
    """A number of instances: `2`, or `1-4`."""
    return _range(amount.min_instances, amount.max_instances)


def gpus(amount: Amount) -> str:
    """A number of GPUs; `?` where the catalogue does not say how many an instance has."""
    if amount.min_gpus is None or amount.max_gpus is None:
        return "?"
    return _range(amount.min_gpus, amount.max_gpus)


def known_gpus(orders: Orders) -> bool:
    """Whether the GPUs of any of the amounts are known, and not only that none are ordered."""
    return any(amount.max_gpus for amount in (orders.now, orders.during, orders.then))


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}-{most}"


def holds_more_meanwhile(orders: Orders) -> bool:
    """Whether more is ordered while the plan is carried out than before and after it."""
    now, during, then = orders.now, orders.during, orders.then
    known = now.max_gpus is not None and during.max_gpus is not None and then.max_gpus is not None
    gpus = known and (during.max_gpus or 0) > max(now.max_gpus or 0, then.max_gpus or 0)
    return gpus or during.max_instances > max(now.max_instances, then.max_instances)


def orders_anything(orders: Orders) -> bool:
    """Whether instances are ordered at any time."""
    return any(x.max_instances for x in (orders.now, orders.during, orders.then))


def counted(plan: Plan) -> str:
    """How many resources there are of each action: `1 deploy, 2 unchanged`."""
    return ", ".join(f"{number} {action.value}" for action, number in plan.counts.items()) or "no resources"


def summary(plan: Plan) -> str:
    """The plan in one sentence."""
    if not plan.planned:
        return "Nothing to plan: there is no FunctionDeployment and no CloudFunction."
    if plan.exit_code == 0:
        return f"No changes: {counted(plan)}."
    return f"Plan: {counted(plan)}."
