"""Flux's own library, which applies manifests, waits for them and prunes them as its kustomize-controller does."""

from hack.flux.binary import FluxError, flux_binary
from hack.flux.kustomization import Kustomization, Outcome

__all__ = ["FluxError", "Kustomization", "Outcome", "flux_binary"]
