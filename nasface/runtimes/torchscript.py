"""TorchScript files, run by torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model, Output, descriptor_output


def open_torchscript(path: Path, resolution: int | None = None, _threads: int = 1, output: str | None = None) -> Model:
    """Open a file; `resolution` is the side of its input, which the file does not say.

    Raises:
        InvalidInput: The file is no TorchScript, or the resolution is not given.
    """
    with requires("torch", "torch", f"running {path.name}"):
        import torch
    if resolution is None:
        raise InvalidInput(f"{path} does not say at which resolution it works; say it with space.resolution=.")
    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever the broken part of the archive raises
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InvalidInput(f"{path} is not a TorchScript file ({reason:.200}).") from None

    kind = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)

    def embed(images: Images) -> Descriptors:
        with torch.inference_mode():
            given = module(torch.from_numpy(images).permute(0, 3, 1, 2).to(kind))
        return np.asarray(chosen(given, path, output).reshape(len(images), -1).float().numpy())

    return Model(resolution, embed)


def chosen(given: Any, path: Path, wanted: str | None) -> Any:
    """The descriptor among what a module of torch gives: a tensor, a tuple of some, or a dictionary of some."""
    if hasattr(given, "reshape"):
        return given
    named = dict(given) if isinstance(given, Mapping) else {str(i): value for i, value in enumerate(given)}
    named = {str(name): value for name, value in named.items() if hasattr(value, "reshape")}
    outputs = [Output(name, int(value[0].numel())) for name, value in named.items()]
    return named[outputs[descriptor_output(path, outputs, wanted)].name]
