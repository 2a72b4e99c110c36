"""Several photos a person in a gallery: the nearest photo against the mean and against linear classifiers.

    python benchmarks/compare_classifiers.py --root LFW --model FILE [--draws 10]

LFW is a folder or tar with the lists of people beside it, FILE a model or descriptors (docs/how-to/measure-models.md).
Report people with five photos or more are enrolled with 1, 2 and 4 of them, drawn; their other photos are probes. The
share of probes whose likeliest person is right, mean and standard deviation over the draws.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.data import load_data
from nasface.metrics import unit_rows
from nasface.recognition import embed_photos
from nasface.recognition.gallery import Gallery, Way
from nasface.registry import build

CLASSIFIERS = (
    {"name": "nearest"},
    {"name": "centroid"},
    {"name": "linear", "kind": "ridge"},
    {"name": "linear", "kind": "svm"},
)
ENROLLED = (1, 2, 4)
WAY = Way("", "box", None, "none")


def right(descriptors: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], enrolled: int, draw: int) -> list[float]:
    """Share of probes that each of `CLASSIFIERS` names rightly."""
    rng = np.random.default_rng(draw)
    people = [rng.permutation(np.flatnonzero(labels == person)) for person in np.unique(labels)]
    gallery = np.concatenate([rows[:enrolled] for rows in people])
    probes = np.concatenate([rows[max(ENROLLED) :] for rows in people])
    names, codes = np.unique(labels, return_inverse=True)
    codes = codes.astype(np.int32)
    known = Gallery(tuple(map(str, names)), descriptors[gallery].astype(np.float16), codes[gallery], WAY)
    distances, found = known.nearest(descriptors[probes]), []
    for config in CLASSIFIERS:
        classifier = build("classifier", config)
        classifier.fit(known)
        scores = classifier.scores(descriptors[probes], distances)
        found.append(float((scores.argmax(axis=1) == codes[probes]).mean()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    faces = load_data({"name": "lfw", "root": options.root}).require("report")
    embedded = embed_photos(options.model, faces)
    labels = faces.labels[embedded.rows]
    several = np.isin(labels, np.flatnonzero(np.bincount(labels) > max(ENROLLED)))
    descriptors, labels = unit_rows(embedded.descriptors[several]), labels[several].astype(np.int64)
    people = len(np.unique(labels))
    print(f"{people} people, {len(labels)} photos, of which {len(labels) - people * max(ENROLLED)} are probes")
    print("| photos enrolled |", " | ".join(" ".join(config.values()) for config in CLASSIFIERS), "|")
    for enrolled in ENROLLED:
        shares = np.array([right(descriptors, labels, enrolled, draw) for draw in range(options.draws)])
        cells = (f"{mean:.3f} ± {std:.3f}" for mean, std in zip(shares.mean(0), shares.std(0), strict=True))
        print(f"| {enrolled} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
