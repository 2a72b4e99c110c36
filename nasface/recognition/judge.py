"""How good descriptors are: all pairs of a set of people, listed pairs, identification, with intervals over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data import FaceData, FaceSet, Pairs
from nasface.errors import InvalidInput
from nasface.metrics import (
    AllPairs,
    GroupRates,
    Identification,
    Interval,
    LeaveOneOut,
    PairCurves,
    PhotoSet,
    RandomGallery,
    Similarities,
    Verification,
    bootstrap_people,
    check_far,
    evaluate_pairs,
    false_accepts,
    group_rates,
    open_set,
    squared_distances,
    stated_metrics,
    supported_rates,
)
from nasface.recognition.embedder import Embedded
from nasface.runs import Json

WORST: Final = 10
"""People of whom false accepts are told."""


@dataclass(frozen=True)
class Mistaken:
    """How often somebody's photos are taken for other people's.

    Attributes:
        person: Number of the person among the report people, from 1 in the order of their labels.
        pairs: Pairs of a photo of this person and one of another that are accepted.
        share: Of all such pairs.
    """

    person: int
    pairs: int
    share: float


@dataclass(frozen=True)
class Judgement:
    """What was measured on one set of descriptors.

    Attributes:
        all_pairs: Verification over all pairs of photos of report people, or None without any.
        identification: Rank-1, leave one out; likewise.
        gallery: Identification by one random photo a person among those with two (the paper's protocol), or None where
            fewer than two people have two.
        strangers: Closed and open set: half of the people with two photos are known by one, all others are strangers;
            None without such people.
        intervals: Bootstrap over people of the figures that follow from all pairs; empty if not asked for.
        pairs: Verification over listed pairs, or None without a list.
        figures: `nasface.metrics.METRICS` by label, of report people.
        left_out: What could not be had of so few people or photos, and why.
        caveat: `FaceData.caveat`.
        curves: What a page draws of all pairs; None without any.
        mistaken: Report people whose photos are most often taken for other people's, at the threshold of the lowest
            rate of `all_pairs`, the most often first.
    """

    all_pairs: AllPairs | None
    identification: LeaveOneOut | None
    gallery: RandomGallery | None
    strangers: Identification | None
    intervals: dict[str, Interval]
    pairs: Verification | None
    figures: dict[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    caveat: str = ""
    curves: PairCurves | None = None
    mistaken: tuple[Mistaken, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """For JSON."""
        return asdict(self)

    def row(self) -> dict[str, float]:
        """The main figures by name, for tables."""
        row = dict(self.figures)
        if (gallery := self.gallery) is not None:
            row |= {"identification": gallery.micro, "identification std": gallery.micro_std}
            row |= {"identification macro": gallery.macro, "identification rank5": gallery.rank5}
        if self.strangers is not None:
            row |= {f"dir@fpir{fpir:g}": interval.value for fpir, interval in self.strangers.dir.items()}
        if self.pairs is not None:
            row |= {"pairs accuracy": self.pairs.accuracy, "pairs accuracy std": self.pairs.accuracy_std}
            row |= {} if self.all_pairs is not None else {"pairs auc": self.pairs.auc}
        return row

    @property
    def thresholds(self) -> list[dict[str, float]]:
        """For a model's description; empty where none could be measured."""
        return [] if self.all_pairs is None else [point.to_json() for point in self.all_pairs.points]

    def interval(self, name: str) -> str:
        """One figure's interval, or an empty text."""
        interval = self.intervals.get(name)
        return f"{interval.low:.4f}–{interval.high:.4f}" if interval else ""


def judge(
    embedded: Embedded,
    faces: FaceSet,
    data: FaceData,
    far: Sequence[float] | None,
    resamples: int,
    rng: np.random.Generator,
) -> Judgement:
    """Measure descriptors on the report people and on the listed pairs.

    Args:
        embedded: Descriptors of `faces`, any length each.
        faces: `FaceData.photos_to_judge`.
        data: The data set.
        far: False accept rates for all pairs; None for those of `nasface.metrics.RATES` that there are
            enough impostor pairs for.
        resamples: Bootstrap resamples over people; 0 for no intervals.
        rng: Draws the people.

    Raises:
        InvalidInput: A rate is below ten over the number of impostor pairs, or there is no pair of one person.
    """
    names = [faces.names[row] for row in embedded.rows]
    pairs = None if data.pairs is None else _listed(embedded.descriptors, names, data.pairs)
    if data.report is None:
        return Judgement(None, None, None, None, {}, pairs, caveat=data.caveat)
    reported = set(data.report.names)
    mine = np.array([name in reported for name in names])
    descriptors, labels = embedded.descriptors[mine], faces.labels[embedded.rows][mine]
    if far is None:
        far = supported_rates(labels)
    photos = PhotoSet.of(labels)
    for rate in far:
        check_far(rate, photos.impostors)
    similar = Similarities.of_descriptors(photos, descriptors)
    intervals: dict[str, Interval] = {}
    strangers: Identification | None = None
    left_out: list[str] = []
    try:  # first, so that who is enrolled does not depend on how often people are resampled
        strangers = open_set(descriptors, labels, rng, resamples=resamples)
    except InvalidInput as error:
        left_out.append(f"no identification among strangers: {error}")
    try:
        if resamples:
            intervals = bootstrap_people(descriptors, labels, rng, fars=far, resamples=resamples)
    except InvalidInput as error:  # the figures themselves need fewer people
        left_out.append(f"no intervals: {error}")
    return Judgement(
        AllPairs.of(similar.roc, photos.codes, far),
        similar.leave_one_out,
        similar.identification if photos.people_with_two > 1 else None,
        strangers,
        intervals,
        pairs,
        {metric.label: metric.compute(similar) for metric in stated_metrics(far) if metric.needs(photos)},
        tuple(left_out),
        data.caveat,
        PairCurves.of(similar.roc),
        _mistaken(descriptors, labels, similar.roc.at_far(min(far)).threshold) if far else (),
    )


def _mistaken(
    descriptors: npt.NDArray[np.float32], labels: npt.NDArray[np.generic], threshold: float
) -> tuple[Mistaken, ...]:
    accepted = false_accepts(descriptors, labels, threshold)
    photos = np.unique(labels, return_counts=True)[1]
    others = photos * (len(labels) - photos)
    worst = np.argsort(-accepted, kind="stable")[:WORST]
    found = (Mistaken(i + 1, int(accepted[i]), float(accepted[i] / others[i])) for i in worst.tolist())
    return tuple(one for one in found if one.pairs)


def judge_groups(
    embedded: Embedded,
    faces: FaceSet,
    groups: Sequence[str],
    threshold: float,
    resamples: int,
    rng: np.random.Generator,
) -> list[GroupRates]:
    """Errors by group at one threshold.

    Args:
        embedded: Descriptors of `faces`.
        faces: Photos.
        groups: Group of every photo of `faces`, "" for none.
        threshold: Squared L2 distance.
        resamples: Bootstrap resamples over people; 0 for no intervals.
        rng: Draws the people.
    """
    rows = embedded.rows.tolist()
    labels = faces.labels[embedded.rows]
    return group_rates(embedded.descriptors, labels, [groups[row] for row in rows], threshold, rng, resamples)


def _listed(descriptors: npt.NDArray[np.float32], names: Sequence[str], pairs: Pairs) -> Verification:
    row = {name: i for i, name in enumerate(names)}
    usable = pairs.keep(np.array([i for i, name in enumerate(pairs.photos.names) if name in row], np.int64))
    place = np.array([row[name] for name in usable.photos.names])
    distances = squared_distances(descriptors, place[usable.first], place[usable.second])
    return evaluate_pairs(distances, usable.same, usable.folds, 1e-3, protocol=True)
