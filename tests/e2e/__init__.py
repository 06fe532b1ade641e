"""The operator where its users run it: as Pods on a real cluster made by kind.

``python -m e2e`` makes all that is needed and runs the tests of this folder; README.md beside it explains it.
"""
