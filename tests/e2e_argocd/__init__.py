"""The operator under the real Argo CD, on the test control plane.

``python -m e2e_argocd`` makes all that is needed and runs the tests of this folder; docs/development.md explains it.
"""
