"""Errors and options under the names that the SDK `nvidia_cloud_functions` has for them."""

from nvcf_client.call_options import RequestOptions
from nvcf_client.errors import NvcfError

ApiError = NvcfError
"""Every error of a call, with `status_code`, `body` and `response`."""


def default_request_options() -> RequestOptions:
    """No options."""
    return {}


__all__ = ["ApiError", "RequestOptions", "default_request_options"]
