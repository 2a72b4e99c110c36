"""All that a search found, as one value, and its two halves of `result.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from nasface.analysis.comparison import Comparison
from nasface.analysis.facts import SearchFacts
from nasface.analysis.standing import Standing
from nasface.deploy import CheckedExport
from nasface.exporters.metadata import Description
from nasface.metrics import Interval
from nasface.recognition import Judgement
from nasface.runs import Json
from nasface.runtimes import Timing
from nasface.strategies import Constraint


@dataclass(frozen=True)
class VerifiedNetwork:
    """A finalist that was measured on validation people before one was chosen.

    Attributes:
        round: From 1.
        genes: As in accuracy tables.
        predicted: Its accuracy when it was recommended, an estimate.
        half: Half of the interval of 95 % around it.
        measured: Its accuracy.
    """

    round: int
    genes: str
    predicted: float
    half: float
    measured: float

    @property
    def within(self) -> bool:
        """Whether it measured what its interval promised."""
        return abs(self.measured - self.predicted) <= self.half

    def to_json(self, metric: str) -> dict[str, Json]:
        """An entry of `verified` of `result.json`."""
        ends = {"low": self.predicted - self.half, "high": self.predicted + self.half}
        return {"round": self.round, "genes": self.genes, "predicted": self.predicted, **ends, metric: self.measured}


@dataclass(frozen=True)
class Beside:
    """Another network of the same supernet, measured like the found one, both in float32.

    Attributes:
        name: For people.
        judgement: Its figures.
        difference: Intervals of the found one's figures minus its, paired over people.
    """

    name: str
    judgement: Judgement
    difference: Mapping[str, Interval]

    def to_json(self) -> dict[str, Json]:
        """An entry of `measured.beside` of `result.json`."""
        found: Json = {name: [value.low, value.high] for name, value in self.difference.items()}
        return {"network": self.name, "row": self.judgement.row(), "found_minus_it": found}


@dataclass(frozen=True)
class Measured:
    """What is exported, on the report people: the network, or the file where that computes in integers.

    Attributes:
        data: Fingerprint of the photos.
        judgement: The figures.
        skipped: Names of photos that could not be read.
        float32: Of an integer file: the figures of the same network in float32.
        difference: Of an integer file: intervals of file minus float32, paired over people, by figure.
        beside: Other networks, to show what the search has won.
    """

    data: str
    judgement: Judgement
    skipped: tuple[str, ...]
    float32: Judgement | None = None
    difference: Mapping[str, Interval] = field(default_factory=dict)
    beside: tuple[Beside, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """`measured` of `result.json`."""
        intervals = {name: [interval.low, interval.high] for name, interval in self.judgement.intervals.items()}
        found: dict[str, Json] = {
            "data": self.data,
            "row": self.judgement.row(),
            "intervals": intervals,
            "details": self.judgement.to_dict(),
            "skipped": self.skipped,
        }
        if self.float32 is not None:
            difference: Json = {name: [value.low, value.high] for name, value in self.difference.items()}
            found |= {"float32": self.float32.row(), "file_minus_float32": difference}
        if self.beside:
            found["beside"] = [other.to_json() for other in self.beside]
        return found


@dataclass(frozen=True)
class Delivered:
    """The exported file.

    Attributes:
        model: The file, and how far it differs from the network in torch.
        supernet: Fingerprint of the supernet's weights.
        calibration: What calibrated batch normalisation, e.g. "photos:512".
        timing: On this machine, not on the device; None where nothing was timed.
        measured: None without photos.
        description: What the file says of its use; None where its format has no place for it.
    """

    model: CheckedExport
    supernet: str
    calibration: str
    timing: Timing | None
    measured: Measured | None
    description: Description | None = None


@dataclass(frozen=True)
class Seconds:
    """How long it took: the searches alone, and everything."""

    search: float
    total: float


@dataclass(frozen=True)
class SearchOutcome:
    """What the main job found, on what grounds, and what was made of it.

    Attributes:
        facts: What was searched, and the found network.
        comparison: It beside the alternatives.
        standing: Where it stands among them.
        verified: Finalists that were measured, in the order of measuring.
        delivered: None where nothing was exported.
        seconds: How long it took.
    """

    facts: SearchFacts
    comparison: Comparison
    standing: Standing
    verified: tuple[VerifiedNetwork, ...]
    delivered: Delivered | None
    seconds: Seconds

    @property
    def measured(self) -> Measured | None:
        """Figures on the report people, if there are any."""
        return None if self.delivered is None else self.delivered.measured

    def to_json(self) -> dict[str, dict[str, Json]]:
        """`decision`, which depends on the seed alone, and `measurements` of `result.json`."""
        return {"decision": self._decision(), "measurements": self._measurements()}

    def predicted_summary(self) -> dict[str, Json]:
        """The figures of a table of runs that depend on the seed alone."""
        row = self.comparison.row(self.comparison.found)
        return {name: row[name] for name in ("predicted", "params_m", "macs_m", *self._latencies())}

    def measured_summary(self) -> dict[str, Json]:
        """The figures of a table of runs that were measured; empty where nothing was exported."""
        if self.delivered is None:
            return {}
        row = {} if self.measured is None else self.measured.judgement.row()
        return {"model_mb": self.delivered.model.file.bytes / 1e6, **row}

    def _latencies(self) -> list[str]:
        return [column.key for column in self.comparison.latencies]

    def _decision(self) -> dict[str, Json]:
        facts, space = self.facts, self.facts.space
        estimated = [column.key for column in self.comparison.latencies if column.cost.estimated]
        decision: dict[str, Json] = {
            "genotype": space.to_dict(facts.result.best),
            "genes": space.to_text(facts.result.best),
            "resolution": space.resolution,
            "summary": self.predicted_summary(),
            "estimated": ["predicted", *estimated],
            "constraints": constraints_json(facts.constraints),
            "notes": facts.notes,
            "comparison": self.comparison.to_json(),
            "standing": self.standing.to_json(),
            "finalists": [space.to_dict(row) for row in facts.result.finalists],
            "search": facts.result.counters,
            "quality": facts.quality.to_dict(),
            "table": {"subnets": len(facts.table), "metric": facts.metric, "supernet": facts.table.supernet},
        }
        if self.verified:
            decision["verified"] = [row.to_json(facts.metric) for row in self.verified]
        return decision if self.delivered is None else decision | _delivered_json(self.delivered)

    def _measurements(self) -> dict[str, Json]:
        measurements: dict[str, Json] = {"search_seconds": self.seconds.search, "summary": self.measured_summary()}
        if self.delivered is not None:
            measurements |= {
                "parity": {name: asdict(parity) for name, parity in self.delivered.model.parity.items()},
                "host_timing": None if self.delivered.timing is None else asdict(self.delivered.timing),
                "measured": {} if self.measured is None else self.measured.to_json(),
            }
        return measurements | {"total_seconds": self.seconds.total}


def constraints_json(constraints: Sequence[Constraint]) -> list[dict[str, Json]]:
    """`constraints` of `result.json`."""
    return [
        {"cost": c.cost.name, "unit": c.cost.unit, "bound": c.bound, "label": c.label, "basis": c.basis}
        for c in constraints
    ]


def _delivered_json(delivered: Delivered) -> dict[str, Json]:
    file = delivered.model.file
    model: dict[str, Json] = {"file": file.path.name, "bytes": file.bytes, "sha256": file.sha256}
    return {"model": model, "supernet": delivered.supernet, "calibration": delivered.calibration}
