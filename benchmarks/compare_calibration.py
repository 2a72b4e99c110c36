"""Verification of sub-networks calibrated on the synthetic images against the same ones calibrated on photos.

    python benchmarks/compare_calibration.py --root LFW --out FOLDER [--people validation] [--photos 500]

LFW is a folder or tar with the lists of people beside it (docs/how-to/measure-models.md). Descriptors are kept in
FOLDER, so the command goes on where it was stopped; the figures of what is there are printed after every network and
written to FOLDER/figures.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nasface.accuracy.estimator import describe, measured_network
from nasface.composition import asset
from nasface.data import FaceSet, Photos, load_data
from nasface.metrics import kendall_tau
from nasface.metrics.bootstrap import _PeoplePairs
from nasface.supernets import ElasticSupernet, load_supernet
from nasface.supernets.synthetic import synthetic_images

FAR = 1e-3
RESAMPLES = 200
STATISTICS = ("auc", "eer", "tar@0.001")
Floats = npt.NDArray[np.float64]


def judged_subnets(supernet: ElasticSupernet, seed: int = 2024) -> Iterator[tuple[str, npt.NDArray[np.int8]]]:
    """The smallest, the largest, then ten uniform ones and ten crossovers with the smallest, in turn."""
    rng, space = np.random.default_rng(seed), supernet.network.space
    smallest = supernet.network.genotype_of(3, 3, 2)
    yield "smallest", smallest
    yield "largest", supernet.network.genotype_of(7, 6, 4)
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


def figures(folder: Path, labels: npt.NDArray[np.int64]) -> dict[str, object]:
    """Differences synthetic minus photos with their bootstrap over people: of every network, and their mean."""
    sizes = np.unique(labels, return_counts=True)[1]
    draws = np.random.default_rng(0).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=RESAMPLES)
    rows: dict[str, dict[str, list[float]]] = {}
    values: list[Floats] = []  # per network [1 + resamples, calibration, statistic]
    for path in sorted(folder.glob("*.npz"), key=lambda p: p.stat().st_mtime):
        with np.load(path) as archive:
            pairs = [_PeoplePairs(archive[key], labels) for key in ("synthetic", "photos")]
        values.append(np.array([[p.statistics(draw, (FAR,)) for p in pairs] for draw in (None, *draws)]))
        difference = values[-1][:, 0] - values[-1][:, 1]
        rows[path.stem] = {
            name: [*values[-1][0, :, i].tolist(), float(difference[0, i]), float(difference[1:, i].std(ddof=1))]
            for i, name in enumerate(STATISTICS)
        }
    every = np.stack(values)
    mean = (every[:, :, 0] - every[:, :, 1]).mean(0)
    low, high = np.quantile(mean[1:], [0.025, 0.975], axis=0)
    summary = {
        name: {
            "mean_difference": float(mean[0, i]),
            "interval_95": [float(low[i]), float(high[i])],
            "kendall_tau": float(kendall_tau(every[:, 0, 0, i], every[:, 0, 1, i])) if len(every) > 2 else None,
            "kendall_tau_std": float(_taus(every[..., i]).std(ddof=1)) if len(every) > 2 else None,
            "kendall_tau_two_resamples_of_photos": float(_ceiling(every[:, 1:, 1, i])) if len(every) > 2 else None,
        }
        for i, name in enumerate(STATISTICS)
    }
    return {"networks": len(rows), "people": len(sizes), "photos": len(labels), "summary": summary, "rows": rows}


def _taus(values: Floats) -> Floats:
    """Tau between the two calibrations in every resample; `values` [networks, 1 + resamples, 2]."""
    return np.array([kendall_tau(values[:, r, 0], values[:, r, 1]) for r in range(1, values.shape[1])])


def _ceiling(photos: Floats) -> float:
    """Mean tau between rankings by photos on two resamples of people: what the noise of the people alone leaves."""
    half = photos.shape[1] // 2
    return float(np.mean([kendall_tau(photos[:, r], photos[:, half + r]) for r in range(half)]))


def main() -> None:
    """Describe the networks that are missing and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", default="validation", choices=("validation", "report"))
    parser.add_argument("--photos", type=int, default=None)
    parser.add_argument("--calibration-photos", type=int, default=512)
    args = parser.parse_args()
    torch.set_num_threads(1)
    supernet = load_supernet(asset() / "supernets" / "lfw112.safetensors")
    data, rng = load_data({"name": "lfw", "root": args.root}), np.random.default_rng(7)
    faces = some_people(data.require(args.people), args.photos, rng)
    training = data.require("training")
    real = training.load(rng.choice(len(training), args.calibration_photos, replace=False), size=112).images
    sets = {"synthetic": synthetic_images(), "photos": real}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, genotype in judged_subnets(supernet):
        path = args.out / f"{name}.npz"
        if path.exists():
            continue
        networks = {key: measured_network(supernet, genotype, images) for key, images in sets.items()}
        np.savez(path, **{key: describe(network, faces.images) for key, network in networks.items()})
        found = figures(args.out, faces.labels)
        (args.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps(found["rows"][name]), json.dumps(found["summary"]), flush=True)  # type: ignore[index]


if __name__ == "__main__":
    main()
