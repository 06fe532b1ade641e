"""What the end-to-end tests run on: a kind cluster, and the real Argo CD. The tests are in ``tests/e2e``."""
