"""Executables from pinned Go modules, built once and kept in the tool cache.

:class:`hack.gobuild.recipe.Recipe` says what is built from what. Its users are the control plane, promtool, the engine
of the dashboard, Flux's library, the nodes of a kind cluster, and Argo CD.
"""
