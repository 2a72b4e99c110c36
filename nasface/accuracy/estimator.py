"""Measures sub-networks one after another into an accuracy table: resumable, shardable, deterministic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.accuracy.candidates import CostFunction, candidates
from nasface.accuracy.table import AccuracyTable, TableWriter, read_table
from nasface.errors import InvalidInput, TableError
from nasface.metrics.all_pairs import evaluate_all_pairs
from nasface.metrics.identification import leave_one_out
from nasface.supernets.calibration import calibrate, normalise
from nasface.supernets.module import SpecModule, deployed_weights
from nasface.supernets.supernet import Genotype, Supernet

FARS = {"tar_at_far_1e-2": 1e-2, "tar_at_far_1e-3": 1e-3}
METRICS = ("auc", "eer", *FARS, "rank1", "auc_half1", "auc_half2")
"""Columns of the tables: verification over all pairs of photos, rank-1 by leave-one-out; and the AUC of either half of
the people alone: how well the two agree about networks shows how much of a ranking is noise."""

BATCH = 16
"""Images at once in inference; larger batches leave the processor's caches and are slower on CPUs."""

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Faces:
    """Photos for measuring accuracy, decoded once.

    Attributes:
        calibration: uint8[m, height, width, 3]: training people, for batch normalisation.
        images: uint8[n, height, width, 3]: people the networks were not trained on.
        labels: (n,) person of every image.
        calibration_name: How tables name the calibration images, e.g. "photos:512".
    """

    calibration: Images
    images: Images
    labels: npt.NDArray[np.generic]
    calibration_name: str

    @property
    def hash(self) -> str:
        """sha256 over measured images and their people; the calibration images have their own column."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.unique(self.labels, return_inverse=True)[1].astype(np.int64).tobytes())
        return digest.hexdigest()


Progress = Callable[[int, int, Mapping[str, float]], None]
"""Called after every network with how many of the shard's are done, how many there are, and its metrics."""


def measured_network(supernet: Supernet, genotype: Genotype, calibration: Images) -> SpecModule:
    """The sub-network as it is measured and exported: extracted, calibrated, batch normalisation folded in."""
    module = calibrate(supernet.extract(genotype), calibration)
    return SpecModule.from_weights(module.spec, deployed_weights(module.state_dict(), module.spec))


def describe(module: SpecModule, images: Images, batch_size: int = BATCH) -> npt.NDArray[np.float32]:
    """Descriptors float32[n, channels] of images uint8[n, height, width, 3], not normalised to unit length."""
    import torch

    with torch.inference_mode():
        batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        return np.concatenate([module(normalise(batch)).numpy() for batch in batches])


def measure(descriptors: npt.NDArray[np.float32], labels: npt.NDArray[np.generic]) -> dict[str, float]:
    """All of `METRICS` for one network's descriptors."""
    pairs = evaluate_all_pairs(descriptors, labels, tuple(FARS.values()))
    halves = np.unique(labels, return_inverse=True)[1] % 2 == 1
    parts = [evaluate_all_pairs(descriptors[part], labels[part], ()).auc for part in (~halves, halves)]
    values = (pairs.auc, pairs.eer, *(pairs.tar(far) for far in FARS.values()))
    return dict(zip(METRICS, (*values, leave_one_out(descriptors, labels).micro, *parts), strict=True))


def estimate(
    supernet: Supernet,
    faces: Faces,
    n_subnets: int,
    seed: int,
    path: Path,
    *,
    stratify_by: CostFunction | None = None,
    shard: tuple[int, int] = (0, 1),
    progress: Progress | None = None,
) -> AccuracyTable:
    """Measure the networks of `nasface.accuracy.candidates` that `path` lacks, appending each as soon as it is known.

    The same call goes on after an interruption, and a larger `n_subnets` extends the table.

    Args:
        supernet: A trained one.
        faces: Photos.
        n_subnets: Rows of the whole table.
        seed: Of the sequence of networks.
        path: The CSV file; created or continued.
        stratify_by: Cost that every second network is spread over; None takes MACs.
        shard: (i, k): only every k-th network from the i-th on, to share the work between processes with a file each
            (`merge_tables` joins them).
        progress: Told after every network.

    Returns:
        The table as it then stands in the file.

    Raises:
        InvalidInput: The supernet is not trained, or there are too few photos for the metrics.
        TableError: The file belongs to something else.
    """
    if not supernet.trained:
        raise InvalidInput("supernet=random has no accuracy to measure; give a trained supernet.")
    space = supernet.space
    index, count = shard
    population, origins = candidates(space, n_subnets, seed, stratify_by)
    mine = list(zip(population, origins, strict=True))[index::count]
    shared = {
        "space": space.fingerprint(),
        "resolution": str(space.resolution),
        "supernet": supernet.hash,
        "data": faces.hash,
    }
    writer = TableWriter(path, space, METRICS, shared)
    done = _already(writer)
    for position, (genotype, origin) in enumerate(mine, 1):
        if genotype.tobytes() in done:
            continue
        network = measured_network(supernet, genotype, faces.calibration)
        values = measure(describe(network, faces.images), faces.labels)
        writer.append(genotype, values, {"seed": str(seed), "calibration": faces.calibration_name, "origin": origin})
        if progress is not None:
            progress(position, len(mine), values)
    return read_table(path, space)


def _already(writer: TableWriter) -> set[bytes]:
    """Genotypes that the file holds, after checking that it belongs to this measurement."""
    if writer.path.read_bytes().count(b"\n") < 2:
        return set()
    table = read_table(writer.path, writer.space)
    for column, value in writer.shared.items():
        if table.shared[column] != value:
            raise TableError(f"{writer.path} holds measurements of another {column}; give another file to continue.")
    return {genotype.tobytes() for genotype in table.genotypes}
