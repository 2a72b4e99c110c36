"""The page with what it shows, as named contents: written as a folder, as one HTML file, or handed out by a server."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib import metadata, resources
from pathlib import Path
from typing import Final

from nasface.errors import InvalidInput
from nasface.exporters import read_metadata
from nasface.preprocessing import ARCFACE, Template
from nasface.runs import Json, atomic_write, write_text
from nasface.runtimes.tflite import with_shape

CAVEAT: Final = (
    "The embedded demo networks were trained on 8,690 small grey photos and are far from a product: with 110 people "
    "enrolled, 13 % of the photos of known people are named correctly where 10 % of strangers get some name."
)
"""Said wherever a network of the embedded supernet is shown."""

VERSION: Final = metadata.version("nasface")

ENTRY: Final = "app.js"
DETECTOR_SIZES: Final = ((640, 640), (640, 480), (480, 640), (224, 224))
"""Width and height of the pictures that the page looks for faces in: photos, and single faces once more."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
_STYLE: Final = '<link rel="stylesheet" href="style.css">'
_SCRIPT: Final = f'<script type="module" src="{ENTRY}"></script>'


@dataclass(frozen=True)
class DemoModel:
    """A network that the page offers.

    Attributes:
        name: For people.
        content: The `.tflite` file.
        metadata: What the file says about itself.
    """

    name: str
    content: bytes
    metadata: Mapping[str, Json]

    @classmethod
    def read(cls, path: Path, name: str) -> DemoModel:
        """From a file that nasface exported.

        Raises:
            ExportError: It is none.
            InvalidInput: It takes something else than one square picture.
        """
        facts = read_metadata(path)
        shape = facts.get("input", {}).get("shape", ())
        if len(shape) != 4 or shape[1] != shape[2] or "output" not in facts:
            raise InvalidInput(f"{path} does not describe faces in square pictures; give a model.tflite of a search.")
        return cls(name, with_shape(path), facts)

    @property
    def template(self) -> Template:
        """Where eyes, nose and mouth were in its training photos; ArcFace's if the file does not say."""
        said = self.metadata.get("template")
        return Template.from_dict(said) if isinstance(said, Mapping) else ARCFACE

    def to_dict(self, file: str) -> dict[str, Json]:
        """For the page."""
        predicted = self.metadata.get("predicted", {})
        return {
            "name": self.name,
            "file": file,
            "bytes": len(self.content),
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "predicted": predicted.get("value") if isinstance(predicted, Mapping) else None,
            "metadata": self.metadata,
            "template": self.template.to_dict(),
        }


@dataclass(frozen=True)
class Bundle:
    """A page, by the names of its files.

    Attributes:
        files: Contents by name. `index.html` loads the module `app.js`.
    """

    files: Mapping[str, bytes]

    def write_folder(self, folder: Path) -> None:
        """As static files, for any web server."""
        for name, content in self.files.items():
            with atomic_write(folder / name) as temporary:
                temporary.write_bytes(content)

    def write_single_file(self, path: Path) -> None:
        """As one HTML file that needs nothing else, opened from wherever it lies."""
        write_text(path, self._single_file())

    def _single_file(self) -> str:
        """Modules and style written into the page, since browsers load none from file://; the rest packed, as text."""
        modules = ordered(self.files, ENTRY)
        page, style, script = self.files["index.html"].decode(), self.files["style.css"].decode(), joined(modules)
        inside = {"index.html", "style.css", *modules}
        packed = "".join(_as_text(name, content) for name, content in self.files.items() if name not in inside)
        return _replaced(
            page,
            {_STYLE: f"<style>{style}</style>", _SCRIPT: f'{packed}<script type="module">\n{script}</script>'},
        )


def ordered(files: Mapping[str, bytes], entry: str) -> dict[str, str]:
    """A module and all that it imports, each after those that it needs; texts by name."""
    texts: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        texts[name] = files[name].decode()
        needs[name] = [file for _, file in _IMPORT.findall(texts[name])]
        waiting += [file for file in needs[name] if file not in texts]
    return {name: texts[name] for name in TopologicalSorter(needs).static_order()}


def joined(modules: Mapping[str, str]) -> str:
    """Modules as one script, in their order, each a function of its own that gives what it exports."""
    return "\n".join(map(_as_function, modules.values())).replace("</script", "<\\/script")


def _as_function(module: str) -> str:
    names = ", ".join(_EXPORT.findall(module))
    body = _EXPORT.sub(lambda found: found[0].removeprefix("export "), _IMPORT.sub("", module))
    return f"const {{ {names} }} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();"


def _as_text(name: str, content: bytes) -> str:
    """A file inside a page: gzipped, in base64; `assets.js` reads it."""
    packed = content if name.endswith(".gz") else gzip.compress(content, 9, mtime=0)
    return f'<script type="text/plain" id="asset:{name}">{base64.b64encode(packed).decode()}</script>\n'


def _replaced(page: str, parts: Mapping[str, str]) -> str:
    for old, new in parts.items():
        start, found, end = page.partition(old)
        if not found:
            raise ValueError(f"the page lacks {old}")
        page = start + new + end
    return page


def demo_bundle(models: Sequence[DemoModel], detector: Path, caveat: str = "") -> Bundle:
    """The page with networks and the detector that finds faces for them.

    Args:
        models: The first recognises until another is chosen. Without any, the page waits for one through its link.
        detector: YuNet as `.tflite`.
        caveat: Said on the page.
    """
    named = {f"model_{number}.tflite": model for number, model in enumerate(models)}
    sizes = {f"yunet_{width}x{height}.tflite": (width, height) for width, height in DETECTOR_SIZES}
    config: dict[str, Json] = {
        "version": VERSION,
        "caveat": caveat,
        "circle": not models,
        "detector": {
            "template": ARCFACE.to_dict(),
            "sizes": [{"file": file, "width": width, "height": height} for file, (width, height) in sizes.items()],
        },
        "models": [model.to_dict(file) for file, model in named.items()],
    }
    files = static_files() | {file: model.content for file, model in named.items()}
    files |= {file: with_shape(detector, (1, height, width, 3)) for file, (width, height) in sizes.items()}
    return Bundle(files | {"demo.json": json.dumps(config, allow_nan=False).encode()})


@cache
def _packaged() -> Mapping[str, bytes]:
    folders = (resources.files("nasface.demo").joinpath(name) for name in ("page", "vendor"))
    return {entry.name: entry.read_bytes() for folder in folders for entry in folder.iterdir()}


def static_files() -> dict[str, bytes]:
    """The pages' own files and the runtime's, with its licence; `demo.json` says of which version they are."""
    config = {"demo.json": json.dumps({"version": VERSION}).encode()}
    return config | {"litert.LICENSE" if name == "LICENSE" else name: content for name, content in _packaged().items()}
