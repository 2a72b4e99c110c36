"""The options that come with nasface, as a command composes them."""

from __future__ import annotations

import copy
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.singleton import Singleton
from omegaconf import OmegaConf

from nasface.options import config_directory, register_options


def composed(group: str, name: str, *overrides: str) -> Any:
    """The dataclass of `group=name` with overrides of its values."""
    singletons = copy.deepcopy(Singleton.get_state())
    try:
        register_options()
        with initialize_config_dir(str(config_directory()), version_base="1.3"):
            return OmegaConf.to_object(compose(overrides=[f"+{group}={name}", *overrides])[group])
    finally:
        Singleton.set_state(singletons)
