"""The real Argo CD, for the tests in ``tests/e2e/argocd``; docs/development.md explains it.

``python -m hack.e2e.argocd`` makes all that is needed and runs these tests.
"""
