"""How an exported model is used: what goes in, what comes out, from which distance on two photos show two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from nasface.exporters.metadata import Description
from nasface.reports.cells import cell_text, percent

THRESHOLDS: Final = ("false accepts", "true accepts", "same person if squared L2 below", "or cosine above")
"""What stands above `threshold_cells`."""

IN_WORDS: Final = frozenset({"input", "output", "outputs", "preprocessing", "thresholds", "descriptor", "template"})
"""Fields of the metadata that `use_rows` says in words."""


def use_rows(metadata: Description) -> list[tuple[str, str]]:
    """What an app has to do, a name and a sentence each, from the metadata of a model file."""
    outputs = metadata.get("outputs") or [metadata.get("output", {})]
    rows = [("input", _end_text(metadata.get("input", {})))]
    rows += [("preprocessing", preprocessing_text(metadata["preprocessing"]))] if "preprocessing" in metadata else []
    rows += [("output", _end_text(output)) for output in outputs]
    rows += [("descriptor", str(metadata["descriptor"]))] if "descriptor" in metadata else []
    if (template := metadata.get("template")) is not None:
        origin = template.get("origin", "a template")
        rows.append(("aligned to", f"{origin}, points in a square of {template['size']} pixels"))
    if not thresholds(metadata):
        rows.append(("thresholds", str(metadata.get("thresholds", "none in this file"))))
    return rows


def preprocessing_text(values: Description) -> str:
    """E.g. "RGB, bilinear to 112 x 112, (value / 255 - mean) / std; mean 0.485, ...; std 0.229, ..."."""
    resize = values.get("resize")
    if isinstance(resize, Mapping):
        resize = f"{resize['method']} to {resize['height']} x {resize['width']}"
    mean, std = (", ".join(f"{part:g}" for part in values[name]) for name in ("mean", "std"))
    scaled = f"value / {1 / values['scale']:g}"
    return f"{values['colour']}, {resize}, ({scaled} - mean) / std; mean {mean}; std {std}"


def thresholds(metadata: Description) -> list[Mapping[str, float]]:
    """Those that were measured; empty where none were."""
    found = metadata.get("thresholds")
    return list(found) if isinstance(found, list) else []


def threshold_cells(found: Sequence[Mapping[str, float]]) -> list[list[str]]:
    """A row for every false accept rate, under `THRESHOLDS`."""
    return [
        [percent(row["far"]), percent(row["tar"]), cell_text(row["squared_l2"]), cell_text(row["cosine"])]
        for row in found
    ]


def threshold_lines(found: Sequence[Mapping[str, float]]) -> list[str]:
    """The same for the terminal."""
    return [
        f"threshold: squared L2 < {row['squared_l2']:.4g} (cosine > {row['cosine']:.4g}) accepts {percent(row['tar'])} "
        f"of same faces and {percent(row['far'])} of others"
        for row in found
    ]


def _end_text(end: Description) -> str:
    """An input or output, e.g. "image: float32 1 x 112 x 112 x 3, NHWC"."""
    shape, layout = " x ".join(map(str, end.get("shape", ()))), end.get("layout")
    return f"{end.get('name')}: {end.get('type')} {shape}{f', {layout}' if layout else ''}"
