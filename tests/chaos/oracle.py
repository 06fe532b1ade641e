"""What must hold whatever happened, read from NVCF's own books: its allocations and its log of requests."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from tests.support.simulator import Simulator

Entry = dict[str, Any]

REPEATABLE = ("updateGpuSpecification", "updateDeployment", "deleteDeployment")
"""What may be made again while it may still be under way."""

SAME = ("deleteFunction", "updateFunction", "updateFunctionMetadata", "deleteRateLimit")
"""What may be made again beside the very same."""

WRITES_NO_ROW = "updateSecrets"
"""What may run beside anything, once the version has secrets."""

REFUSED = (401, 403, 429)
"""Statuses of a POST that was not carried out, as all know, so that another one may follow."""


def money(simulator: Simulator, wanted: Iterable[str]) -> list[str]:
    """Instances that run for no manifest: of a version that none wants, or of a deployment that NVCF forgot."""
    versions, known = set(wanted), {item["deploymentId"] for item in simulator.state()["deployments"]}
    return [
        f"instance {item['instanceId']} of version {item['functionVersionId']} runs for nobody"
        for item in simulator.allocations()
        if item["functionVersionId"] not in versions or item["deploymentId"] not in known
    ]


def two_writers(log: Iterable[Entry]) -> list[str]:
    """Pairs of changes to one version that overlapped in time.

    What a dead operator has sent may still be under way when its successor makes it again. That is harmless but for a
    POST: a change in place is read back after the server's own loop, a DELETE finds nothing. Of a version's own row
    only the same change is harmless.
    """
    wrong = []
    for version, entries in _by_version(log).items():
        rows = (entry for entry in entries if entry["mutating"] and entry["operation"] != WRITES_NO_ROW)
        changes = sorted(rows, key=lambda entry: entry["started"])
        for before, after in pairwise(changes):
            ended = before["ended"]
            operations = {before["operation"], after["operation"]}
            harmless = operations <= set(REPEATABLE) or (len(operations) == 1 and operations <= set(SAME))
            if harmless and before["userAgent"] != after["userAgent"]:
                continue
            if ended is None or after["started"] < ended:
                wrong.append(f"{before['operation']} and {after['operation']} of {version} overlapped")
    return wrong


def hasty_posts(
    log: Iterable[Entry], *, create_settle: float, redeploy_settle: float, crashes_forget: bool = False
) -> list[str]:
    """POSTs too soon after another POST of the version, or after its DELETE.

    With `crashes_forget` a DELETE counts for no other process once its own has seen the version gone: nothing may be on
    record of it then, which the documentation names among what remains.
    """
    wrong = []
    for version, entries in _by_version(log).items():
        posts = [e for e in entries if e["operation"] == "createDeployment" and e["status"] not in REFUSED]
        deletes = [e for e in entries if e["operation"] == "deleteDeployment" and e["status"] == 200]
        for first, post in pairwise(posts):
            after = post["started"] - (first["ended"] or float("inf"))
            if after < create_settle:
                wrong.append(f"version {version}: POST {after:.2f} s after another")
        for post in posts:
            before = [entry for entry in deletes if (entry["ended"] or 0.0) <= post["started"]]
            if crashes_forget:
                before = [entry for entry in before if not _forgotten(entries, entry, post)]
            earlier = [entry["ended"] for entry in before]
            if earlier and post["started"] < max(earlier) + redeploy_settle:
                wrong.append(f"version {version}: POST {post['started'] - max(earlier):.2f} s after a DELETE")
    return wrong


def _forgotten(entries: Iterable[Entry], delete: Entry, post: Entry) -> bool:
    """Whether another process than that of the POST has made the DELETE and seen that the deployment was gone."""
    if post["userAgent"] == delete["userAgent"]:
        return False
    seen = (e for e in entries if e["userAgent"] == delete["userAgent"] and e["started"] >= delete["started"])
    return any(entry["operation"] == "getDeployment" and entry["status"] == 404 for entry in seen)


def _by_version(log: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in log:
        if entry["functionVersionId"]:
            found[entry["functionVersionId"]].append(entry)
    return found
