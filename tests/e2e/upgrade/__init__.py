"""Upgrades from an earlier revision. ``make e2e-upgrade`` runs these."""
