"""Whether a key is shown to belong to the NVCF account that a resource has on record."""

import hashlib
import hmac

from nvcf_operator.accounts.listing import Listing
from nvcf_operator.core.situation import AccountView, Proof


def view(
    listing: Listing | None, api_key: str, uid: str, pinned: str | None, recorded_credential: str | None
) -> AccountView:
    """Compare what a fresh list shows, and the key itself, with the account and the key on record."""
    ids = listing.account_ids if listing is not None else frozenset()
    print_of_key = fingerprint(uid, api_key)
    one = next(iter(sorted(ids)), None)
    if pinned is None:
        return AccountView(Proof.NEVER_PINNED, one, print_of_key)
    if pinned in ids:
        return AccountView(Proof.PROVEN, pinned, print_of_key)
    if ids:
        return AccountView(Proof.MISMATCH, one, print_of_key)
    if recorded_credential == print_of_key:
        return AccountView(Proof.PROVEN, pinned, print_of_key)
    return AccountView(Proof.UNPROVEN, None, print_of_key)


def fingerprint(uid: str, api_key: str) -> str:
    """Name a key so that only the same resource and the same key give the same name, and nothing leads back."""
    return hmac.new(uid.encode(), api_key.encode(), hashlib.sha256).hexdigest()[:16]
