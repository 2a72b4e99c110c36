"""Photos of faces: `load_data({"name": "lfw", "root": ...})` gives up to three sets, and pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nasface.data._base import FaceSet, Photos, PhotoSource, Skipped, UnreadablePhotoError
from nasface.data._data import FaceData, Pairs
from nasface.data._index import PhotoIndex
from nasface.data.cache import cached
from nasface.data.groups import read_groups
from nasface.data.image_folder import ImageFolderConfig, load_image_folder
from nasface.data.lfw import LFWConfig, load_lfw
from nasface.data.pairs import NamedPairs, read_pairs, stratified_folds
from nasface.data.procedural import ProceduralConfig, load_procedural
from nasface.data.recordio import RecordIOConfig, load_recordio
from nasface.data.repeated import report_repeated
from nasface.data.verification_bin import read_bin, write_bin
from nasface.data.vggface2 import VGGFace2Config, load_vggface2
from nasface.errors import DataError
from nasface.registry import REGISTRY, build
from nasface.trust import broken

__all__ = [
    "FaceData",
    "FaceSet",
    "ImageFolderConfig",
    "LFWConfig",
    "NamedPairs",
    "Pairs",
    "PhotoIndex",
    "PhotoSource",
    "Photos",
    "ProceduralConfig",
    "RecordIOConfig",
    "Skipped",
    "UnreadablePhotoError",
    "VGGFace2Config",
    "cached",
    "load_data",
    "load_image_folder",
    "load_lfw",
    "load_procedural",
    "load_recordio",
    "load_vggface2",
    "read_bin",
    "read_groups",
    "read_pairs",
    "stratified_folds",
    "write_bin",
]


def load_data(settings: Mapping[str, object], cwd: Path | None = None) -> FaceData:
    """Load the data that `settings["name"]` names, the other entries being its parameters.

    A relative `root` is relative to `cwd`.

    Raises:
        UnknownName: The option, or one of the parameters, does not exist.
        DataError: Photos, lists or pairs cannot be used, or the name is "none".
        InvalidInput: A parameter is outside what is allowed.
        ComponentError: A plug-in gives something else.
    """
    if settings["name"] == "none":
        raise DataError(
            "This needs photos: add data=lfw data.root=FOLDER, data=image_folder data.root=FOLDER or data=procedural."
        )
    given = dict(settings)
    if cwd is not None and given.get("root"):
        given["root"] = str(cwd / Path(str(given["root"])).expanduser())
    data: object = build("data", given)
    if not isinstance(data, FaceData):
        component = REGISTRY.get("data", str(settings["name"]))
        raise broken(component, "loading", f"it gave a {type(data).__name__}; a nasface.data.FaceData is asked for")
    report_repeated(data)
    return data
