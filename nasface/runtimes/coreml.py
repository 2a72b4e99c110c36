"""`.mlpackage` folders. Core ML runs on Apple's systems only: here their programs are computed in torch, not timed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.exporters.coreml import PROGRAM, WEIGHTS, parsed
from nasface.reading import read_bytes
from nasface.runtimes._base import (
    Descriptors,
    Images,
    Model,
    Output,
    descriptor_output,
    in_batches,
    square,
    torch_inference,
)

if TYPE_CHECKING:
    from nasface.runtimes._mlprogram import Program

log = logging.getLogger(__name__)


def open_coreml(path: Path, _resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Read a package.

    Raises:
        InvalidInput: It is none, no ML program, holds operations that are not known here, or its input is not one
            square RGB image.
    """
    with requires("torch", "torch", f"reading {path.name}"):
        import torch
    program, sides = load_program(path)
    size = square(path, sides)
    log.warning(
        "%s is not run: Core ML runs on Apple systems only. What it computes is read out of its program, with torch",
        path.name,
    )

    def run(images: Images) -> Descriptors:
        try:
            with torch_inference(threads):
                found = program(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path} cannot be computed ({error}).") from None
        outputs = [Output(name, value[0].numel()) for name, value in found.items()]
        return np.asarray(found[outputs[descriptor_output(path, outputs, output)].name].numpy())

    return Model(size, lambda images: in_batches(images, 1, run))


def load_program(path: Path) -> tuple[Program, list[int]]:
    """The program of a package, and height and width of its input.

    Raises:
        InvalidInput: See `open_coreml`.
    """
    from nasface.runtimes._mlprogram import Program

    try:
        model = parsed(read_bytes(path / PROGRAM))
        shape = [int(side) for side in model.description.input[0].type.multiArrayType.shape]
        program = Program(model, read_bytes(path / WEIGHTS))
    except OSError as error:
        raise InvalidInput(f"{path} is no .mlpackage that can be read: {PROGRAM}: {error.strerror}.") from None
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path} is no ML program with one input of numbers, or damaged ({error}).") from None
    if len(shape) != 4 or shape[:2] != [1, 3] or len(model.description.input) != 1:
        raise InvalidInput(f"{path} takes {shape}; nasface reads ML programs that take [1, 3, height, width].")
    return program, shape[2:]
