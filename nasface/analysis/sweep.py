"""The runs of a multirun as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from nasface.analysis.summaries import Row, Value
from nasface.errors import InvalidInput
from nasface.reading import SCALAR, Shape, check_shape, json_object, read_json

TEXTS = ("overrides", "message", "estimated")
"""Columns of sentences, which are no figures."""

CHOICES = ("status", "predictor", "selector", "search", "exporter", "device", "seed")
"""Columns of what was chosen: of interest where the runs differ in them."""

FIRST = ("job", *CHOICES, "constraints.", "predicted", "auc", "latency", "tar@")
"""Beginnings of the names of columns that come first, where there is no room for all."""


_SUMMARY: Final[Shape] = {"*": SCALAR}

RESULT: Final[Shape] = {
    "status?": str,
    "message?": (str, type(None)),
    "overrides?": [str],
    "components?": {"device?": [str], "*": SCALAR},
    "seed?": SCALAR,
    "decision?": {"summary?": _SUMMARY, "estimated?": [str]},
    "measurements?": {"summary?": _SUMMARY},
}
"""What is read of a `result.json`."""


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        name: Its folder inside the sweep's.
        status: Of its `result.json`.
        message: Why it failed, or nothing.
        overrides: Its options as they were given.
        estimated: Names of figures that rest on estimates.
        values: What was chosen and found, by column.
        figures: Names of what was found, those that matter most first.
    """

    name: str
    status: str
    message: str
    overrides: tuple[str, ...]
    estimated: tuple[str, ...]
    values: Mapping[str, Value]
    figures: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Job:
        """From the run's folder.

        Raises:
            InvalidInput: Its result.json is damaged.
        """
        path = folder / "result.json"
        try:
            result = json_object(read_json(path))
            check_shape(result, RESULT)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} cannot be read ({error}); remove its folder, or run the job again.") from None
        components = result.get("components", {})
        decision, measurements = result.get("decision", {}), result.get("measurements", {})
        overrides = tuple(result.get("overrides", ()))
        values = {kind: components.get(kind) for kind in ("predictor", "selector", "search", "exporter")}
        values |= {"device": "+".join(components.get("device", ())), "seed": result.get("seed")}
        found = decision.get("summary", {}) | measurements.get("summary", {})
        values |= chosen(overrides) | found
        estimated = tuple(decision.get("estimated", ()))
        status, message = result.get("status", "unknown"), result.get("message") or ""
        return cls(folder.name, status, message, overrides, estimated, values, tuple(sorted(found, key=_place)))

    def to_row(self) -> dict[str, Value]:
        """A row of `sweep.csv`."""
        texts = {"estimated": ", ".join(self.estimated), "overrides": " ".join(self.overrides)}
        return {"job": self.name, "status": self.status, **self.values, **texts, "message": self.message}


@dataclass(frozen=True)
class Sweep:
    """All runs, in the order of their numbers."""

    jobs: tuple[Job, ...]

    @classmethod
    def read(cls, folder: Path, asking: Path | None = None) -> Sweep:
        """From `*/result.json` below the folder of a multirun; `asking` is the run that reads them, and no job.

        Raises:
            InvalidInput: It is no such folder.
        """
        if not folder.is_dir():
            raise InvalidInput(f"sweep={folder} is not a folder; give the folder of a multirun.")
        results = (path for path in folder.glob("*/result.json") if path.parent != asking)
        jobs = [Job.read(path.parent) for path in sorted(results, key=_job_order)]
        if not jobs:
            raise InvalidInput(f"{folder} holds no */result.json; give the folder of a multirun.")
        return cls(tuple(jobs))

    @cached_property
    def rows(self) -> list[Row]:
        """One per run; failed ones lack what was not found."""
        return [job.to_row() for job in self.jobs]

    @cached_property
    def columns(self) -> list[str]:
        """All that any row has."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @cached_property
    def estimated(self) -> list[str]:
        """Columns that hold estimates in any run."""
        return sorted({name for job in self.jobs for name in job.estimated})

    @cached_property
    def differing(self) -> list[str]:
        """The columns of figures, and of choices in which the runs differ, in the order of `FIRST`."""
        choices = {name for job in self.jobs for name in chosen(job.overrides)}
        same = {c for c in choices.union(CHOICES) if len({row.get(c) for row in self.rows}) == 1}
        return sorted((c for c in self.columns if c not in TEXTS and c not in same), key=_place)

    @property
    def same(self) -> list[str]:
        """The other columns: what is equal in all runs."""
        return [column for column in self.columns if column not in (*self.differing, *TEXTS)]


def chosen(overrides: Sequence[str]) -> dict[str, Value]:
    """Overrides of single values, e.g. `search.population=50`, by key."""
    pairs = (override.lstrip("+").partition("=") for override in overrides)
    return {key: value for key, _, value in pairs if "." in key}


def _job_order(path: Path) -> tuple[int, str]:
    name = path.parent.name
    return (int(name) if name.isdigit() else 10**9, name)


def _place(column: str) -> int:
    return next((i for i, start in enumerate(FIRST) if column.startswith(start)), len(FIRST))
