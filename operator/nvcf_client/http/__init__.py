"""HTTP: how requests reach NVCF, through which proxy and trusting which certificates. Nothing above it knows httpx."""
