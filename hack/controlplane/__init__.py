"""A real Kubernetes control plane on this machine, for tests, the demo and benchmarks.

:class:`ControlPlane` runs etcd, kube-apiserver and kube-controller-manager; :func:`assets` says where their binaries
are and builds them once if need be. ``tests.support.pytest_controlplane`` has the fixtures, and
``python -m hack.controlplane`` the commands.
"""

from hack.controlplane.assets import AssetsError, assets
from hack.controlplane.audit import AuditEvent, read_audit_log, writes_by_kind
from hack.controlplane.kubectl import KubectlError
from hack.controlplane.ownership import RootInUseError
from hack.controlplane.plane import ControlPlane
from hack.processes import ProcessEndedError

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
