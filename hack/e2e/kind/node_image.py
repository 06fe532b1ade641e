"""The image of a kind node, put together without a container engine and without an image registry.

A Debian root with kind's own files, the node's binaries, and an archive of the images that Kubernetes starts: seven
names for one layer, that differ by their entrypoints. A unit imports the archive before the kubelet starts.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.e2e.kind.archives import Image, write_archive
from hack.e2e.kind.pins import CNI_PLUGINS, KUBERNETES_VERSION

ENTRYPOINT = ["/usr/local/bin/entrypoint", "/sbin/init"]

_VERSION = f"v{KUBERNETES_VERSION}"
_STATIC_PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "coredns", "kube-proxy")
_IMAGES: Mapping[str, Sequence[str]] = {
    **{
        f"registry.k8s.io/{name}:{_VERSION}": [f"/usr/local/bin/{name}"]
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    },
    # The tags that `kubeadm config images list` prints, and the sandbox of kind's containerd.
    "registry.k8s.io/etcd:3.7.0-0": ["/usr/local/bin/etcd"],
    "registry.k8s.io/coredns/coredns:v1.14.6": ["/usr/local/bin/coredns"],
    "registry.k8s.io/pause:3.10": ["/usr/bin/sleep", "infinity"],
}

_CNI = {
    "cniVersion": "1.0.0",
    "name": "kind",
    "plugins": [
        {
            "type": "ptp",
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-ipam-state",
                "routes": [{"dst": "0.0.0.0/0"}],
                "ranges": [[{"subnet": "{{.PodCIDR}}"}]],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
"""containerd fills in the node's range of addresses."""

_IMPORT = """\
[Unit]
Description=import the images that Kubernetes starts
After=containerd.service
Before=kubelet.service
ConditionPathExists=/kind/images.tar

[Service]
Type=oneshot
ExecStart=/usr/local/bin/ctr --namespace=k8s.io images import /kind/images.tar
ExecStartPost=/usr/bin/rm /kind/images.tar
"""

_MANIFESTS = {
    # The network is in the node image; kind wants a manifest to apply.
    "default-cni.yaml": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "network-of-the-node-image", "namespace": "kube-system"},
    },
    "default-storage.yaml": {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard"},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    },
}


def complete(root: Path, binaries: Path, files: Path) -> None:
    """Make a node's root of a Debian root: ``binaries`` has the programs, ``files`` what kind lays over it."""
    _lay_over(root, files)
    _services(root)
    for name in ("containerd", "containerd-shim-runc-v2", "ctr", "crictl"):
        _install(binaries / name, root / "usr/local/bin" / name)
    for name in ("kubeadm", "kubelet", "kubectl"):
        _install(binaries / name, root / "usr/bin" / name)
    for name in CNI_PLUGINS:
        _install(binaries / name, root / "opt/cni/bin" / name)
    _configure(root, binaries)
    layer = root / "kind/layer"
    _layer(layer, root, binaries)
    images = [Image(name=name, entrypoint=entrypoint) for name, entrypoint in _IMAGES.items()]
    write_archive(root / "kind/images.tar", layer, images)
    shutil.rmtree(layer)


def _lay_over(root: Path, files: Path) -> None:
    """Copy kind's files: programs may be run, the rest is read."""
    for source in files.rglob("*"):
        target = root / source.relative_to(files)
        if source.is_file() and source.relative_to(files).parts[0] != "LICENSES":
            program = target.parent.name == "bin"
            _install(source, target, 0o755 if program else 0o644)
    for name, manifest in _MANIFESTS.items():
        _write(root / "kind/manifests" / name, json.dumps(manifest))
    _write(root / "kind/version", _VERSION)


def _services(root: Path) -> None:
    """Let systemd start what a node needs, and nothing that would change the machine around it."""
    library, own = root / "usr/lib/systemd/system", root / "etc/systemd/system"
    for wanted in (
        library / "sysinit.target.wants/systemd-tmpfiles-setup.service",
        *(library / "multi-user.target.wants").glob("*"),
        *own.glob("*.wants/*"),
        *(library / "local-fs.target.wants").glob("*"),
        *(library / "sockets.target.wants").glob("*udev*"),
        *(library / "sockets.target.wants").glob("*initctl*"),
        *(library / "basic.target.wants").glob("*"),
        *(root / "usr/lib/sysctl.d").glob("*"),  # they are the machine's, not the container's
        root / "etc/sysctl.d/99-sysctl.conf",
    ):
        wanted.unlink(missing_ok=True)
    _write(own / "import-images.service", _IMPORT)
    wants = own / "multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in ("containerd", "import-images", "kubelet", "undo-mount-hacks"):
        (wants / f"{unit}.service").symlink_to(f"/etc/systemd/system/{unit}.service")
    (own / "systemd-binfmt.service").symlink_to("/dev/null")
    (root / "usr/sbin/init").unlink(missing_ok=True)
    (root / "usr/sbin/init").symlink_to("/usr/lib/systemd/systemd")
    with (root / "etc/systemd/journald.conf").open("a") as file:
        file.write("ReadKMsg=no\n")


def _configure(root: Path, binaries: Path) -> None:
    """containerd and kubelet for a machine with cgroup v1, without CAP_SYS_RESOURCE and without any registry."""
    spec = json.loads(subprocess.run([binaries / "ctr", "oci", "spec"], check=True, stdout=subprocess.PIPE).stdout)
    spec["process"].pop("rlimits", None)
    hooks = spec.setdefault("hooks", {}).setdefault("createContainer", [])
    hooks.append({"path": "/kind/bin/mount-product-files.sh"})
    _write(root / "etc/containerd/cri-base.json", json.dumps(spec))
    containerd = root / "etc/containerd/config.toml"
    text = containerd.read_text().replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    more = '[plugins."io.containerd.grpc.v1.cri".cni]\n  conf_template = "/etc/cni/kind.conflist.tmpl"\n'
    more += '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n'
    _write(containerd, text + more)
    _write(root / "etc/cni/kind.conflist.tmpl", json.dumps(_CNI))
    (root / "etc/cni/net.d").mkdir(parents=True, exist_ok=True)
    # A pull has to fail at once, not after the time that a closed network takes.
    _write(root / "etc/containerd/certs.d/_default/hosts.toml", 'server = "http://127.0.0.1:1"\n')
    options = "--runtime-cgroups=/system.slice/containerd.service --fail-cgroupv1=false"
    _write(root / "etc/default/kubelet", f"KUBELET_EXTRA_ARGS={options}\n")


def _layer(layer: Path, root: Path, binaries: Path) -> None:
    """What the images of Kubernetes hold: its programs, and for kube-proxy iptables with its plugins' libraries."""
    for name in _STATIC_PODS:
        _install(binaries / name, layer / "usr/local/bin" / name)
    for folder in ("lib", "lib64", "sbin", "bin"):
        (layer / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (layer / folder).symlink_to(f"usr/{folder}")
    for folder in ("tmp", "run", "etc"):
        (layer / folder).mkdir()
    (layer / "tmp").chmod(0o1777)
    (plugins,) = root.glob("usr/lib/*/xtables")
    shutil.copytree(plugins, layer / plugins.relative_to(root), symlinks=True)
    programs = [f"/usr/sbin/{name}" for name in ("xtables-nft-multi", "xtables-legacy-multi", "nft")]
    programs.append("/usr/bin/sleep")
    for name in programs:
        _install(root / name.lstrip("/"), layer / name.lstrip("/"))
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            (layer / "usr/sbin" / f"{family}{suffix}").symlink_to("xtables-nft-multi")
    objects = [*programs, *(f"/{path.relative_to(root)}" for path in plugins.glob("*.so"))]
    shown = subprocess.run(["chroot", root, "ldd", *objects], stdout=subprocess.PIPE, text=True).stdout
    libraries = sorted(set(re.findall(r"(/\S+) \(0x", shown)))
    resolve = ["chroot", root, "readlink", "-f", *libraries]
    real = subprocess.run(resolve, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for name, path in zip(libraries, real, strict=True):
        _install(root / path.lstrip("/"), layer / "usr" / name.removeprefix("/usr").lstrip("/"))


def _install(source: Path, target: Path, mode: int = 0o755) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
