"""What a deployment shows as healthInfo: which of its specifications failed, and why."""

from nvcf_simulator.model.entities import Deployment, Instance
from nvcf_simulator.problems import ProblemError

ZERO_ID = "00000000-0000-0000-0000-000000000000"

Health = list[dict[str, str]]
Instances = dict[str, list[Instance]]
"""Instances by the id of their specification."""


def health_of(instances: Instances) -> Health:
    """Return an entry for each specification whose instances all failed; `gpu` holds the instance type, as in NVCF."""
    entries = []
    for group in instances.values():
        if group and not any(i.alive for i in group):
            one = group[0]
            entries.append(
                {
                    "icmsRequestId": ZERO_ID,
                    "gpu": one.instance_type,
                    "backend": one.backend,
                    "instanceType": one.instance_type,
                    "error": one.error or "No reason was given",
                }
            )
    return entries


def unreadable(row: Deployment, problem: ProblemError) -> Health:
    """Return an entry for each specification of a deployment whose instances cannot be read."""
    return [
        {
            "icmsRequestId": ZERO_ID,
            "gpu": specification.gpu,
            "backend": specification.options.get("backend") or "UNKNOWN",
            "instanceType": specification.instance_type,
            "error": f"Function id '{row.function_id}', version '{row.version_id}', deployment id '{row.id}': "
            f"the state of the instances could not be read: {problem.detail}",
        }
        for specification in row.specifications
    ]
