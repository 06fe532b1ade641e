"""What `deploy/argocd` ships, read and run as Argo CD does."""

from gitops.agreement import disagreement
from gitops.customizations import ARGOCD, CONFIG_MAP, CUSTOMIZATION, config_map, shipped
from gitops.lua import Health, LuaError, Scripts, merge_patch, scripts

__all__ = [
    "ARGOCD",
    "CONFIG_MAP",
    "CUSTOMIZATION",
    "Health",
    "LuaError",
    "Scripts",
    "config_map",
    "disagreement",
    "merge_patch",
    "scripts",
    "shipped",
]
