"""Build, test and release tools for those who work on the operator; nothing of this is in the wheel or in the image.

Most packages are commands, ``python -m hack.NAME``, which targets of the Makefile run.
"""
