"""Figures, not tests: what a fleet costs, measured on the real API server, with a baseline in the same run."""
