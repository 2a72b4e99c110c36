"""The last line of a task is a command that runs as printed, on the same inputs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from nasface.testing.faces import drawn_people, write_contrast_model

from ._command import TINY, Command, Done

DRAWN = ("data=procedural", "data.people=40", "data.photos=3")
JUDGED = ("compare.splits=2", "compare.sizes=[50]")
TIMED = ("timing.blocks=2", "timing.max_blocks=2", "timing.runs=2")
FEW = ("accuracy.calibration_photos=8",)


def followed(cli: Command, done: Done, *smaller: str) -> Done:
    """What comes of the line, with options that make it small."""
    assert done.code == 0, done.err
    *_, line = [line for line in done.out.splitlines() if line.startswith("next: ")]
    program, *words = shlex.split(line.removeprefix("next: "))
    assert program == "nasface"
    after = cli(*words, *smaller)
    assert after.code == 0, f"{line}\n{after.err}"
    return after


def test_a_search_goes_on_to_its_model_and_without_one_to_its_export(cli: Command, tiny: list[str]) -> None:
    done = cli(*tiny, "exporter=none", "seed=3")
    again = followed(cli, done)
    assert again.result["decision"]["genotype"] == done.result["decision"]["genotype"]
    assert "preprocessing" in followed(cli, again).out or "descriptor" in followed(cli, again).out


@pytest.mark.parametrize(
    ("words", "smaller", "task"),
    [
        (("table_reliability",), (*JUDGED, "compare.predictors=[ridge]"), "compare_predictors"),
        (("inspect", "genotype=smallest"), TIMED, "measure_latency"),
        (("replay", "predictor=ridge", *JUDGED), ("search=exact", "exporter=none"), "search"),
    ],
)
def test_tasks_without_photos(cli: Command, words: tuple[str, ...], smaller: tuple[str, ...], task: str) -> None:
    assert followed(cli, cli(*words), *smaller).result["task"] == task


def test_a_bound_and_a_device_are_kept(cli: Command) -> None:
    done = cli("profile", "device=sd765", "constraints.latency_ms=20")
    after = followed(cli, done, "search=exact", "exporter=none")
    assert after.result["components"]["device"] == ["sd765"]
    assert after.result["decision"]["constraints"][0]["bound"] == 20


def test_a_table_goes_on_to_a_search_under_a_name_with_blanks(cli: Command, make_table: Callable[..., Path]) -> None:
    table = "my (first) table's.csv"
    shutil.copy(make_table(), table)
    after = followed(cli, cli("merge_tables", f"accuracy.table={table}"), "exporter=none", *TINY)
    assert OmegaConf.load(after.folder / "config.yaml").accuracy.table == table


def test_shards_go_on_to_be_joined(cli: Command) -> None:
    shared = ("estimate_accuracy", "accuracy.table=t.csv", "accuracy.n_subnets=2", *DRAWN, *FEW)
    done = [cli(*shared, "shards=2", f"shard={shard}") for shard in (0, 1)][-1]
    assert followed(cli, done).result["task"] == "merge_tables"


def test_packed_photos_go_on_to_a_search_that_measures_on_them(cli: Command) -> None:
    done = cli("pack", "pack.out=out folder", *DRAWN)
    after = followed(cli, done, "search=exact", "exporter=none", *FEW)
    assert after.result["components"]["data"] == "recordio"


def test_enrolment_goes_on_to_identification_and_that_to_the_gallery(cli: Command) -> None:
    from PIL import Image

    write_contrast_model(Path("model.tflite"))
    Image.fromarray(drawn_people()[0]).save("ada.png")
    given = ("model=model.tflite", "recognition.gallery=a.gallery", "recognition.photos=ada.png")
    done = cli("enrol", *given, "recognition.name=Ada")
    found = followed(cli, done)
    assert found.result["task"] == "identify"
    assert followed(cli, found).result["decision"] == {"people": {"Ada": 1}}
