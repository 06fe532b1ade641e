"""The operator's own loop over objects in memory and an NVCF that is only read."""
