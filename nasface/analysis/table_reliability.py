"""How far an accuracy table can be trusted, and what predictors should learn from: the figures of one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nasface.accuracy.reliability import Reliability, Validity, best_to_learn, reliabilities, validities
from nasface.accuracy.table import AccuracyTable
from nasface.runs import Json

if TYPE_CHECKING:
    from nasface.accuracy.photo_study import CalibrationNoise, PeopleNeeded


@dataclass(frozen=True)
class PhotoNeeds:
    """What a study of photos says (see `nasface.accuracy.photo_study`).

    Attributes:
        calibration: Per metric and number of calibration photos.
        test: Per metric and size of a part of the validation people.
    """

    calibration: tuple[CalibrationNoise, ...]
    test: tuple[PeopleNeeded, ...]


@dataclass(frozen=True)
class TableReliability:
    """All of it.

    Attributes:
        file: Name of the table's file.
        subnets: Its rows.
        shared: What all rows have in common: resolution, supernet, data.
        reliabilities: Per metric, split and region.
        validities: Per pair of metrics.
        photos: None without a study.
    """

    file: str
    subnets: int
    shared: Mapping[str, str]
    reliabilities: tuple[Reliability, ...]
    validities: tuple[Validity, ...]
    photos: PhotoNeeds | None

    @classmethod
    def of(
        cls,
        table: AccuracyTable,
        file: str,
        regions: Sequence[tuple[str, npt.NDArray[np.bool_]]],
        photos: PhotoNeeds | None,
    ) -> TableReliability:
        """Judge a table by its halves.

        Args:
            table: What is judged.
            file: Its name.
            regions: Names, and bool[n]: networks that are judged apart.
            photos: From a study, if there is one.

        Raises:
            TableError: The table has no halves.
        """
        found = tuple(reliabilities(table, regions))
        return cls(file, len(table), table.shared, found, tuple(validities(table)), photos)

    @property
    def best(self) -> list[Validity]:
        """For every metric that may count in the end, what to learn from."""
        return best_to_learn(self.validities)

    def to_json(self) -> dict[str, Json]:
        """`table_reliability.json`."""
        found: dict[str, Json] = {
            "table": {"file": self.file, "subnets": self.subnets, **self.shared},
            "reliability": [asdict(entry) for entry in self.reliabilities],
            "validity": [asdict(entry) for entry in self.validities],
            "best_to_learn": {entry.wanted: entry.learned for entry in self.best},
        }
        if self.photos is not None:
            found["calibration_photos"] = [asdict(entry) for entry in self.photos.calibration]
            found["test_photos"] = [asdict(entry) for entry in self.photos.test]
        return found
