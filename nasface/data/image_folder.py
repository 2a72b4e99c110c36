"""Your own photos: root/person/photo, one folder per person."""

from __future__ import annotations

from dataclasses import dataclass

from nasface.data._data import FaceData
from nasface.data.folders import FilesConfig, assemble, beside, require_root
from nasface.data.sources import open_source
from nasface.registry import register


@dataclass
class ImageFolderConfig(FilesConfig):
    """Parameters of `data=image_folder`, beside those of `FilesConfig`.

    Attributes:
        root: A folder root/person/photo (.jpg, .jpeg, .png, .bmp, .webp), or an uncompressed tar of it.
    """

    name: str = "image_folder"


@register("data", "image_folder", config=ImageFolderConfig)
def load_image_folder(config: ImageFolderConfig) -> FaceData:
    """Open the photos and split the people.

    Raises:
        DataError: As `load_lfw`.
        InvalidInput: The fractions do not fit.
    """
    root = require_root(config.root, config.name)
    return assemble(config, open_source(root, what=f"data={config.name}"), beside(root))
