"""Places where NVCF runs, as arguments of a client."""

from enum import Enum, EnumMeta
from typing import TYPE_CHECKING


class _Environments(EnumMeta):
    """Says what takes the place of an environment that is not offered."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name):
            if name == "MOCK_SERVER":
                raise AttributeError(
                    "Environment.MOCK_SERVER is not offered, since it belongs to the maker of another SDK: run "
                    "nvcf-simulator, and give its address as base_url"
                )
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")


class Environment(Enum, metaclass=_Environments):
    """Where NVCF is; `base_url` comes before it."""

    PRODUCTION = "https://api.nvcf.nvidia.com"
    """NVIDIA's hosted NVCF."""
