"""A kind cluster and the operator's image on it, for the tests in ``tests/e2e/kind``, whose README.md explains it.

``python -m hack.e2e.kind`` makes all that is needed and runs these tests.
"""
