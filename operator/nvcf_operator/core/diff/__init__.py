"""The difference between a manifest and a deployment, and the calls that mend it."""
