"""What several kinds of tests share: the operator and the simulator as processes, a cluster's objects, virtual time.

Import from its modules: this one stays empty, so that a test loads only what it uses.
"""
