"""An NVCF account on your machine: an HTTP server that behaves like the deployment API of NVIDIA Cloud Functions."""
