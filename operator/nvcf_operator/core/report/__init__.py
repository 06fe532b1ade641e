"""What users are told: conditions, messages and Events."""
