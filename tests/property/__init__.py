"""Random stories through the pure decisions, under virtual time, with the invariants as the judge."""
