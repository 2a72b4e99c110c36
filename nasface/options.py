"""What `group=option` can be: components and YAML files of core and plug-ins, user devices; and why another cannot."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Final

from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import MissingConfigException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import Container, DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

from nasface.errors import InvalidInput, NasfaceError, UnknownName
from nasface.registry import KINDS, REGISTRY, Component

ENTRY_POINTS = "nasface.plugins"
RENAMED: Final = {
    "accuracy.shard": "shard",
    "accuracy.shards": "shards",
    "check.threads": "check.file_threads",
    "compare.seeds": "compare.splits",
    "experiment.seeds": "experiment.repeats",
    "experiment.shard": "shard",
    "experiment.shards": "shards",
    "family": "budgets",
    "latency.threads": "latency.file_threads",
    "lut.threads": "lut.file_threads",
    "search.rounds": "refine.rounds",
    "search.seeds": "search.exact_starts",
    "search.verified": "refine.verified",
    "search.verify_top": "refine.verify_top",
    "search.warm_start": "refine.warm_start",
    "timing.max_rounds": "timing.max_blocks",
    "timing.precision": "timing.half_width",
    "timing.rounds": "timing.blocks",
    "training.threads": "training.cpu_threads",
}
"""Options and groups of the past, and what they are called now: the old spelling is refused with the new one named."""

CALLED_HERE: Final = {"experiment.seeds": "compare.splits"}
"""The same, of options whose new name not every experiment has: what it is called in the others."""

PRESET: Final = ("loss", "teacher", "experiment", "task")
"""Kinds whose components may have a YAML file of their name beside the dataclass, with other values."""

UNBOUND: Final = {"max": None, "ratio": None}
"""What `constraints.NAME` is where nobody sets it."""

_NOISE = ("full_key:", "object_type=", "reference_type=")
_plugin_modules: dict[str, ModuleType] | None = None
log = logging.getLogger(__name__)


def config_directory() -> Path:
    """The folder of `config.yaml`: beside this file when installed, beside the package in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "conf", here.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise NasfaceError(f"nasface is installed without its configuration ({here / 'conf'}); install it again.")


class PluginConfigs(SearchPathPlugin):
    """Appends the `conf` folder of every plug-in to Hydra's search path, after the core's."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra."""
        for name, module in load_plugins().items():
            folder = _plugin_folder(module)
            if folder is not None:
                search_path.append(provider=name, path=f"file://{folder}")


def load_plugins() -> dict[str, ModuleType]:
    """Import every plug-in once; one that fails is in `REGISTRY.failures`, never fatal."""
    global _plugin_modules
    if _plugin_modules is None:
        _plugin_modules = {}
        taken = _core_options()
        for entry in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda e: (_origin(e), e.name)):
            module = REGISTRY.load_plugin(_origin(entry), partial(_load, entry, taken))
            if module is not None:
                _plugin_modules[entry.name] = module
    return _plugin_modules


def _origin(entry: metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name


def _load(entry: metadata.EntryPoint, taken: dict[str, str]) -> ModuleType:
    """Import a plug-in and add its options to `taken`, group/name to origin.

    Hydra takes the first file it finds, so that of two options of one name one would be hidden without a word.
    """
    module = entry.load()
    if not isinstance(module, ModuleType):
        raise InvalidInput(f"Its entry point '{entry.name} = {entry.value}' must name a module.")
    own = [component for component in REGISTRY if component.origin == _origin(entry)]
    registered = {f"{component.kind}/{component.name}" for component in own}
    files = _yaml_options(_plugin_folder(module))
    doubled = {f"{component.kind}/{component.name}" for component in own if component.kind not in PRESET} & files
    clash = sorted(((files | registered) & taken.keys()) | doubled)
    if clash:
        owner = taken.get(clash[0], "its own")
        raise InvalidInput(f"There is an option {clash[0]} of {owner} already; this plug-in must use another name.")
    reserved = _root_options()
    if names := sorted(c.name for c in own if c.kind == "task" and c.config is not None and c.name in reserved):
        raise InvalidInput(f"The task {names[0]} has options, but {names[0]} is an option already; use another name.")
    taken.update(dict.fromkeys(files | registered, _origin(entry)))
    return module


def _core_options() -> dict[str, str]:
    """Options of nasface itself: components and YAML files."""
    named = {f"{component.kind}/{component.name}" for component in REGISTRY}
    return dict.fromkeys(named | _yaml_options(config_directory()), "nasface")


def _root_options() -> set[str]:
    """First words of all options: keys of `config.yaml` and its groups."""
    return (
        {str(key) for key in OmegaConf.load(config_directory() / "config.yaml")} | set(KINDS) | {"device", "training"}
    )


def _plugin_folder(module: ModuleType) -> Path | None:
    """`conf` beside a plug-in's `__init__.py`, with or without an own `__init__.py`; a single-file module has none."""
    folders = [Path(folder) / "conf" for folder in getattr(module, "__path__", ())]
    return next((folder for folder in folders if folder.is_dir()), None)


def yaml_options() -> set[str]:
    """YAML options of the core and of the plug-ins."""
    folders = [config_directory(), *map(_plugin_folder, load_plugins().values())]
    return set().union(*map(_yaml_options, folders))


def yaml_files(group: str) -> dict[str, tuple[Path, str]]:
    """YAML options of a group by name, each a file and whose it is; while a task runs, with those of `--config-dir`."""
    found: dict[str, tuple[Path, str]] = {}
    brought = {entry.name: _origin(entry) for entry in metadata.entry_points(group=ENTRY_POINTS)}
    for place in GlobalHydra.instance().config_loader().get_search_path().get_path():
        origin = "nasface" if place.provider == "main" else brought.get(place.provider, place.provider)
        for path in sorted(Path(place.path.removeprefix("file://"), group).glob("*.yaml")):
            found.setdefault(path.stem, (path, origin))  # Hydra takes the first
    return found


def _yaml_options(folder: Path | None) -> set[str]:
    """E.g. "device/sd865" for every file."""
    return {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")} if folder else set()


def prepare() -> None:
    """Load the core's and the plug-ins' components in this process, and say on the log which plug-ins failed."""
    load_plugins()
    for origin, reason in REGISTRY.failures.items():
        log.warning("plug-in %s could not be loaded: %s", origin, reason)


def _scale(small: object, full: object, *, _root_: DictConfig) -> object:
    """`${nasface.scale:small,full}` in experiments: the second value with experiment.full=true."""
    value = full if _root_.experiment.full else small
    return OmegaConf.create(value) if isinstance(value, list | dict) else value


OmegaConf.register_new_resolver("nasface.scale", _scale, replace=True)  # also --cfg and worker processes come by here


def _new_folder(path: str) -> str:
    """`${nasface.new_folder:PATH}`: a folder that no other run has, made now; PATH, or PATH_2, PATH_3, ..."""
    folder, number = path, 1
    while True:
        try:
            Path(folder).mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = f"{path}_{number}"
            continue
        except OSError:
            pass  # said by who writes there
        return folder


# One config has one folder, as it has one time of `now`: the jobs of a multirun share theirs.
OmegaConf.register_new_resolver("nasface.new_folder", _new_folder, replace=True, use_cache=True)


def register_options() -> None:
    """Make every option known to Hydra. Called once, before composition and logging."""
    from nasface.costs import COSTS
    from nasface.devices import user_luts
    from nasface.training import TrainingConfig

    load_plugins()
    store = ConfigStore.instance()
    files = yaml_options()
    for component in REGISTRY:
        for group, node, package in _placed(component, f"{component.kind}/{component.name}" in files):
            store.store(group=group, name=component.name, node=node, package=package)
    store.store(group="schema", name="training", node=TrainingConfig)  # types and defaults that YAML options begin with
    store.store(group="schema", name="constraints", node=dict.fromkeys(COSTS, UNBOUND))
    for name, path in user_luts().items():
        store.store(group="device", name=name, node={"lut": str(path)}, package=f"device.{name}")
    Plugins.instance().register(PluginConfigs)


Node = tuple[str, object, str | None]
"""Of Hydra's store: group, what an option of it holds, and where in the options that goes (None: under the group)."""


def _placed(component: Component, preset: bool) -> list[Node]:
    """How a component becomes an option; `preset`: a YAML file of its name says the rest."""
    kind, name, config = component.kind, component.name, component.config
    if kind == "task":
        return [] if preset else [(kind, {"task": name} | ({} if config is None else {name: config}), "_global_")]
    if kind == "cost" and component.origin != "nasface":  # those of the core are always there
        bounds = {"constraints": {name: UNBOUND}}
        return [(kind, bounds | {"cost": {name: config or {"name": name}}}, "_global_")]
    if kind == "experiment":
        options = {"name": name} if config is None else config
        return [] if preset else [(kind, {"task": kind, kind: options}, "_global_")]
    if config is None:
        return []
    typed: list[Node] = [(f"schema/{kind}", config, None)] if kind in PRESET else []
    return typed if preset else [*typed, (kind, config, None)]


def explain(error: Exception) -> str:
    """What Hydra or OmegaConf refused in composing the options or checking their types, in one sentence."""
    if isinstance(error, OverrideParseException):
        return f"'{error.override}' cannot be read; options are KEY=VALUE, e.g. seed=1 or 'device=[sd865,sd765]'."
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    if isinstance(error, MissingConfigException) and "/" in (error.missing_cfg_file or ""):
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        known, hint = error.options or _group_options(group), REGISTRY.failure_hint()
        ways = _ways_to_a_table(name) if group == "device" else ""
        return str(UnknownName(group, name, known, " ".join(filter(None, (ways, hint)))))
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key:
        return _explain_unknown(str(cause.full_key), cause.parent_node)
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key} has no value; give it one."
    lines = [line.strip() for line in str(cause).splitlines() if not line.strip().startswith(_NOISE)]
    text = " ".join(line for line in lines if line)
    if isinstance(cause, ValidationError) and cause.full_key:
        return f"{cause.full_key}: {text}; give a value of that type."
    return text


def _explain_unknown(option: str, group: Container | None) -> str:
    """There is no such option: what it is called now, or what there is in its group and elsewhere."""
    root = None if group is None else OmegaConf.to_container(group._get_root(), resolve=False)
    everything = set(_names(root))
    for new in (RENAMED.get(option), CALLED_HERE.get(option)):
        if new is not None and (new in everything or option not in CALLED_HERE):
            return f"The option {option} is called {new} now; give {new} instead."
    parent, _, key = option.rpartition(".")
    elsewhere = sorted(name for name in everything if name.rpartition(".")[2] == key)
    owners = [f"{parent}={c.name}" for c in REGISTRY if c.kind == parent and key in c.defaults()]
    places, verb = (owners, "It belongs to") if owners else (elsewhere, "Elsewhere there is")
    hint = f"{verb} {' and '.join(places)}." if places else ""
    known = [str(name) for name in group or ()]
    return str(UnknownName(f"option of {parent}" if parent else "option", key, known, hint))


def _names(node: object, prefix: str = "") -> Iterator[str]:
    """Every option below a node, with those of groups before it."""
    if not isinstance(node, dict):
        return
    for key, child in node.items():
        name = f"{prefix}{key}"
        yield name
        yield from _names(child, f"{name}.")


def _ways_to_a_table(name: str) -> str:
    """A device is its latency table, and this is how one is had."""
    return (
        f"A device is its latency table: measure one (nasface build_lut lut.name={name} transport=adb), estimate one "
        f"from a few networks timed on the phone (nasface calibrate_device lut.name={name}), or import one (nasface "
        f"import_lut lut.name={name} lut.file=FILE)."
    )


def _group_options(group: str) -> list[str]:
    """All options of a group, from YAML files, components and plug-ins."""
    with initialize_config_dir(str(config_directory()), version_base="1.3"):
        return list(GlobalHydra.instance().config_loader().get_group_options(group))
