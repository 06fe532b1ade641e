"""`nvcf-operator plan`: what the operator would do for manifests, without a write."""
