"""A study asks about networks within the bounds, each once, and goes on from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.costs import Macs
from nasface.errors import InvalidGenotype, InvalidInput
from nasface.metrics import Direction
from nasface.predictors import Acquisition, GPStage, Ranker, Ridge, Scorer, Targets, fit_ranker
from nasface.selectors import QuickSelect
from nasface.spaces import Population, SearchSpace
from nasface.strategies import (
    Constraint,
    Exact,
    Problem,
    RandomSearch,
    RandomSearchConfig,
    Region,
    Searcher,
    Study,
    StudyFile,
)
from nasface.testing.synthetic import face_space, tiny_space, truth


def made(
    space: SearchSpace,
    path: Path | None = None,
    *,
    predictor: type[Scorer] = Ridge,
    acquisition: Acquisition = Acquisition.GREEDY,
    share: float = 0.5,
    direction: Direction = Direction.MAX,
    n_startup: int = 10,
    cache: Path | None = None,
) -> Study:
    tables = Macs(space).decompose()
    assert tables is not None
    least, most = tables.minimum().value, tables.maximum().value
    region = Region(space, [Constraint(Macs(space), least + share * (most - least) + 1e-9, "MACs")])
    search = (
        Exact(selector=QuickSelect())
        if share < 1
        else RandomSearch(RandomSearchConfig(samples=8), selector=QuickSelect())
    )

    def fit(networks: Population, targets: Targets) -> Ranker:
        return fit_ranker(space, predictor(), networks, targets, np.random.default_rng(0), cache)

    def finalists(ranker: Ranker) -> Population:
        return search.run(Problem(space, ranker, region.constraints), np.random.default_rng(1)).finalists

    file = None if path is None else StudyFile(path, space, "auc", direction)
    return Study(
        Searcher(region, finalists), fit, acquisition=acquisition, n_startup=n_startup, direction=direction, file=file
    )


def measured(space: SearchSpace, genotype: dict[str, list[int]]) -> float:
    return float(truth(space.encode(space.from_dict(genotype)[None]))[0])


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_asking_and_telling_finds_better_networks_than_random_ones(acquisition: Acquisition, tmp_path: Path) -> None:
    space = face_space()
    study = made(space, predictor=GPStage, acquisition=acquisition, n_startup=20, cache=tmp_path)
    for n in (20, 10):
        for genotype in study.ask(n):
            study.tell(genotype, measured(space, genotype))
    values = [trial.value for trial in study.trials if trial.value is not None]
    assert len({str(trial.genotype) for trial in study.trials}) == 30, "none is asked twice"
    rows = np.array([space.from_dict(trial.genotype) for trial in study.trials])
    tables = Macs(space).decompose()
    assert tables is not None
    assert (Macs(space).predict(rows) <= (tables.minimum().value + tables.maximum().value) / 2).all(), "the bound holds"
    assert study.best.value == max(values)
    if acquisition is not Acquisition.RANDOM:
        assert min(values[20:]) > max(values[:20]), "what was learned is used"


def test_every_network_of_a_small_space_is_asked_once() -> None:
    space = tiny_space()
    study = made(space, share=1.0, n_startup=3)
    sizes = []
    while asked := study.ask(5):
        sizes.append(len(asked))
        for genotype in asked:
            study.tell(genotype, measured(space, genotype))
    assert sum(sizes) == 32
    everything = truth(space.encode(space.sample(np.random.default_rng(0), 1000)))
    assert study.best.value == pytest.approx(everything.max())


def test_it_goes_on_from_its_file(tmp_path: Path) -> None:
    space, path = face_space(), tmp_path / "study.json"
    whole, parts = made(space), made(space, path)
    for _ in range(3):
        for genotype in whole.ask(6):
            whole.tell(genotype, measured(space, genotype))
        for genotype in made(space, path).ask(6):
            made(space, path).tell(genotype, measured(space, genotype))
    assert parts.trials == whole.trials
    assert parts.best == whole.best
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith(".")] == ["study.json"]


def test_what_was_asked_and_not_told_waits(tmp_path: Path) -> None:
    space = face_space()
    asked = made(space, tmp_path / "study.json").ask(3)
    resumed = made(space, tmp_path / "study.json")
    resumed.tell(asked[1], 0.9)
    assert resumed.pending == [asked[0], asked[2]]
    assert not [genotype for genotype in resumed.ask(20) if genotype in asked]


def test_of_a_metric_that_is_better_low_the_lowest_is_the_best() -> None:
    study = made(face_space(), direction=Direction.MIN)
    for number, genotype in enumerate(study.ask(12)):
        study.tell(genotype, 0.1 + 0.01 * abs(number - 7))
    assert study.best.value == 0.1
    assert study.ask(1)


def test_networks_beyond_the_bounds_teach_but_do_not_win() -> None:
    space = face_space()
    study = made(space, share=0.1)
    tables, choices = Macs(space).decompose(), space.stage_choices()
    assert tables is not None
    assert choices is not None
    largest = np.sum([c[i] for c, i in zip(choices, tables.maximum().choices, strict=True)], axis=0, dtype=np.int8)
    study.tell(largest, 0.99)
    with pytest.raises(InvalidInput, match=r"None of the 1 networks .* meets the bounds"):
        _ = study.best
    (genotype,) = study.ask()
    study.tell(genotype, 0.8)
    assert study.best.value == 0.8


@pytest.mark.parametrize(
    "value",
    [np.nan, np.inf, "0.9", b"0.9", None, True, np.True_, 0.9 + 0j, 10**400, [0.9], np.array(0.9), np.ones(2)],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_no_value_is_refused(value: Any) -> None:
    study = made(face_space())
    (genotype,) = study.ask()
    with pytest.raises(InvalidInput, match=r"was told of the network .*; give a finite number"):
        study.tell(genotype, value)
    assert study.pending == [genotype]


@pytest.mark.parametrize("value", [1, 0.9, np.float32(0.5), np.int64(1)])
def test_numbers_of_any_kind_are_values(value: Any) -> None:
    study = made(face_space())
    study.tell(study.ask()[0], value)
    assert study.best.value == float(value)
    assert type(study.best.value) is float


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", True, None])
def test_what_is_no_number_of_networks_is_refused(n: Any) -> None:
    with pytest.raises(InvalidInput, match="ask for a whole number, 1 or more"):
        made(face_space()).ask(n)


def test_networks_and_values_are_as_many() -> None:
    space = face_space()
    with pytest.raises(InvalidInput, match="1 values were told of 2 networks; give one each"):
        made(space).tell_many(space.sample(np.random.default_rng(0), 2), [0.5])


def test_a_second_value_and_networks_of_other_spaces_are_refused() -> None:
    study = made(face_space())
    (genotype,) = study.ask()
    study.tell(genotype, 0.9)
    with pytest.raises(InvalidInput, match=r"was told already, with 0\.9"):
        study.tell(genotype, 0.91)
    with pytest.raises(InvalidGenotype):
        study.tell({"ks": [3], "e": [3], "d": [2]}, 0.9)
    with pytest.raises(InvalidGenotype):
        study.tell(np.full(45, 99, np.int8), 0.9)
    assert len(study.trials) == 1


def test_how_sure_a_predictor_is_must_be_known_or_learned(tmp_path: Path) -> None:
    study = made(face_space(), acquisition=Acquisition.EI, n_startup=2, cache=tmp_path)
    asked = study.ask(4)
    for genotype in asked[:2]:
        study.tell(genotype, measured(face_space(), genotype))
    with pytest.raises(InvalidInput, match=r"predictor ridge errs .* a table of 2 has too few"):
        study.ask()
    assert study.pending == asked[2:], "what failed asked nothing"
    for genotype in asked[2:]:
        study.tell(genotype, measured(face_space(), genotype))
    assert len(study.ask(3)) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "is not a study"),
        ('{"format": "nasface study 1", "space": "other"}', "whose space is other"),
        ('{"trials": []}', "is not a study"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InvalidInput, match=message):
        made(face_space(), tmp_path / "study.json")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NaN", r"is not a study \(NaN"),
        *((text, "is damaged: trial 0") for text in ('"high"', '"0.9"', "true", "[0.9]")),
    ],
)
def test_a_damaged_trial_is_refused(tmp_path: Path, value: str, message: str) -> None:
    path = tmp_path / "study.json"
    study = made(face_space(), path)
    (genotype,) = study.ask()
    study.tell(genotype, 0.875)
    path.write_text(path.read_text().replace("0.875", value))
    with pytest.raises(InvalidInput, match=message):
        made(face_space(), path)


def test_the_metric_and_its_direction_belong_to_the_file(tmp_path: Path) -> None:
    made(face_space(), tmp_path / "study.json").ask()
    with pytest.raises(InvalidInput, match="whose direction is max, not min"):
        made(face_space(), tmp_path / "study.json", direction=Direction.MIN)
