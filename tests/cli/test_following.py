"""The last line of a task is a command that runs as printed, on the same inputs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from nasface.testing.faces import drawn_people, write_contrast_model
from nasface.testing.made_up_device import MadeUpDevice

from ._command import TINY, Command, Done, replace_component
from .test_experiments import TINY as ABLATION
from .test_train_network import TINY as TRAINED
from .test_train_network import own_supernet

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
    shown = followed(cli, again)
    assert "preprocessing" in shown.out
    assert followed(cli, shown, *TIMED).result["task"] == "measure_latency"


@pytest.mark.parametrize(
    ("words", "smaller", "task"),
    [
        (("table_reliability",), (*JUDGED, "compare.predictors=[ridge]"), "compare_predictors"),
        (("inspect", "genotype=smallest"), TIMED, "measure_latency"),
        pytest.param(("list",), (), "list", marks=pytest.mark.slow),
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


def test_how_a_table_was_joined_says_nothing_to_a_search(cli: Command, make_table: Callable[..., Path]) -> None:
    done = cli("merge_tables", "accuracy.table=whole.csv", f"accuracy.parts=[{make_table()}]")
    assert "accuracy.table=whole.csv" in done.out
    assert "accuracy.parts" not in done.out
    assert followed(cli, done, "exporter=none", *TINY).result["task"] == "search"


@pytest.mark.slow
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


def test_a_gallery_goes_on_to_its_list_and_that_to_what_else_can_be_done(cli: Command) -> None:
    from PIL import Image

    write_contrast_model(Path("model.tflite"))
    for person, name in ((0, "ada.png"), (3, "bo.png")):
        Image.fromarray(drawn_people()[person]).save(name)
    given = ("model=model.tflite", "recognition.photos=[ada.png,bo.png]", "recognition.threshold=0.5")
    enrolled = followed(cli, cli("verify", *given))
    assert enrolled.result["decision"]["enrolled"] == {"ada": 1}
    known = ("gallery", "recognition.gallery=people.gallery")
    listed = followed(cli, cli(*known, "recognition.action=remove", "recognition.name=ada"))
    assert listed.result["decision"]["people"] == {}
    assert "recognition.action" in followed(cli, listed).out


@pytest.mark.slow
def test_a_device_that_timed_networks_goes_on_to_its_table_and_that_is_checked(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MadeUpDevice(lambda path: path.stat().st_size / 1e6, np.random.default_rng(0), noise=1e-3)
    replace_component(monkeypatch, "transport", "host", lambda config: made)
    timed = ("measure_latency", "genotype=smallest", *TIMED)
    table = followed(cli, cli(*timed, "timing.engines=[tflite]"))
    assert table.result["decision"]["name"] == "made_up"
    checked = followed(cli, cli(*timed), "check.nets=5")
    assert checked.result["task"] == "check_latency"


def test_an_experiment_goes_on_to_a_search(cli: Command, make_table: Callable[..., Path]) -> None:
    done = cli(*ABLATION, f"accuracy.table={make_table()}", "experiment.folder=out")
    assert followed(cli, done, "exporter=none", *TINY).result["task"] == "search"


def test_rebuilt_assets_go_on_to_a_search(cli: Command, shared_data: Path) -> None:
    done = cli("build_assets", f"assets.sources={shared_data}", "assets.parts=[luts]", "assets.out=built")
    assert followed(cli, done, "search=exact", "exporter=none").result["task"] == "search"


def test_a_page_goes_on_to_the_times_of_its_models(cli: Command) -> None:
    for name in ("a,b", "c"):
        Path(name).mkdir()
        write_contrast_model(Path(name) / "model.tflite")
    done = cli("demo", "model=['a,b',c]", "demo.serve=false")
    assert len(followed(cli, done, *TIMED).result["measurements"]["rows"]) == 2


@pytest.mark.slow
def test_a_supernet_that_was_judged_gets_a_table_and_a_network_that_was_trained_is_judged(cli: Command) -> None:
    own_supernet(Path("own.pth"))
    trained = cli(*TRAINED, "genotype=smallest")
    assert followed(cli, trained).result["task"] == "evaluate"
    small = [word for word in TRAINED if word.startswith(("data", "space", "supernet", "accuracy"))]
    judged = cli("evaluate_supernet", *small, "evaluation.bootstrap=0")
    assert followed(cli, judged, "accuracy.n_subnets=1").result["task"] == "estimate_accuracy"
