"""How the operator runs in a benchmark."""

from typing import Any

OPERATOR = "system:serviceaccount:nvcf-operator-system:nvcf-operator"
FLEET: dict[str, Any] = {
    "nvcf_rate": 1000,
    "nvcf_concurrency": 32,
    "busy_poll_interval": 1,
    "poll_interval": 60,
    "create_settle_seconds": 60,
    "redeploy_settle_seconds": 75,
    "log_format": "json",
}
"""The defaults, with the rate limit lifted and a poll a second while something deploys."""
