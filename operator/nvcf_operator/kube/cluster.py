"""The cluster and the identity to use: `KUBECONFIG`, else the pod's ServiceAccount, else `~/.kube/config`.

The official client's own code reads the files. What it leaves to its callers is here: renewing credentials that
expire, and reporting a bad file without repeating its content.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

log = logging.getLogger(__name__)

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_KUBECONFIG = "~/.kube/config"

REFRESH = 60.0
"""Seconds after which credentials that can change are re-read."""

PLUGIN_TIMEOUT = 20.0
"""Seconds that an exec plugin or an identity provider gets, within the 30 s of the request that waits for it."""

_BROKEN = (ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError)
"""What the official client raises for an invalid file."""


class ConnectionProblem(aiohttp.ClientConnectionError):
    """No cluster is configured, or its configuration cannot be used; the text says what was checked.

    After the start, it is one more way in which the API server cannot be reached.
    """


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's address, certificates and credentials.

    Attributes:
        configuration: the official client's; its hook keeps the token fresh.
        namespace: of the pod, or of the kubeconfig's context; None if it names none.
        in_pod: whether this process runs in that cluster, which is then never behind a proxy.
        source: where it was found, for messages.
        asked: the arguments of `load` that found it.

    """

    configuration: Configuration
    namespace: str | None
    in_pod: bool
    source: str
    asked: tuple[str, ...] = ()

    async def authorization(self) -> str | None:
        """The header for a request made now; None if the identity is a client certificate, or there is none.

        Raises:
            ConnectionProblem: the token cannot be read.

        """
        try:
            token = await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except _BROKEN as error:
            raise _unusable(self.source, error) from None
        return str(token).strip() if token else None

    async def reload(self) -> "Cluster":
        """Read the configuration again.

        Raises:
            ConnectionProblem: as of `load`.

        """
        return await load(*self.asked)


async def load(kubeconfig: str = "", context: str = "") -> Cluster:
    """Read the configuration; exec plugins are run.

    Args:
        kubeconfig: a file to use instead of what is found; empty for none.
        context: the context to use; empty for the current one. A pod's ServiceAccount has none, and is passed over.

    Raises:
        ConnectionProblem: there is none, or it cannot be used.

    """
    if kubeconfig or context:
        asked = (kubeconfig, context)
        paths = kubeconfig or os.environ.get("KUBECONFIG") or os.path.expanduser(DEFAULT_KUBECONFIG)  # noqa: ASYNC240
        return await _from_kubeconfig(paths, paths + (f", context {context}" if context else ""), asked)
    kubeconfig, default = os.environ.get("KUBECONFIG", ""), os.path.expanduser(DEFAULT_KUBECONFIG)  # noqa: ASYNC240
    if kubeconfig:
        return await _from_kubeconfig(kubeconfig, f"KUBECONFIG={kubeconfig}")
    if (SERVICE_ACCOUNT / "token").exists():
        return _from_pod()
    if os.path.exists(default):  # noqa: ASYNC240  one check of a local file, at the start
        return await _from_kubeconfig(default, DEFAULT_KUBECONFIG)
    raise ConnectionProblem(
        "no cluster is configured: looked at KUBECONFIG (not set), the pod's ServiceAccount "
        f"({SERVICE_ACCOUNT}, not there) and {DEFAULT_KUBECONFIG} (not there)"
    )


def _from_pod() -> Cluster:
    configuration, source = _configuration(), f"the pod's ServiceAccount, {SERVICE_ACCOUNT}"
    try:
        load_incluster_config(client_configuration=configuration)
        namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
    except _BROKEN as error:
        raise _unusable(source, error) from None
    return Cluster(configuration, namespace, in_pod=True, source=source)


async def _from_kubeconfig(paths: str, source: str, asked: tuple[str, ...] = ()) -> Cluster:
    configuration = _configuration()
    try:
        config = KubeConfigMerger(paths).config
        if config is None:
            raise ConnectionProblem(f"{source}: there is no such file")
        context_name = asked[1] or None if asked else None
        loader = KubeConfigLoader(config, config_base_path=None, active_context=context_name)
        context = loader.current_context["context"]
        user = _user(config.value, context.get("user"))
        async with asyncio.timeout(PLUGIN_TIMEOUT):
            await loader.load_and_set(configuration)
    except TimeoutError:
        raise ConnectionProblem(f"{source}: no credentials were returned within {PLUGIN_TIMEOUT:.0f} s") from None
    except _BROKEN as error:
        raise _unusable(source, error) from None
    if "exec" in user and not (configuration.api_key or configuration.cert_file):
        raise ConnectionProblem(f"{source}: the exec plugin gave no credentials; the log says why")
    if {"exec", "tokenFile", "auth-provider"} & user.keys():
        configuration.refresh_api_key_hook = _Refresh(loader, plugin="exec" in user)
    return Cluster(configuration, context.get("namespace") or None, in_pod=False, source=source, asked=asked)


class _Refresh:
    """Renews a kubeconfig's credentials that expire; the official client leaves that to its callers."""

    def __init__(self, loader: KubeConfigLoader, *, plugin: bool) -> None:
        self._loader = loader
        self._plugin = plugin
        self._due = time.monotonic() + REFRESH

    async def __call__(self, configuration: Configuration) -> None:
        """Renew them if that is due, else keep them: an old token is better than none."""
        if time.monotonic() < self._due:
            return
        # Set first: requests in the meantime use the old token, which is still valid for minutes.
        self._due = time.monotonic() + REFRESH
        if self._plugin and not hasattr(self._loader, "exec_plugin_expiry"):
            return  # a plugin that reports no expiry is run again after a 401, as kubectl does
        try:
            async with asyncio.timeout(PLUGIN_TIMEOUT):
                await self._loader.load_and_set(configuration)
        except (*_BROKEN, TimeoutError) as error:
            log.warning("the kubeconfig's credentials were not renewed: %s", _description(error))


def _configuration() -> Configuration:
    configuration = Configuration()
    # As Go does: certificates that name no key of their authority are common in clusters, and refused from Python 3.13.
    configuration.disable_strict_ssl_verification = True
    return configuration


def _user(config: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """The kubeconfig's user of that name; empty when there is none."""
    entries = (entry.value for entry in config["users"])
    return next((entry.get("user") or {} for entry in entries if entry.get("name") == name), {})


def _unusable(source: str, error: Exception) -> ConnectionProblem:
    return ConnectionProblem(f"{source} cannot be used: {_description(error)}")


def _description(error: Exception) -> str:
    """The error's text, without the entries of the kubeconfig that the official client repeats, including tokens."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    if isinstance(error, ConfigException | OSError):
        return str(error).split("/{", 1)[0]
    return "it is not a kubeconfig"
