"""What this process remembers beside the cluster's record. Losing all of it costs time, never correctness."""
