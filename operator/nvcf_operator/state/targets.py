"""What a deployment is in the world, whoever asks for it."""

from typing import NamedTuple


class Target(NamedTuple):
    """One version of a function at one NVCF installation: the same ids elsewhere are another function version."""

    base_url: str
    function_id: str
    version: str
