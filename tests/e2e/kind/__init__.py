"""The operator where its users run it: as Pods on a real cluster made by kind. ``make e2e`` runs these."""
