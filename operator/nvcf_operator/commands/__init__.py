"""What `nvcf-operator import`, `check` and `plan` do: they read NVCF once and end. None changes anything."""
