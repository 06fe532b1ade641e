"""The difference between two statuses, as a patch."""

from collections.abc import Mapping
from typing import Any

from nvcf_operator.api.conditions import CONDITION_TYPES


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `KubeClient.patch_status` needs to make `new` of `old`; None if they are equal.

    The members that differ, each as a whole, and None for those that go: a patch of one level, since a status has few
    members and small ones. A member that is None counts as absent. Values are compared as Python does (1, 1.0 and True
    are equal), which is right here: the schema fixes the type of each field.

    Conditions of types that are not ours belong to other controllers: they stay in `old` as they are.
    """
    new = _with_conditions_of_others(old, new)
    patch = {name: value for name, value in new.items() if value is not None and value != old.get(name)}
    gone = {name: None for name, value in old.items() if value is not None and new.get(name) is None}
    return (patch | gone) or None


def _with_conditions_of_others(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    stored = old.get("conditions") or ()
    foreign = [item for item in stored if item["type"] not in CONDITION_TYPES]
    if not foreign:
        return new
    wanted = [*(new.get("conditions") or ()), *foreign]
    # The same conditions in another order, as other tools merge them, are no reason to write.
    same = sorted(wanted, key=_type) == sorted(stored, key=_type)
    return {**new, "conditions": list(stored) if same else wanted}


def _type(condition: Mapping[str, Any]) -> str:
    return str(condition["type"])
