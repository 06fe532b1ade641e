"""NVIDIA Cloud Functions (NVCF) for Python: a client for synchronous code and one for asyncio.

`Client` and `AsyncClient` are loaded when they are first asked for, so that the plain data types and errors cost no
HTTP library.
"""

from typing import TYPE_CHECKING

from nvcf_client.core import ApiError, RequestOptions
from nvcf_client.errors import (
    Forbidden,
    InvalidAnswer,
    MethodNotAllowed,
    NotAvailable,
    NotFound,
    NvcfError,
    OutcomeUnknown,
    Redirected,
    Rejected,
    ServerFault,
    Throttled,
    Unauthorized,
    Unreachable,
)
from nvcf_client.models import (
    AutoscalingConfiguration,
    Deployment,
    Function,
    FunctionDetails,
    GpuSpecification,
    RateLimit,
    Secret,
)
from nvcf_client.options import Environment

if TYPE_CHECKING:
    from nvcf_client.client import AsyncClient, Client
else:

    def __getattr__(name):
        if name not in ("AsyncClient", "Client"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from nvcf_client import client

        return getattr(client, name)


__all__ = [
    "ApiError",
    "AsyncClient",
    "AutoscalingConfiguration",
    "Client",
    "Deployment",
    "Environment",
    "Forbidden",
    "Function",
    "FunctionDetails",
    "GpuSpecification",
    "InvalidAnswer",
    "MethodNotAllowed",
    "NotAvailable",
    "NotFound",
    "NvcfError",
    "OutcomeUnknown",
    "RateLimit",
    "Redirected",
    "Rejected",
    "RequestOptions",
    "Secret",
    "ServerFault",
    "Throttled",
    "Unauthorized",
    "Unreachable",
]
