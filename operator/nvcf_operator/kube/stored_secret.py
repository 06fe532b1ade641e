"""A Secret as the API server stores it, without annotations of others: `kubectl apply` copies the values to one."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from nvcf_operator.api import names

PREFIX = f"{names.GROUP}/"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What is read of a Secret. No text shows its data."""

    data: Mapping[str, bytes] = field(repr=False)
    """Decoded."""
    uid: str = ""
    resource_version: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of this operator."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read the object that the API server gives."""
        metadata = stored.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        return cls(
            data={item: base64.b64decode(text or "") for item, text in (stored.get("data") or {}).items()},
            uid=metadata.get("uid", ""),
            resource_version=metadata.get("resourceVersion", ""),
            annotations={name: text for name, text in annotations.items() if name.startswith(PREFIX)},
        )
