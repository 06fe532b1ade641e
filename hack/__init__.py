"""Build, test and release tools for those who work on the operator; nothing of this is in the wheel or in the image.

Each package is a command, ``python -m hack.NAME`` from the root of the repository, which a target of the Makefile runs.
"""
