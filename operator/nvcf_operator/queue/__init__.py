"""Which resource is reconciled when, and by which worker."""
