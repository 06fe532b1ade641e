"""Kubernetes reads and writes: the resource, its status and finalizer, Secrets, Events."""
