"""`torch.export` files (`.pt2`), run by torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model, square, torch_inference
from nasface.runtimes._pt2 import check_pt2
from nasface.runtimes.torchscript import chosen


def open_torch_export(path: Path, _resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Open a file, which says itself what it takes.

    Raises:
        InvalidInput: The file is no exported program, could run code, or its input is not one square RGB image.
    """
    with requires("torch", "torch", f"running {path.name}"):
        import torch
    check_pt2(path)
    try:
        program = torch.export.load(str(path))
    except Exception as error:  # the package raises whatever its archive or its schema causes
        raise InvalidInput(f"{path} is not a torch.export file ({str(error).splitlines()[0]}).") from None
    source = program.graph_signature.user_inputs[0]
    shape = next(node.meta["val"].shape for node in program.graph.nodes if node.name == source)
    module = program.module()

    def embed(images: Images) -> Descriptors:
        with torch_inference(threads):
            given = module(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
        return np.asarray(chosen(given, path, output).reshape(len(images), -1).numpy())

    return Model(square(path, [int(side) for side in shape[2:]]), embed)
