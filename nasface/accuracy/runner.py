"""Calibrates and runs one sub-network after another on the same images, computing once what neighbours share.

Two networks that begin with the same layers and weights have the same values, and the same batch-normalisation
statistics, up to where they part: at the very least the fixed stem. The runner is told each network's successor, keeps
what both begin with, and starts the successor from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from nasface.errors import InvalidInput, UnknownName
from nasface.netspec import INPUT, Op
from nasface.supernets.calibration import BATCH, Images, Totals, even_batches, in_chunks, normalise
from nasface.supernets.interpreter import LiveValues
from nasface.supernets.module import SpecModule
from nasface.supernets.statistics import CalibrationBatch

INFERENCE = 16
"""Images at once in inference on a CPU; more would leave its caches and be slower."""

GPU_INFERENCE = 128
"""Images at once in inference on a GPU."""

MEMORY = 1_200_000_000
"""Bytes that kept values may take; what would not fit is computed again."""

ACCELERATORS = ("auto", "cpu", "gpu")

Descriptors = npt.NDArray[np.float32]


def open_accelerator(name: str) -> torch.device:
    """Where networks are measured: "cpu", "gpu" (CUDA), or "auto" for a GPU if there is one.

    A GPU then computes convolutions in float32 as a CPU does, not in TensorFloat-32, in the whole process.

    Raises:
        UnknownName: None of them.
        InvalidInput: There is no GPU.
    """
    if name not in ACCELERATORS:
        raise UnknownName("accuracy.accelerator", name, ACCELERATORS)
    there = torch.cuda.is_available()
    if name == "gpu" and not there:
        raise InvalidInput("accuracy.accelerator=gpu, and this torch sees no GPU; give cpu, or a torch with CUDA.")
    if name == "cpu" or not there:
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")


def inference_batch(device: torch.device) -> int:
    """Images at once in inference; results do not depend on it."""
    return INFERENCE if device.type == "cpu" else GPU_INFERENCE


@dataclass
class _Kept:
    """LiveValues alive before one operation: of the calibration images by batch and chunk, of all images by chunk."""

    batches: list[list[LiveValues]] = field(default_factory=list)
    chunks: list[LiveValues] = field(default_factory=list)


class SubnetRunner:
    """Descriptors of fixed images by calibrated sub-networks.

    Args:
        calibration: uint8[m, height, width, 3], for batch normalisation.
        images: uint8[n, height, width, 3], to be described.
        memory: Bytes that kept values may take.
        device: Where they are computed, see `open_accelerator`; networks are moved there.
    """

    def __init__(
        self, calibration: Images, images: Images, memory: int = MEMORY, device: torch.device | None = None
    ) -> None:
        self._calibration, self._images, self._memory = calibration, images, memory
        self._device = torch.device("cpu") if device is None else device
        self._batch = inference_batch(self._device)
        self._previous: SpecModule | None = None
        self._kept: dict[int, _Kept] = {}

    def describe(self, module: SpecModule, following: SpecModule | None = None) -> Descriptors:
        """Calibrate `module` in place and give its descriptors.

        Args:
            module: An unfolded network as it was extracted.
            following: The network that the next call will bring, if known.

        Returns:
            float32[n, channels], not scaled to unit length, computed with batch normalisations folded in.

        Raises:
            InvalidInput: There are too few calibration images.
        """
        for network in (module, following):
            if network is not None:
                network.to(self._device)
        begun = 0 if self._previous is None else shared_operations(self._previous, module)
        start = max((stop for stop in self._kept if stop <= begun), default=0)
        stops = self._worth_keeping(module, following, start)
        new = {stop: _Kept() for stop in stops}
        self._calibrate(module, start, new)
        descriptors = self._infer(module.fold(), start, new)
        shared = 0 if following is None else shared_operations(module, following)
        self._kept = {stop: kept for stop, kept in (self._kept | new).items() if stop <= shared}
        self._previous = module
        return descriptors

    def _worth_keeping(self, module: SpecModule, following: SpecModule | None, start: int) -> list[int]:
        """Where this run's values are kept: behind the fixed stem, and where the following network parts."""
        if following is None:
            return []
        shared = shared_operations(module, following)
        stops = {stop for stop in (_stem(module), shared) if start < stop <= shared}
        images = len(self._calibration) + len(self._images)
        room = self._memory - sum(self._bytes(module, stop) for stop in self._kept if stop <= shared) * images
        chosen = []
        for stop in sorted(stops, reverse=True):
            if (needed := self._bytes(module, stop) * images) <= room:
                chosen.append(stop)
                room -= needed
        return sorted(chosen)

    @staticmethod
    def _bytes(module: SpecModule, stop: int) -> int:
        """Bytes of the output of operation `stop` - 1 for one image."""
        return 4 * int(np.prod(module.spec.ops[stop - 1].shape))

    def _calibrate(self, module: SpecModule, start: int, new: dict[int, _Kept]) -> None:
        if len(self._calibration) < 2:
            raise InvalidInput(f"BN re-calibration needs at least 2 images, not {len(self._calibration)}.")
        totals = Totals(module, len(self._calibration))
        if start and self._previous is not None:
            _copy_statistics(self._previous, module, start)
        stops = sorted({*new, max(totals.end, start)})
        for size, chunks in self._batches(start):
            batch = CalibrationBatch(chunks, start)
            for stop in stops:
                totals.add(batch.advance(module, stop), size)
                if stop in new:
                    new[stop].batches.append([dict(chunk) for chunk in batch.chunks])
        totals.store()

    def _batches(self, start: int) -> Iterator[tuple[int, list[LiveValues]]]:
        for index, rows in enumerate(even_batches(len(self._calibration), BATCH)):
            size = rows.stop - rows.start
            if start:
                yield size, [dict(chunk) for chunk in self._kept[start].batches[index]]
            else:
                yield size, in_chunks(normalise(self._calibration[rows], self._device))

    def _infer(self, folded: SpecModule, start: int, new: dict[int, _Kept]) -> Descriptors:
        rows = []
        with torch.inference_mode():
            for values in self._chunks(start):
                at = start
                for stop in sorted({*new, len(folded.spec.ops)}):
                    folded.run.advance(values, folded.compute, at, stop, frozenset(values))
                    at = stop
                    if stop in new:
                        new[stop].chunks.append(dict(values))
                rows.append(folded.run.output(values).cpu().numpy())
        return np.concatenate(rows)

    def _chunks(self, start: int) -> Iterator[LiveValues]:
        for index, first in enumerate(range(0, len(self._images), self._batch)):
            if start:
                yield dict(self._kept[start].chunks[index])
            else:
                yield {INPUT: normalise(self._images[first : first + self._batch], self._device)}


def shared_operations(first: SpecModule, second: SpecModule) -> int:
    """How many operations two unfolded networks begin with that are equal with their weights, in whole layers."""
    count = 0
    for one, other in zip(first.spec.layers, second.spec.layers, strict=False):
        if one != other or not all(_equal_weights(first, second, op) for op in one.ops):
            break
        count += len(one.ops)
    return count


def _equal_weights(first: SpecModule, second: SpecModule, op: Op) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters_of(op), second.parameters_of(op), strict=True))


def _copy_statistics(source: SpecModule, target: SpecModule, stop: int) -> None:
    for op in target.spec.ops[:stop]:
        ours, theirs = target.norm(op), source.norm(op)
        if ours is not None and theirs is not None:
            ours.load_state_dict(theirs.state_dict())


def _stem(module: SpecModule) -> int:
    """Operations of the layers before the first stage of the space; 0 if there are no stages."""
    count = 0
    for layer in module.spec.layers:
        if layer.stage is not None:
            return count
        count += len(layer.ops)
    return 0
