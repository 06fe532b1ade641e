"""A release: the version, what is built for it, and how it is published. `docs/release.md` explains it."""
