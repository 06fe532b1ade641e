"""Kubernetes operator for NVIDIA Cloud Functions deployments."""
