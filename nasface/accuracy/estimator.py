"""Measures sub-networks one after another into an accuracy table: resumable, shardable, deterministic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nasface.accuracy.calibration_note import CalibrationNote
from nasface.accuracy.candidates import Plan, candidates, mixed
from nasface.accuracy.closed_set import ClosedSet, open_closed_set
from nasface.accuracy.protocol import Protocol
from nasface.accuracy.runner import SubnetRunner, inference_batch
from nasface.accuracy.table import AccuracyTable, TableWriter, held_table
from nasface.errors import InvalidInput
from nasface.metrics import ListedPairs
from nasface.settings import WHOLE, Shard
from nasface.supernets.calibration import calibrate, normalise
from nasface.supernets.module import SpecModule
from nasface.supernets.supernet import Genotype, Supernet

Images = npt.NDArray[np.uint8]

Entry = tuple[npt.NDArray[np.int8], str]
"""A genotype and its origin."""


@dataclass(frozen=True)
class Faces:
    """Photos for measuring accuracy, decoded once.

    Attributes:
        calibration: uint8[m, height, width, 3]: training people, for batch normalisation.
        images: uint8[n, height, width, 3]: people the networks were not trained on, unless `known` is given.
        labels: (n,) person of every image.
        calibration_name: How tables name the calibration images, e.g. "photos:512".
        pairs: Pairs for the metric `accuracy`; None for balanced ones drawn from all photos.
        known: Number of training people where the images are other photos of theirs (a closed set), and labels are
            places among them; None for strangers.
        device: Where networks run on the images, see `nasface.accuracy.runner.open_accelerator`; None for the CPU.
    """

    calibration: Images
    images: Images
    labels: npt.NDArray[np.generic]
    calibration_name: str
    pairs: ListedPairs | None = None
    known: int | None = None
    device: torch.device | None = None

    @property
    def fingerprint(self) -> str:
        """sha256 over measured images, their people and the pairs; the calibration images have their own column."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.unique(self.labels, return_inverse=True)[1].astype(np.int64).tobytes())
        if self.known is not None:
            digest.update(f"closed set of {self.known}".encode())
        if self.pairs is not None:
            for values in (self.pairs.first, self.pairs.second, self.pairs.same, self.pairs.folds):
                digest.update(np.asarray(values, np.int64).tobytes())
        return digest.hexdigest()

    @property
    def calibration_note(self) -> str:
        """What tables say about the calibration images: their name and what tells them from others of that name."""
        digest = hashlib.sha256(np.ascontiguousarray(self.calibration).tobytes())
        return str(CalibrationNote.of(self.calibration_name).with_fingerprint(digest.hexdigest()[:8]))


TableProgress = Callable[[int, int, Mapping[str, float]], None]
"""Called with how many of the shard's networks are done, how many there are, and the metrics of the last one: at the
start (without metrics) and after every network."""


def measured_network(supernet: Supernet, genotype: Genotype, calibration: Images) -> SpecModule:
    """The sub-network as it is measured and exported: extracted, calibrated, batch normalisation folded in."""
    return calibrate(supernet.extract(genotype), calibration).fold()


def describe(module: SpecModule, images: Images, batch_size: int | None = None) -> npt.NDArray[np.float32]:
    """Descriptors float32[n, channels] of images uint8[n, height, width, 3], not normalised to unit length."""
    size = inference_batch(module.device) if batch_size is None else batch_size
    with torch.inference_mode():
        batches = [images[i : i + size] for i in range(0, len(images), size)]
        return np.concatenate([module(normalise(batch, module.device)).cpu().numpy() for batch in batches])


def table_columns(supernet: Supernet, faces: Faces) -> dict[str, str]:
    """What all rows of a table of this supernet and these photos have in common, see `table.SHARED`."""
    return {
        "space": supernet.space.fingerprint(),
        "resolution": str(supernet.space.resolution),
        "supernet": supernet.fingerprint,
        "data": faces.fingerprint,
    }


def estimate(
    supernet: Supernet,
    faces: Faces,
    n_subnets: int,
    seed: int,
    path: Path,
    *,
    plan: Plan | None = None,
    shard: Shard = WHOLE,
    elsewhere: Collection[bytes] = (),
    progress: TableProgress | None = None,
) -> AccuracyTable | None:
    """Measure those networks of a sequence that `path` lacks, appending each as soon as it is known.

    The same call goes on after an interruption; a larger `n_subnets` or another plan extends the table.

    Args:
        supernet: A trained one.
        faces: Photos.
        n_subnets: Networks of the whole sequence, of all shards.
        seed: Of the sequence.
        path: The CSV file; created or continued.
        plan: How networks are drawn; None draws half of them uniformly and spreads half over MACs.
        shard: Only every count-th family from the index-th on, to share the work between processes with a file each
            (`merge_tables` joins them).
        elsewhere: Genotypes (their bytes) that other files hold; they are not measured again.
        progress: Told at the start and after every network.

    Returns:
        The table as it then stands in the file; None if the other files hold everything.

    Raises:
        InvalidInput: The supernet is not trained, or there are too few photos for the metrics.
        TableError: The file belongs to something else.
    """
    _check_trained(supernet)
    plan = plan or Plan(mixed(supernet.space))
    mine = _shard(*candidates(supernet.space, n_subnets, seed, plan), plan.family, shard)
    mine = [entry for entry in mine if entry[0].tobytes() not in elsewhere]
    if not mine and not path.exists():
        return None
    return _complete(supernet, faces, mine, seed, path, progress)


def measure_networks(
    supernet: Supernet,
    faces: Faces,
    genotypes: npt.NDArray[np.int8],
    origin: str,
    seed: int,
    path: Path,
    progress: TableProgress | None = None,
) -> AccuracyTable:
    """Measure those of the given networks that `path` lacks, appending each as soon as it is known.

    Args:
        supernet: A trained one.
        faces: Photos.
        genotypes: int8[n, n_genes], at least one.
        origin: How they came about, for the table.
        seed: Likewise.
        path: The CSV file; created or continued.
        progress: Told at the start and after every network.

    Returns:
        The given networks' rows, in their order.

    Raises:
        InvalidInput: The supernet is not trained, or there are too few photos for the metrics.
        TableError: The file belongs to something else.
    """
    _check_trained(supernet)
    table = _complete(supernet, faces, [(genotype, origin) for genotype in genotypes], seed, path, progress)
    if table is None:
        raise InvalidInput("There is no network to measure.")
    place = {genotype.tobytes(): row for row, genotype in enumerate(table.genotypes)}
    return table.rows([place[genotype.tobytes()] for genotype in genotypes])


def _check_trained(supernet: Supernet) -> None:
    if not supernet.trained:
        raise InvalidInput("supernet=random has no accuracy to measure; give a trained supernet.")


def _complete(
    supernet: Supernet,
    faces: Faces,
    wanted: Sequence[Entry],
    seed: int,
    path: Path,
    progress: TableProgress | None,
) -> AccuracyTable | None:
    """The table in `path` once it has all wanted networks; no other process adds to it meanwhile."""
    with held_table(path):
        return _complete_held(supernet, faces, wanted, seed, path, progress)


def _complete_held(
    supernet: Supernet,
    faces: Faces,
    wanted: Sequence[Entry],
    seed: int,
    path: Path,
    progress: TableProgress | None,
) -> AccuracyTable | None:
    protocol = _protocol(supernet, faces)
    writer = TableWriter(path, supernet.space, protocol.names, table_columns(supernet, faces))
    table = writer.table()
    done = set() if table is None else {genotype.tobytes() for genotype in table.genotypes}
    todo = [entry for entry in wanted if entry[0].tobytes() not in done]
    if progress is not None:
        progress(len(wanted) - len(todo), len(wanted), {})
    calibration = faces.calibration_note
    for number, values, (genotype, origin) in _measured(supernet, faces, protocol, todo):
        notes = {"seed": str(seed), "calibration": calibration, "origin": origin}
        writer.append(genotype, values, notes)
        if progress is not None:
            progress(len(wanted) - len(todo) + number, len(wanted), values)
    return writer.table()


def _protocol(supernet: Supernet, faces: Faces) -> Protocol | ClosedSet:
    """How descriptors are judged: on strangers, or by the classifier where the people are known."""
    if faces.known is not None:
        return open_closed_set(supernet, faces.labels, faces.known)
    return Protocol(faces.labels, faces.pairs)


def _shard(population: npt.NDArray[np.int8], origins: list[str], family: int, shard: Shard) -> list[Entry]:
    """The networks of one shard: whole families, so that what they share is computed in one process."""
    entries = zip(population, origins, strict=True)
    return [entry for position, entry in enumerate(entries) if position // family % shard.count == shard.index]


def _measured(
    supernet: Supernet, faces: Faces, protocol: Protocol | ClosedSet, entries: Sequence[Entry]
) -> Iterator[tuple[int, dict[str, float], Entry]]:
    """(number from 1, metrics, entry) of every network; each is extracted while its predecessor is still there."""
    runner = SubnetRunner(faces.calibration, faces.images, device=faces.device)
    following = supernet.extract(entries[0][0]) if entries else None
    for number, entry in enumerate(entries, 1):
        module, following = following, None
        if number < len(entries):
            following = supernet.extract(entries[number][0])
        if module is not None:
            yield number, protocol.measure(runner.describe(module, following)), entry
