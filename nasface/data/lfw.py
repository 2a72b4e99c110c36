"""Labeled Faces in the Wild, and any set kept like it: photos, lists of people and pairs side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

from nasface.data._data import FaceData
from nasface.data.folders import AUTO, BESIDE_ROOT, NONE, FilesConfig, assemble, beside, require_root
from nasface.data.sources import open_source
from nasface.registry import register

_PAIRS = ("pairsDevTest.txt", "pairs.txt")


@dataclass
class LFWConfig(FilesConfig):
    """Parameters of `data=lfw`, beside those of `FilesConfig`.

    Attributes:
        root: A folder root/person/photo, a tar of it, or a folder with such a tar and the text files.
        pairs: File of pairs; "auto" takes pairsDevTest.txt or else pairs.txt beside the photos, "none" takes none.
        split: Without any list everybody is a report person unless another split is asked for.
    """

    name: str = "lfw"
    pairs: str = field(default=AUTO, metadata=BESIDE_ROOT)
    split: str = NONE


@register("data", "lfw", config=LFWConfig)
def load_lfw(config: LFWConfig) -> FaceData:
    """Open the photos, the lists and the pairs.

    Raises:
        DataError: The root is missing or has no photos; a list or pairs file is missing, malformed, or does not fit the
            photos; sets share people; pairs are of training or validation people.
    """
    root = require_root(config.root, config.name)
    return assemble(config, open_source(root, what=f"data={config.name}"), beside(root), _PAIRS)
