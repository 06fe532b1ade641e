"""Upgrading from an earlier revision: what `make e2e-upgrade` needs of it."""
