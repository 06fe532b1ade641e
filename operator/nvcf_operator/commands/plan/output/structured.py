"""A plan as JSON. Its members are described in docs/plan.md; a change that a reader notices is another version."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from nvcf_operator.commands.plan.model import Amount, FieldChange, Orders, Plan, Planned, Write
from nvcf_operator.commands.plan.output import words

VERSION: Final = 1


def render(plan: Plan, *, warnings: Sequence[str] = (), clean: Callable[[str], str] = str) -> str:
    """Print a plan; `clean` is applied to each text in it."""
    return json.dumps(_cleaned(structured(plan, warnings), clean), indent=2, ensure_ascii=False) + "\n"


def structured(plan: Plan, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """A plan as plain values."""
    return {
        "version": VERSION,
        "exitCode": plan.exit_code,
        "counts": {action.value: number for action, number in plan.counts.items()},
        "orders": _orders(plan.orders),
        "skipped": plan.skipped,
        "notes": list(plan.notes),
        "warnings": list(warnings),
        "resources": [_resource(item) for item in plan.planned],
    }


def _resource(item: Planned) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
        "source": {"file": item.source.file, "document": item.source.document},
        "basis": item.basis.value,
        "action": item.action.value,
        "changes": item.action.changes,
        "fails": item.action.fails,
        "reason": item.reason,
        "message": item.message,
        "waysOut": list(item.ways_out),
        "fields": [_field(change) for change in item.changes],
        "firstWrite": _write(item.first_write),
        "after": item.after,
        "adopts": item.adopts,
        "downtime": item.downtime,
        "orders": _orders(item.orders),
        "notes": list(item.notes),
    }


def _field(change: FieldChange) -> dict[str, Any]:
    return {"path": change.path, "before": words.before(change), "after": change.after}


def _write(write: Write | None) -> dict[str, Any] | None:
    return None if write is None else {"method": write.method, "path": write.path, "body": write.body}


def _orders(orders: Orders) -> dict[str, Any]:
    return {"now": _amount(orders.now), "during": _amount(orders.during), "then": _amount(orders.then)}


def _amount(amount: Amount) -> dict[str, int | None]:
    return {
        "minInstances": amount.min_instances,
        "maxInstances": amount.max_instances,
        "minGpus": amount.min_gpus,
        "maxGpus": amount.max_gpus,
    }


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {clean(name): _cleaned(item, clean) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value
