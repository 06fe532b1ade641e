"""End-to-end tests; ``hack/e2e`` has what they run on."""
