"""`python -m hack.argocd`: put the scripts of Argo CD's customizations into the ConfigMap that is committed."""

from hack.argocd.customizations import CONFIG_MAP, config_map

CONFIG_MAP.write_text(config_map())
