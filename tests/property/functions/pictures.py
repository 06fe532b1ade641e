"""What a story prints of its world."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.property.functions.world import World


def line(world: "World") -> str:
    """What NVCF has, and what each resource's record holds, in one line."""
    account, registry = world.account, world.registry
    parts = [
        " ".join(
            f"{item.version_id[-3:]}:{item.body.get('containerImage', '').rsplit(':')[-1]}"
            + ("" if item.mark is not None else "(not ours)")
            + (f"({account.rows[item.version_id].status})" if item.version_id in account.rows else "")
            for item in registry.visible
        )
    ]
    parts += [f"{item.version_id[-3:]} comes at {item.visible_from:.0f}" for item in registry.coming]
    parts += [f"a change of {item.version_id[-3:]} lands at {item.lands_at:.0f}" for item in registry.races.running]
    for key, obj in world.cluster.objects.items():
        status = obj["status"]
        ready = next((item for item in status.get("conditions", []) if item["type"] == "Ready"), None)
        current = (status.get("latest") or {}).get("versionId") or status.get("functionVersionId") or "-"
        parts.append(f"{key}: {current[-3:]} {ready and ready['reason']}")
    return " | ".join(parts)


def of(world: "World", what: object) -> str:
    """A violation, and the world in which it happened."""
    world.violated = True
    objects = {str(key): (obj["spec"], obj["status"], obj["metadata"]) for key, obj in world.cluster.objects.items()}
    versions = {
        item.version_id[-3:]: (sorted(item.tags), item.body.get("rateLimit"), item.secrets)
        for item in world.registry.visible
    }
    return f"{what}\n  NVCF: {line(world)}\n  rows: {versions}\n  cluster: {objects}"
