"""How many examples a unit test tries a property with: all, or a fifth with `EXAMPLES=few`, as in `make check`."""

import os

FEW = os.environ.get("EXAMPLES") == "few"


def examples(number: int) -> int:
    """That many, or a fifth of them."""
    return number // 5 if FEW else number
