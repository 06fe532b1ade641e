"""What a cluster is built from where no image registry can be reached: versions, Go modules and Debian packages."""

from __future__ import annotations

from pathlib import Path

from hack.controlplane.pins import kubernetes_linker_flags
from hack.gobuild.recipe import key, module_pins
from hack.gobuild.target import Target

MODULES = Path(__file__).parent / "modules"

KUBERNETES_VERSION = "1.37.2"
"""Of the nodes; the control plane's own binaries are those that all tests use."""

KIND_VERSION = "0.33.0"

STOCK_NODE = "docker.io/kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
"""The node image that this version of kind takes by default."""

DEBIAN = "bookworm"

NODE_PACKAGES = (
    "bash", "ca-certificates", "conntrack", "curl", "ethtool", "iproute2", "iptables", "jq", "kmod", "libseccomp2",
    "mount", "nftables", "procps", "runc", "systemd", "util-linux",
)  # fmt: skip
"""What kind's node image installs, without the storage drivers, and the container runtime."""

BASE_PACKAGES = ("ca-certificates", "python3", "python3-venv")
"""What the Dockerfile needs of its base."""

_CNI = "github.com/containernetworking/plugins/plugins"
CNI_PLUGINS = {"host-local": "ipam", "loopback": "main", "portmap": "meta", "ptp": "main"}
_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
_NODE = ("kube-proxy", "kube-scheduler", "kubeadm", "kubelet")


def node_targets() -> list[Target]:
    """What is built besides the control plane's binaries."""
    flags = "-s -w"
    return [
        Target(name="kind", package="sigs.k8s.io/kind", module=MODULES / f"kind-{KIND_VERSION}", linker_flags=flags),
        *(
            Target(
                name=name,
                package=f"k8s.io/kubernetes/cmd/{name}",
                module=MODULES / f"kubernetes-{KUBERNETES_VERSION}",
                linker_flags=kubernetes_linker_flags(KUBERNETES_VERSION),
            )
            for name in _NODE
        ),
        *(
            Target(
                name=name,
                package=f"github.com/containerd/containerd/v2/cmd/{name}",
                module=MODULES / "containerd-2.3.4",
                linker_flags=flags,
                tags="no_aufs,no_btrfs,no_devmapper,no_zfs",
            )
            for name in _CONTAINERD
        ),
        *(
            Target(name=name, package=f"{_CNI}/{kind}/{name}", module=MODULES / "cni-1.9.1", linker_flags=flags)
            for name, kind in CNI_PLUGINS.items()
        ),
        Target(
            name="crictl",
            package="sigs.k8s.io/cri-tools/cmd/crictl",
            module=MODULES / "crictl-1.36.0",
            linker_flags=flags,
        ),
        Target(
            name="coredns",
            package="github.com/coredns/coredns",
            module=MODULES / "coredns-1.14.6",
            linker_flags=flags,
        ),
    ]


def node_key() -> str:
    """The name of the cache folder of these targets: a readable version and a hash over all pins."""
    parts = [
        module_pins(target.module) + f"{target.name} {target.package} {target.linker_flags} {target.tags}\n".encode()
        for target in node_targets()
    ]
    return key(f"kubernetes-{KUBERNETES_VERSION}", *parts)
