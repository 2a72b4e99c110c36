"""TorchScript files, run by torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model


def open_torchscript(path: Path, resolution: int | None = None, _threads: int = 1) -> Model:
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
    except RuntimeError as error:
        raise InvalidInput(f"{path} is not a TorchScript file ({str(error).splitlines()[0]}).") from None

    def embed(images: Images) -> Descriptors:
        with torch.inference_mode():
            output = module(torch.from_numpy(images).permute(0, 3, 1, 2))
        return np.asarray(output.reshape(len(images), -1).numpy())

    return Model(resolution, embed)
