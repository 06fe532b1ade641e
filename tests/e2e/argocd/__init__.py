"""The operator under the real Argo CD, on the test control plane. ``make e2e-argocd`` runs these."""
