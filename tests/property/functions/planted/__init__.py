"""Bugs of the operator, each of which the stories of functions have to find by the invariant that it breaks."""
