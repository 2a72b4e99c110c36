"""Verification of sub-networks calibrated on the synthetic images against the same ones calibrated on photos.

    python benchmarks/compare_calibration.py --root LFW --out FOLDER [--people report] [--photos 500] [--networks 22]

LFW is a folder or tar with the lists of people beside it (docs/how-to/measure-models.md). A second draw of photos shows
how much the draw matters. Every network's statistics, with a bootstrap over people, are kept in FOLDER, so the command
goes on where it was stopped; the figures are written to FOLDER/figures.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nasface.accuracy.estimator import describe, measured_network
from nasface.assets import asset
from nasface.data import FaceSet, Photos, load_data
from nasface.metrics import kendall_tau
from nasface.metrics.bootstrap import PeoplePairs
from nasface.supernets import ElasticSupernet, load_supernet
from nasface.supernets.synthetic import synthetic_images

FAR = 1e-3
RESAMPLES = 200
CALIBRATIONS = ("synthetic", "photos", "other photos")
Floats = npt.NDArray[np.float64]
ByLabel = dict[str, Floats]
"""Of every metric, [1 + resamples, calibrations]."""


def judged_subnets(supernet: ElasticSupernet, seed: int = 2024) -> Iterator[tuple[str, npt.NDArray[np.int8]]]:
    """The smallest, the largest, then ten crossovers with the smallest and ten uniform ones, in turn."""
    rng, space = np.random.default_rng(seed), supernet.network.space
    smallest = supernet.network.genotype_of(3, 3, 2)
    yield "smallest", smallest
    yield "largest", supernet.network.largest
    uniform = space.sample(rng, 10)
    small = space.crossover(rng, np.tile(smallest, (10, 1)), space.sample(rng, 10))
    for i in range(10):
        yield f"small{i}", small[i]
        yield f"uniform{i}", uniform[i]


def some_people(faces: FaceSet, n_photos: int | None, rng: np.random.Generator) -> Photos:
    """All photos, or whole people with two to ten photos each, in random order, until there are `n_photos`."""
    if n_photos is None:
        return faces.load(size=112)
    counts = np.bincount(faces.labels)
    people = rng.permutation(np.flatnonzero((counts >= 2) & (counts <= 10)))
    chosen = people[: 1 + np.searchsorted(np.cumsum(counts[people]), n_photos)]
    return faces.load(np.flatnonzero(np.isin(faces.labels, chosen)), size=112)


def statistics(descriptors: list[npt.NDArray[np.float32]], labels: npt.NDArray[np.int64]) -> ByLabel:
    """Of all people, then of the resamples, which are the same for all."""
    sizes = np.unique(labels, return_counts=True)[1]
    draws = np.random.default_rng(0).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=RESAMPLES)
    pairs = [PeoplePairs(rows, labels) for rows in descriptors]
    found = [[p.statistics(draw, (FAR,)) for p in pairs] for draw in (None, *draws)]
    return {name: np.array([[one[name] for one in row] for row in found]) for name in found[0][0]}


def figures(values: dict[str, ByLabel]) -> dict[str, object]:
    """What calibrating on synthetic images changes, per statistic; and what another draw of photos changes."""
    found: dict[str, object] = {"networks": len(values)}
    for name in next(iter(values.values())):
        every = np.stack([value[name] for value in values.values()])  # [networks, 1 + resamples, calibrations]
        for calibration in (0, 2):
            key = f"{name}: {CALIBRATIONS[calibration]} - photos"
            found[key] = difference(every[:, :, calibration], every[:, :, 1])
        found[f"{name}: tau between two resamples of the people, same photos"] = resampled_tau(every[:, 1:, 1])
    found["rows"] = {
        network: {name: value[0].tolist() for name, value in by_label.items()} for network, by_label in values.items()
    }
    return found


def difference(first: Floats, second: Floats) -> dict[str, object]:
    """Of [networks, 1 + resamples]: first minus second, and Kendall's tau between the two rankings of the networks."""
    change = first - second
    mean, deviations = change.mean(0), change[:, 1:].std(1, ddof=1)
    taus = [kendall_tau(first[:, r], second[:, r]) for r in range(first.shape[1])]
    return {
        "mean": float(mean[0]),
        "interval_95": np.quantile(mean[1:], [0.025, 0.975]).tolist(),
        "lowest": float(change[:, 0].min()),
        "highest": float(change[:, 0].max()),
        "networks_beyond_2_deviations": int((np.abs(change[:, 0]) > 2 * deviations).sum()),
        "median_deviation_of_a_network": float(np.median(deviations)),
        "kendall_tau": float(taus[0]),
        "kendall_tau_interval_95": np.quantile(taus[1:], [0.025, 0.975]).tolist(),
    }


def resampled_tau(values: Floats) -> float:
    """Mean tau between rankings on two resamples of the people: what their number allows."""
    half = values.shape[1] // 2
    return float(np.mean([kendall_tau(values[:, r], values[:, half + r]) for r in range(half)]))


def main() -> None:
    """Measure the networks that are missing and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", default="validation", choices=("validation", "report"))
    parser.add_argument("--photos", type=int, default=None)
    parser.add_argument("--networks", type=int, default=22)
    args = parser.parse_args()
    torch.set_num_threads(1)
    supernet = load_supernet(asset("supernets", "lfw112.safetensors"))
    data, rng = load_data({"name": "lfw", "root": args.root}), np.random.default_rng(7)
    faces = some_people(data.require(args.people), args.photos, rng)
    training = data.require("training")
    drawn = rng.choice(len(training), 1024, replace=False)
    real = [training.load(part, size=112).images for part in np.split(drawn, 2)]
    args.out.mkdir(parents=True, exist_ok=True)
    values: dict[str, ByLabel] = {}
    for name, genotype in islice(judged_subnets(supernet), args.networks):
        path = args.out / f"{name}.npz"
        if not path.exists():
            networks = [measured_network(supernet, genotype, images) for images in (synthetic_images(), *real)]
            np.savez(path, **statistics([describe(network, faces.images) for network in networks], faces.labels))
        with np.load(path) as kept:
            values[name] = dict(kept)
        print(name, *values[name]["auc"][0].round(5), flush=True)
    found = {"people": len(np.unique(faces.labels)), "photos": len(faces)} | figures(values)
    (args.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in found.items() if key != "rows"}, indent=1))


if __name__ == "__main__":
    main()
