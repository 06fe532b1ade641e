"""The control plane as one thing: start it, use it, take its API server away, stop it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hack.controlplane.assets import assets
from hack.controlplane.certificates import Authority
from hack.controlplane.connection import Client, Connection
from hack.controlplane.kubeconfigs import write_kubeconfig
from hack.controlplane.kubectl import kubectl
from hack.controlplane.ownership import acquire
from hack.controlplane.servers import Layout, lay_out
from hack.processes import Process, ProcessEndedError

_START_ATTEMPTS = 4
"""A port that was free may be taken when the server comes to it."""
_POLL_SECONDS = 0.05
_ADDRESS_IN_USE = "address already in use"


class ControlPlane:
    """etcd, kube-apiserver and kube-controller-manager on free loopback ports.

    All of them end when :meth:`stop` is called and when this process ends, in whatever way. Use it as a context manager
    or call :meth:`stop`. The folder ``root`` stays behind, with the logs in ``root/logs``.
    """

    def __init__(self, root: Path, layout: Layout, authority: Authority, lock: int) -> None:
        """Internal; see :meth:`start`."""
        self.root = root
        self.ca = authority.certificate
        """The file with the certificate of the API server's authority."""
        self.audit_log = layout.audit_log
        """JSON lines; read it with :func:`read_audit_log`. Absent when started with ``audit=False``."""
        self.assets = layout.assets
        """The folder with the binaries."""
        self.kubeconfig = root / "admin.kubeconfig"
        """The kubeconfig of a user in group ``system:masters``."""
        self._layout = layout
        self._lock = lock
        self._admin = authority.client("nvcf-operator-test-admin", groups=["system:masters"])
        self._manager_identity = authority.client("system:kube-controller-manager", groups=["system:masters"])
        self._processes: dict[str, Process] = {}
        self._client: Client | None = None

    @classmethod
    def start(
        cls,
        root: Path,
        *,
        audit: bool = True,
        controller_manager: bool = True,
        kubernetes_version: str | None = None,
        deadline: float = 90.0,
    ) -> Self:
        """Start a control plane that keeps its files in ``root`` and return it when it is ready, in some seconds.

        Data that an earlier control plane left in ``root`` is there again; credentials are new. Without
        ``controller_manager`` namespaces never end and Deployments make no Pods. ``deadline`` is in seconds; building
        the binaries, should they be missing, does not count.

        Raises :class:`AssetsError` without binaries, :class:`RootInUseError` when another
        control plane uses ``root``, and :class:`ProcessEndedError` or :class:`TimeoutError`, with the end
        of the logs.
        """
        binaries = assets(kubernetes_version)
        root = root.absolute()
        (root / "logs").mkdir(parents=True, exist_ok=True)
        lock = acquire(root)
        try:
            authority = Authority(root / "certificates")
            plane = cls(root, lay_out(root, binaries, authority, audit=audit), authority, lock)
        except BaseException:
            os.close(lock)
            raise
        try:
            plane._start(time.monotonic() + deadline, controller_manager=controller_manager)
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def url(self) -> str:
        """The API server's base URL."""
        return f"https://127.0.0.1:{self._layout.api_port}"

    def kubeconfig_for(self, service_account_namespace: str, name: str) -> Path:
        """Return a kubeconfig with a fresh token (24 h) of an existing ServiceAccount.

        Raises :class:`KubectlError` when there is no such ServiceAccount.
        """
        token = self.kubectl("create", "token", name, f"--namespace={service_account_namespace}", "--duration=24h")
        return write_kubeconfig(
            self.root / "kubeconfigs" / f"{service_account_namespace}.{name}.kubeconfig",
            server=self.url,
            ca=self.ca,
            token=token.strip(),
            namespace=service_account_namespace,
        )

    def kubectl(
        self,
        *arguments: str | Path,
        input: str | None = None,
        kubeconfig: Path | None = None,
        timeout: float = 60.0,
    ) -> str:
        """Run kubectl, as the administrator unless a kubeconfig is given; return what it printed.

        ``input`` is its standard input, for ``-f -``. Raises :class:`KubectlError` with its error message,
        and :class:`subprocess.TimeoutExpired` after ``timeout`` seconds.
        """
        return kubectl(
            self.assets / "kubectl",
            arguments,
            kubeconfig=kubeconfig or self.kubeconfig,
            home=self.root,
            input=input,
            timeout=timeout,
        )

    def read(self, path: str) -> Any:
        """Return the JSON value at a path of the API server, as the administrator; None where there is nothing.

        A kubectl costs a hundred times as much. Raises :class:`RuntimeError` for any other answer, and for none.
        """
        assert self._client is not None, "it was started"
        return self._client.read(path)

    def change(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> bool:
        """Make a request as the administrator; return whether it was accepted. Only :meth:`kubectl` says why not."""
        assert self._client is not None, "it was started"
        return self._client.change(method, path, body, content_type)

    def stop_api_server(self) -> None:
        """Kill the API server, so that every connection breaks and new ones are refused. etcd keeps the data."""
        self._processes.pop("kube-apiserver").kill()

    def start_api_server(self, deadline: float = 60.0) -> None:
        """Start the API server again, on the same port, and wait until it is ready (``deadline`` in seconds)."""
        until = time.monotonic() + deadline
        while True:
            server = self._run("kube-apiserver", self._layout.api_server())
            try:
                self._wait_ready(until)
            except ProcessEndedError:
                # Some client may hold the port for a moment.
                if _ADDRESS_IN_USE not in server.output() or time.monotonic() > until:
                    raise
                self.stop_api_server()
            else:
                return

    def back_up(self) -> Path:
        """Copy etcd's data, as a backup does, and give the copy. API server and etcd are restarted."""
        copy = self.root / "backup"
        self._without_servers(lambda data: shutil.copytree(data, copy))
        return copy

    def restore(self, backup: Path) -> None:
        """Put a copy of etcd's data in place of what there is. API server and etcd are restarted."""

        def replace(data: Path) -> None:
            shutil.rmtree(data)
            shutil.copytree(backup, data)

        self._without_servers(replace)

    def _without_servers(self, change: Callable[[Path], object]) -> None:
        self.stop_api_server()
        self._processes.pop("etcd").kill()
        change(self.root / "etcd")
        self._run("etcd", self._layout.etcd())
        self.start_api_server()

    def check(self) -> None:
        """Raise :class:`ProcessEndedError`, with the end of its log, if a server has ended on its own."""
        for process in self._processes.values():
            process.check()

    def stop(self) -> None:
        """Kill all servers. Harmless when they are stopped already."""
        if self._client is not None:
            self._client.close()
        for name in ("kube-controller-manager", "kube-apiserver", "etcd"):
            if process := self._processes.pop(name, None):
                process.kill()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, until: float, *, controller_manager: bool) -> None:
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._run("etcd", self._layout.etcd())
            self._run("kube-apiserver", self._layout.api_server())
            try:
                self._wait_ready(until)
                break
            except ProcessEndedError:
                outputs = [process.output() for process in self._processes.values()]
                if attempt == _START_ATTEMPTS or not any(_ADDRESS_IN_USE in output for output in outputs):
                    raise
                for name in ("kube-apiserver", "etcd"):
                    self._processes.pop(name).kill()
                self._layout = self._layout.on_other_ports()
        write_kubeconfig(self.kubeconfig, server=self.url, ca=self.ca, client=self._admin)
        self._client = Client(self._layout.api_port, self.ca, self._admin)
        if controller_manager:
            identity = write_kubeconfig(
                self.root / "controller-manager.kubeconfig",
                server=self.url,
                ca=self.ca,
                client=self._manager_identity,
            )
            self._run("kube-controller-manager", self._layout.controller_manager(identity))
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._wait(lambda api: api.get(account).status == 200, "the default ServiceAccount", until)

    def _run(self, name: str, command: list[str | Path]) -> Process:
        self._processes[name] = Process(name, command, self.root / "logs" / f"{name}.log")
        return self._processes[name]

    def _wait_ready(self, until: float) -> None:
        self._wait(lambda api: api.get("/readyz").status == 200, "the API server", until)

    def _wait(self, condition: Callable[[Connection], bool], what: str, until: float) -> None:
        """Ask until the condition holds; fail at once when a server has ended."""
        with Connection(self._layout.api_port, self.ca, self._admin) as api:
            while not condition(api):
                self.check()
                if time.monotonic() > until:
                    logs = "\n".join(f"{process.log}:\n{process.tail()}" for process in self._processes.values())
                    raise TimeoutError(f"{what} is not ready; the last answer was {api.last}\n{logs}")
                time.sleep(_POLL_SECONDS)
