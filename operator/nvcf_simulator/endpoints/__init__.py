"""What each operation of the API does, by its name in the log."""

from nvcf_simulator.endpoints import authorizations, deployments, functions
from nvcf_simulator.endpoints.call import Call, Endpoint

ENDPOINTS: dict[str, Endpoint] = {
    **deployments.ENDPOINTS,
    **functions.ENDPOINTS,
    **authorizations.ENDPOINTS,
}

__all__ = ["ENDPOINTS", "Call", "Endpoint"]
