"""The operations of the API, by their names in the request log."""

from nvcf_simulator.endpoints import authorizations, catalogue, deployments, functions, registering, updating
from nvcf_simulator.endpoints.call import Call, Endpoint

ENDPOINTS: dict[str, Endpoint] = {
    **deployments.ENDPOINTS,
    **functions.ENDPOINTS,
    **registering.ENDPOINTS,
    **updating.ENDPOINTS,
    **authorizations.ENDPOINTS,
    **catalogue.ENDPOINTS,
}

__all__ = ["ENDPOINTS", "Call", "Endpoint"]
