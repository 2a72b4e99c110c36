"""Photos of faces: `load_data({"name": "lfw", "root": ...})` gives three sets of different people, and pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from nasface.data._base import FaceData, FaceSet, Pairs, Photos, PhotoSource, Skipped, UnreadablePhotoError
from nasface.data.image_folder import ImageFolderConfig, load_image_folder
from nasface.data.lfw import LFWConfig, load_lfw
from nasface.data.pairs import NamedPairs, read_pairs, stratified_folds
from nasface.data.procedural import ProceduralConfig, load_procedural
from nasface.errors import UnknownName

__all__ = [
    "DATA",
    "FaceData",
    "FaceSet",
    "ImageFolderConfig",
    "LFWConfig",
    "NamedPairs",
    "Pairs",
    "PhotoSource",
    "Photos",
    "ProceduralConfig",
    "Skipped",
    "UnreadablePhotoError",
    "load_data",
    "load_image_folder",
    "load_lfw",
    "load_procedural",
    "read_pairs",
    "stratified_folds",
]

DATA: Final[dict[str, tuple[type, Callable[[Any], FaceData]]]] = {
    "image_folder": (ImageFolderConfig, load_image_folder),
    "lfw": (LFWConfig, load_lfw),
    "procedural": (ProceduralConfig, load_procedural),
}
"""Options of `data=`: the dataclass of parameters and the loader that takes one."""


def load_data(settings: Mapping[str, Any]) -> FaceData:
    """Load the data that `settings["name"]` names, the other entries being its parameters.

    Raises:
        UnknownName: The option, or one of the parameters, does not exist.
        DataError: Photos, lists or pairs cannot be used.
        InvalidInput: A parameter is outside what is allowed.
    """
    parameters = dict(settings)
    name = str(parameters.pop("name", ""))
    if name not in DATA:
        raise UnknownName("data", name, DATA)
    config, loader = DATA[name]
    fields = {field.name for field in dataclasses.fields(config)} - {"name"}
    for key in parameters:
        if key not in fields:
            raise UnknownName(f"parameter of data {name}", key, fields)
    return loader(config(**parameters))
