"""Descriptors of photos by a model file, whatever its format: TFLite, ONNX, TorchScript, or a file of descriptors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data import FaceSet
from nasface.errors import DataError, InvalidInput, UnknownName, listing
from nasface.exporters._base import requires
from nasface.preprocessing import Preprocessing

Images = npt.NDArray[np.float32]
"""float32[n, height, width, 3], normalised RGB."""

Descriptors = npt.NDArray[np.float32]
"""float32[n, d]."""

BATCH: Final = 64


@dataclass(frozen=True)
class Embedded:
    """Descriptors of the photos that could be read.

    Attributes:
        descriptors: float32[n, d].
        rows: int64[n], the photos' rows in the set asked for.
        skipped: Names of photos that could not be read.
    """

    descriptors: Descriptors
    rows: npt.NDArray[np.int64]
    skipped: tuple[str, ...]


def open_model(path: Path, resolution: int | None = None) -> tuple[int, Callable[[Images], Descriptors]]:
    """Open a model file.

    Args:
        path: `.tflite`, `.onnx`, or TorchScript `.pt`.
        resolution: Side of the input for files that do not state it (TorchScript, dynamic ONNX).

    Returns:
        The side of its square input in pixels, and a function from normalised images to descriptors.

    Raises:
        InvalidInput: The file is absent, of an unknown kind, or its input is not one square RGB image.
    """
    openers = {".tflite": _open_tflite, ".onnx": _open_onnx, ".pt": _open_torchscript, ".ts": _open_torchscript}
    if path.suffix not in openers:
        raise UnknownName("kind of model file", path.suffix or path.name, [*openers, ".npy", ".npz"])
    if not path.is_file():
        raise InvalidInput(f"There is no model {path}; give a file that exists.")
    return openers[path.suffix](path, resolution)


def embed_photos(path: Path, faces: FaceSet, resolution: int | None = None) -> Embedded:
    """Descriptors of photos by a model or from a file of descriptors.

    Args:
        path: A model file, or `.npy`/`.npz` descriptors, see `read_descriptors`.
        faces: The photos.
        resolution: See `open_model`.
    """
    if path.suffix in (".npy", ".npz"):
        return Embedded(read_descriptors(path, faces.names), np.arange(len(faces)), ())
    size, embed = open_model(path, resolution)
    photos = faces.load(size=size)
    prepare = Preprocessing(size).normalise
    parts = [embed(prepare(photos.images[start : start + BATCH])) for start in range(0, len(photos), BATCH)]
    return Embedded(np.concatenate(parts), photos.indices, tuple(photo.name for photo in photos.skipped))


def read_descriptors(path: Path, names: Sequence[str]) -> Descriptors:
    """Descriptors of the named photos from a file.

    `.npz` holds `descriptors` (n, d) and `names` (n,); `.npy` holds (n, d) beside a `files.txt` with one name a line.

    Raises:
        DataError: The file is not such a file or lacks photos.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                rows, known = file["descriptors"], [str(name) for name in file["names"]]
        else:
            rows = np.load(path, allow_pickle=False)
            known = (path.parent / "files.txt").read_text(encoding="utf-8").split()
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} is not a file of descriptors ({error}); give .npz with 'descriptors' and 'names', "
            "or .npy beside a files.txt."
        ) from None
    if rows.ndim != 2 or len(rows) != len(known):
        raise DataError(f"{path} has descriptors of shape {list(rows.shape)} for {len(known)} names; they must match.")
    position = {name: i for i, name in enumerate(known)}
    missing = [name for name in names if name not in position]
    if missing:
        raise DataError(f"{path} lacks {len(missing)} of {len(names)} photos ({listing(missing)}).")
    return np.asarray(rows[[position[name] for name in names]], np.float32)


def _open_tflite(path: Path, _: int | None) -> tuple[int, Callable[[Images], Descriptors]]:
    from nasface.runtimes.tflite import open_tflite, run_tflite

    shape = [int(size) for size in open_tflite(path).get_input_details()[0]["shape"]]
    return _square(path, shape[1:3]), lambda images: run_tflite(path, images)


def _open_onnx(path: Path, resolution: int | None) -> tuple[int, Callable[[Images], Descriptors]]:
    with requires("onnxruntime", "onnx", f"running {path.name}"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    channels_first = given.shape[1] == 3
    sides = given.shape[2:4] if channels_first else given.shape[1:3]
    size = resolution if not isinstance(sides[0], int) else _square(path, sides)
    if size is None:
        raise InvalidInput(f"{path} takes images of any size; say which with space.resolution=.")

    def embed(images: Images) -> Descriptors:
        batch = images.transpose(0, 3, 1, 2) if channels_first else images
        chunks = [batch] if not isinstance(given.shape[0], int) else [batch[i : i + 1] for i in range(len(batch))]
        outputs = [session.run(None, {given.name: np.ascontiguousarray(chunk)})[0] for chunk in chunks]
        return np.concatenate(outputs).reshape(len(images), -1)

    return size, embed


def _open_torchscript(path: Path, resolution: int | None) -> tuple[int, Callable[[Images], Descriptors]]:
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

    return resolution, embed


def _square(path: Path, sides: Sequence[int]) -> int:
    if len(sides) != 2 or sides[0] != sides[1]:
        raise InvalidInput(
            f"{path} takes images of {list(sides)}; nasface measures networks with one square RGB input."
        )
    return int(sides[0])
