"""Smallest, middle and largest network of one supernet against those of another, paired over people.

    python benchmarks/compare_supernets.py --root LFW --first new.safetensors --second old.safetensors [--people report]

Both are calibrated on the same photos of training people and measured on the same photos; resamples draw people for
both. Says whether one supernet is better than the other by more than the draw of people.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from nasface.accuracy.estimator import describe, measured_network
from nasface.accuracy.faces import training_photos
from nasface.data import load_data
from nasface.metrics import bootstrap_difference
from nasface.metrics.bootstrap import PeoplePairs
from nasface.supernets import load_supernet
from nasface.tasks.evaluate_supernet import three

FARS = (1e-3, 1e-2)


def main() -> None:
    """Print a row for each network and figure: first, second, difference, its interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="folder or tar of LFW, with its lists of people")
    parser.add_argument("--first", type=Path, required=True)
    parser.add_argument("--second", type=Path, required=True)
    parser.add_argument("--people", default="validation", choices=("validation", "report"))
    parser.add_argument("--resamples", type=int, default=400)
    given = parser.parse_args()
    torch.set_num_threads(1)
    first, second = (load_supernet(path) for path in (given.first, given.second))
    data = load_data({"name": "lfw", "root": given.root})
    space = first.network.space
    calibration = training_photos(data, space.resolution, 512, np.random.default_rng(0)).images
    photos = data.require(given.people).load(size=space.resolution)
    labels = data.require(given.people).labels[photos.indices]
    print(
        f"{len(np.unique(labels))} {given.people} people, {len(labels)} photos; interval 95 %, {given.resamples} draws"
    )
    print("| network | figure | first | second | difference | interval |\n|---|---|---|---|---|---|")
    for name, genotype in three(space).items():
        one, two = (describe(measured_network(each, genotype, calibration), photos.images) for each in (first, second))
        ends = bootstrap_difference(one, two, labels, np.random.default_rng(0), fars=FARS, resamples=given.resamples)
        sets = [PeoplePairs(rows, labels).statistics(None, FARS) for rows in (one, two)]
        for figure, interval in ends.items():
            values = " | ".join(f"{each[figure]:.4f}" for each in sets)
            ends_text = f"{interval.low:+.4f} to {interval.high:+.4f}"
            print(f"| {name} | {figure} | {values} | {interval.value:+.4f} | {ends_text} |", flush=True)


if __name__ == "__main__":
    main()
