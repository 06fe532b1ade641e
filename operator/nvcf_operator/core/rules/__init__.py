"""The rules that several branches share."""
