"""What users read: conditions, messages and Events."""
