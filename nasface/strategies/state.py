"""The state of an evolution: kept in a small file, so that one that was killed goes on to the identical decision."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.reading import json_object, read_json
from nasface.runs import write_text
from nasface.spaces import Population
from nasface.strategies._base import HistoryRow, Problem, SearchStrategy

FORMAT: Final = "nasface search state 1"

SAVE_EVERY: Final = 1.0
"""Seconds of work that are lost at most; when a state is saved has no influence on the search."""


@dataclass
class EvolutionState:
    """What an evolution knows between two generations, beside the random generator.

    Attributes:
        generation: The next one.
        population: int8[n, n_genes].
        kept: Parents of the phases that are over.
        counters: calls, pairs, distinct (networks that entered a population; one that comes back counts again).
        history: See `SearchResult`.
        remarks: See `SearchResult`.
    """

    generation: int
    population: Population
    kept: Population
    counters: dict[str, int]
    history: list[HistoryRow] = field(default_factory=list)
    remarks: tuple[str, ...] = ()
    _before: tuple[int, int] = (0, 0)

    @classmethod
    def begin(cls, problem: Problem) -> EvolutionState:
        """Before the first generation."""
        nothing = np.empty((0, problem.space.n_genes), np.int8)
        counters = {"generations": 0, "calls": 0, "pairs": 0, "distinct": 0}
        before = (problem.ranker.calls, problem.ranker.pairs)
        return cls(0, nothing, nothing, counters, _before=before)

    def count(self, problem: Problem) -> None:
        """Bring the counters up to date."""
        self.counters = self.counted(problem)

    def counted(self, problem: Problem) -> dict[str, int]:
        """The counters as of now."""
        calls, pairs = self._before
        now = {"calls": problem.ranker.calls - calls, "pairs": problem.ranker.pairs - pairs}
        distinct = min(self.counters["distinct"], problem.space.size())
        return self.counters | {"generations": self.generation, "distinct": distinct} | now

    def to_dict(self, problem: Problem, rng: np.random.Generator) -> dict[str, object]:
        """For the file."""
        return {
            "generation": self.generation,
            "population": [problem.space.to_text(row) for row in self.population],
            "kept": [problem.space.to_text(row) for row in self.kept],
            "counters": self.counters,
            "history": self.history,
            "remarks": list(self.remarks),
            "rng": rng.bit_generator.state,
        }

    @classmethod
    def of_dict(cls, content: dict[str, Any], problem: Problem, rng: np.random.Generator) -> EvolutionState:
        """From the file; the generator goes on where it was."""
        progress = cls.begin(problem)
        progress.generation = _count(content["generation"], "generation")
        progress.population, progress.kept = (_population(content[key], problem) for key in ("population", "kept"))
        progress.counters = {name: _count(content["counters"][name], name) for name in progress.counters}
        progress.history = [json_object(row) for row in content["history"]]
        progress.remarks = tuple(content["remarks"])
        calls, pairs = progress._before
        progress._before = (calls - progress.counters["calls"], pairs - progress.counters["pairs"])
        rng.bit_generator.state = content["rng"]
        return progress


class StateFile:
    """Where the state is kept, if anywhere.

    Args:
        path: The file, or None.
        problem: Gives the space.
        identity: Hash of all that decides what the search finds.
    """

    def __init__(self, path: Path | None, problem: Problem, identity: str) -> None:
        self._path, self._problem, self._identity = path, problem, identity
        self._saved = time.monotonic()

    @classmethod
    def of(cls, path: str | None, problem: Problem, search: SearchStrategy, rng: np.random.Generator) -> StateFile:
        """For a search that is about to begin with this generator."""
        file = None if path is None else Path(path).expanduser()
        return cls(file, problem, "" if file is None else _identity(problem, search, rng))

    def read(self, problem: Problem, rng: np.random.Generator, generations: int) -> EvolutionState | None:
        """The state of a search of so many generations, or None if there is none yet.

        Raises:
            InvalidInput: The file is of another search, or damaged.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            content = json_object(read_json(self._path))
            this = content["format"] == FORMAT and content["identity"] == self._identity
            progress = EvolutionState.of_dict(content, problem, rng) if this else None
            if progress is not None and progress.generation > generations:
                raise ValueError(f"it is in generation {progress.generation} of {generations}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidGenotype) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else error
            raise InvalidInput(
                f"{self._path} is not the state of a search, or damaged ({why}); give another file as search.state, or "
                "delete this one to begin anew."
            ) from None
        if progress is None:
            raise InvalidInput(
                f"{self._path} is the state of another search (other seed, options, bounds or table); give another "
                "file as search.state, or delete this one to begin anew."
            )
        return progress

    def save(self, progress: EvolutionState, rng: np.random.Generator) -> None:
        """Write the state, unless that was done a moment ago."""
        now = time.monotonic()
        if self._path is None or now - self._saved < SAVE_EVERY:
            return
        self._saved = now
        content = {"format": FORMAT, "identity": self._identity} | progress.to_dict(self._problem, rng)
        write_text(self._path, json.dumps(content) + "\n")


def _count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is {value!r:.40}")
    return value


def _population(rows: list[str], problem: Problem) -> Population:
    parsed = [problem.space.from_text(row) for row in rows]
    found = np.array(parsed, np.int8).reshape(len(parsed), problem.space.n_genes)
    if not problem.feasible(found).all():
        raise ValueError("it holds networks beyond the bounds")
    return found


def _identity(problem: Problem, search: SearchStrategy, rng: np.random.Generator) -> str:
    """Hash of the space, the table, the predictor, the bounds, the options and the generator's state."""
    ranker = problem.ranker
    facts = {
        "space": [dict(problem.space.fingerprinted()), problem.space.resolution],
        "predictor": asdict(ranker.predictor.config),
        "constraints": [(c.cost.name, c.label, c.bound) for c in problem.constraints],
        "search": {key: value for key, value in asdict(search.config).items() if key != "state"},
        "selector": asdict(search.selector.config),
        "rng": rng.bit_generator.state,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for array in (ranker.table, np.asarray(ranker.targets, np.float64), problem.warm_start.networks):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
