"""What `group=option` can be: registered components, data sources, supernets, user devices, and plug-ins."""

from __future__ import annotations

import logging
from importlib import metadata, util
from types import ModuleType

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from nasface.registry import REGISTRY

ENTRY_POINTS = "nasface.plugins"
_plugin_modules: dict[str, ModuleType] | None = None
log = logging.getLogger(__name__)


class PluginConfigs(SearchPathPlugin):
    """Appends the `conf` package of every plug-in to Hydra's search path, after the core's."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra."""
        for name, module in load_plugins().items():
            if util.find_spec(f"{module.__name__}.conf") is not None:
                search_path.append(provider=name, path=f"pkg://{module.__name__}.conf")


def load_plugins() -> dict[str, ModuleType]:
    """Import every plug-in once; one that fails is reported on the log and in `task=list`, never fatal."""
    global _plugin_modules
    if _plugin_modules is None:
        _plugin_modules = {}
        for entry in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda e: (e.dist.name if e.dist else "", e.name)):
            origin = entry.dist.name if entry.dist else entry.name
            module = REGISTRY.load_plugin(origin, entry.load)
            if isinstance(module, ModuleType):
                _plugin_modules[entry.name] = module
            else:
                log.warning("plug-in %s could not be loaded: %s", origin, REGISTRY.failures.get(origin, "not a module"))
    return _plugin_modules


def prepare() -> None:
    """Load the core's and the plug-ins' components in this process."""
    REGISTRY.load_core()
    load_plugins()


def register_options() -> None:
    """Make every option known to Hydra. Called once, before composition."""
    from nasface.data import DATA
    from nasface.devices import user_luts
    from nasface.supernets import SUPERNETS

    prepare()
    store = ConfigStore.instance()
    for component in REGISTRY:
        store.store(group=component.kind, name=component.name, node=component.config)
    for name, (config, _) in DATA.items():
        store.store(group="data", name=name, node=config)
    for name, supernet in SUPERNETS.items():
        store.store(group="supernet", name=name, node=supernet)
    for name, path in user_luts().items():
        store.store(group="device", name=name, node={"lut": str(path)}, package=f"device.{name}")
    Plugins.instance().register(PluginConfigs)
