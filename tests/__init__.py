"""The tests, and `tests.support`, which they and the tools in `hack` share."""
