"""Resources whose deployment the account's list of deployments shows to be another than the one on record."""

from nvcf_operator.api.key import Key
from nvcf_operator.core.diff.fingerprints import DeploymentFingerprint, differ


class DisprovedListings:
    """Which deployments want to be read. A list that goes on contradicting what was read is not asked again."""

    def __init__(self) -> None:
        self._wanted: dict[Key, DeploymentFingerprint] = {}
        self._belied: dict[Key, DeploymentFingerprint] = {}

    def shown(self, key: Key, recorded: DeploymentFingerprint, listed: DeploymentFingerprint) -> bool:
        """Take in what a poll lists beside the record, and say whether the deployment is to be read."""
        if not differ(recorded, listed) or self._belied.get(key) == listed:
            self._wanted.pop(key, None)
            return False
        self._wanted[key] = listed
        return True

    def want(self, key: Key) -> bool:
        """Whether the deployment of a resource is to be read."""
        return key in self._wanted

    def read(self, key: Key, found: DeploymentFingerprint | None) -> None:
        """Take in what a GET showed, None for no deployment: where it belies the list, that entry counts no more."""
        listed = self._wanted.pop(key, None)
        if listed is not None and (found is None or differ(listed, found)):
            self._belied[key] = listed

    def leave(self, key: Key) -> None:
        """Forget a resource."""
        self._wanted.pop(key, None)
        self._belied.pop(key, None)
