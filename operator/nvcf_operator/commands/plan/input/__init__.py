"""What is planned for: manifests, as the API server would take them, and what the cluster has of them."""
