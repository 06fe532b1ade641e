"""What `deploy/argocd` ships, read and run as Argo CD does."""

from hack.argocd.agreement import disagreement
from hack.argocd.customizations import ARGOCD, CONFIG_MAP, config_map, customization, group_kind, shipped
from hack.argocd.lua import Health, LuaError, Scripts, merge_patch, scripts

__all__ = [
    "ARGOCD",
    "CONFIG_MAP",
    "Health",
    "LuaError",
    "Scripts",
    "config_map",
    "customization",
    "disagreement",
    "group_kind",
    "merge_patch",
    "scripts",
    "shipped",
]
