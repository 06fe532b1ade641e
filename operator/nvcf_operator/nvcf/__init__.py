"""The NVCF client. Knows nothing of Kubernetes."""
