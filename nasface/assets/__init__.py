"""Embedded data; each file has a provenance file beside it."""

from importlib import resources
from pathlib import Path


def asset(*parts: str) -> Path:
    """Path of an embedded file."""
    return Path(str(resources.files("nasface.assets").joinpath(*parts)))
