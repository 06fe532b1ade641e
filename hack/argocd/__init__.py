"""What `deploy/argocd` ships, read and run as Argo CD does."""

from hack.argocd.agreement import disagreement
from hack.argocd.customizations import ARGOCD, CONFIG_MAP, CUSTOMIZATION, config_map, shipped
from hack.argocd.lua import Health, LuaError, Scripts, merge_patch, scripts

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
