"""YAML documents, read by libyaml where PyYAML has it: a tenth of the CPU of PyYAML's own parser."""

from typing import Any, Final

import yaml

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """Read the only document of a text."""
    return yaml.load(text, _LOADER)


def load_all(text: str) -> list[Any]:
    """Read all documents of a text; an empty one is None."""
    return list(yaml.load_all(text, _LOADER))
