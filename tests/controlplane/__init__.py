"""A real Kubernetes control plane on this machine, for tests, the demo and benchmarks.

:class:`ControlPlane` runs etcd, kube-apiserver and kube-controller-manager; :func:`assets` says where their binaries
are and builds them once if need be. ``controlplane.pytest_plugin`` has the fixtures, ``python -m controlplane`` the
commands.
"""

from controlplane.assets import AssetsError, assets
from controlplane.audit import AuditEvent, read_audit_log, writes_by_kind
from controlplane.kubectl import KubectlError
from controlplane.ownership import RootInUseError
from controlplane.plane import ControlPlane
from controlplane.processes import ProcessEndedError

__all__ = [
    "AssetsError",
    "AuditEvent",
    "ControlPlane",
    "KubectlError",
    "ProcessEndedError",
    "RootInUseError",
    "assets",
    "read_audit_log",
    "writes_by_kind",
]
