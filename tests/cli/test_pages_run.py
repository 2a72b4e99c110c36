"""Every command of README, tutorial, how-tos and references is run, page by page, in the order of the page.

A reader's photos, checkpoint and devices are stand-ins (`_stand_ins`); sizes are cut down by options put behind a
command's own (`SMALLER`). What no test can run is listed with its reason, and only as long as it stands on a page.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from nasface.devices.device import EMBEDDED
from nasface.errors import EXIT_INFEASIBLE
from nasface.tasks import all_tasks
from nasface.tasks.catalogue import EXPERIMENTS

from ._command import Done, replace_component, run_main
from ._pages import BLOCKS, nasface_words, started
from ._stand_ins import fill_in, furnish, made_up_device, place_run

PAGES = list(dict.fromkeys(block.page for block in BLOCKS))

NOT_RUN = {
    "python3 -m venv": "makes the environment that this test runs in",
    ".venv/bin/pip install": "installs",
    ".venv/bin/python -m pytest": "runs the tests",
    "pip install": "installs",
    "ssh pi@raspberrypi.local python3 -m pip": "installs on a board",
    "python -m pytest benchmarks": "a benchmark; CI runs all at their smallest",
    "python benchmarks/": "a benchmark; CI runs all at their smallest",
    "python -m nasface task=demo device=browser": "a device has to open the page; tests/demo/test_circle.py does",
}
"""First words of commands that are not run, and why."""

INSTEAD = {
    "hydra/launcher=joblib": None,  # its processes would not know the stand-ins; tests/cli/test_launchers.py runs it
    "supernet.resolution=224": "supernet.resolution=112",
    "space.resolution=224": "space.resolution=112",
    "lut.resolutions=[112,224]": "lut.resolutions=[112]",
    "model=[efficientnet_b0,mobilenet_v1,mobile_face_net,mine.tflite]": "model=[mobile_face_net,mine.tflite]",
    "refine.rounds=3": None,  # needs the accuracy table's very photos; tests/cli/test_verify_top.py has them
    "timing.engines=[tflite,torch,torchscript]": "timing.engines=[tflite,torch]",
    "evaluation.far=[0.001]": "evaluation.far=[0.05]",  # as few photos carry
    "shards=8": "shards=2",
    "shard=range(8)": "shard=range(2)",
    "shards=4": "shards=2",
    "shard=range(4)": "shard=range(2)",
}
"""Words of commands that are left out or made smaller in place."""

TIMED = ("timing.blocks=2", "timing.max_blocks=2", "timing.runs=2", "timing.warmup=0")
JUDGED = ("compare.splits=2", "compare.sizes=[50]")
MEASURED = ("accuracy.calibration_photos=8",)
TRAINED = (
    *("training.batch=8", "training.calibration_photos=8", "training.cpu_threads=1", "training.accelerator=cpu"),
    *("accuracy.calibration_photos=8", "training.checkpoint_minutes=0", "evaluation.bootstrap=2"),
)
SMALLER = {
    "search": ("measure.runs=1", "evaluation.bootstrap=2", "evaluation.beside=[smallest]", *MEASURED),
    "deploy_family": ("measure.runs=1", *MEASURED),
    "estimate_accuracy": ("accuracy.n_subnets=30", *MEASURED),
    "study_photos": ("study.subnets=3", "study.calibration=[4,8]"),
    "table_reliability": (),
    "compare_predictors": (*JUDGED, "compare.predictors=[ridge]"),
    "replay": JUDGED,
    "evaluate": ("evaluation.bootstrap=2",),
    "evaluate_supernet": ("evaluation.bootstrap=2", *MEASURED),
    "build_lut": (*TIMED, "lut.nets=5", "lut.chains=false"),
    "measure_latency": TIMED,
    "calibrate_device": TIMED,
    "check_latency": (*TIMED, "check.nets=20"),
    "train_supernet": (*TRAINED, "training.scale=0.02"),
    "train_network": (*TRAINED, "training.plan.network.steps=2", "measure.runs=0"),
    "demo": ("demo.minutes=0.01", "demo.port=0"),
    "gallery": ("recognition.far=0.1",),
    "identify": ("recognition.far=0.1",),
    "paper_ablation": (
        "experiment.repeats=1",
        "search.generations=2",
        "search.population=8",
        *(
            f"experiment.values.{name}=[{value}]"
            for name, value in {"generations": 2, "population": 8, "parent_ratio": 0.5, "mutation_ratio": 0.5}.items()
        ),
        "experiment.values.mutate_probability=[0.1]",
        "experiment.predictor=ridge",
    ),
    "paper_table5": (
        *("experiment.predictors=[ridge]", "experiment.ratios=[0.6]", "search.generations=2", "search.population=8"),
        *("evaluation.bootstrap=0", *MEASURED),
    ),
}
"""Options of every task, or experiment, that are put behind a command's own."""

SWEPT = ("accuracy.table=small.csv", "search.generations=5")
"""Options of sweeps of searches besides: their predictors are fitted once a job."""

REFUSED = {"python -m nasface constraints.latency_ms.ratio=0.4": EXIT_INFEASIBLE}
"""Commands that pages show being refused, and how they end."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that pages name."""
    folder = tmp_path_factory.mktemp("reader")
    furnish(folder)
    given = ("search=exact", "data=lfw", "data.root=lfw112", *SMALLER["search"], f"hydra.run.dir={folder}/run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["nasface", *given])
        done = run_main(folder / "run")
    assert done.code == 0, done.err
    place_run(folder, folder / "run")
    return folder


@pytest.fixture
def reader(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Whoever follows a page: a folder, a home with the tables that pages speak of, devices made of numbers."""
    folder = tmp_path / "reader"
    shutil.copytree(furnished, folder, copy_function=_linked_if_large)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("NASFACE_HOME", str(folder / "home"))
    monkeypatch.setenv("NASFACE_PASSPHRASE", "known to the reader")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("hydra._internal.hydra.Hydra.get_mode", lambda *_, **__: None)
    for name in ("adb", "ssh", "browser", "host"):
        replace_component(monkeypatch, "transport", name, lambda config: made_up_device())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


def test_what_is_not_run_stands_on_a_page(tmp_path: Path) -> None:
    written = [command for page in PAGES for command in commands(page, tmp_path / Path(page).name)]
    lines = [" ".join(command) for command in written]
    for first in NOT_RUN:
        assert any(line.startswith(first) for line in lines), f"no page says {first} any more"
    words = {word for command in written for word in command}
    assert not set(INSTEAD) - words, "no page has these words any more"
    tasks = {task_of(given) for given in map(nasface_words, written) if given is not None}
    assert not set(SMALLER) - tasks, "no page runs these any more"


def _linked_if_large(source: str, target: str) -> None:
    """Checkpoints are replaced as a whole, never written into."""
    (os.link if Path(source).stat().st_size > 1_000_000 else shutil.copy)(source, target)


def commands(page: str, folder: Path) -> list[list[str]]:
    """What a shell starts for a page: bash, and zsh the same."""
    words = []
    for shell in filter(shutil.which, ("bash", "zsh")):
        (folder / shell).mkdir(parents=True)
        words.append(started(shell, page, folder / shell))
    assert all(others == words[0] for others in words), page
    return words[0]


def task_of(words: list[str]) -> str:
    """The task, or the experiment, that words are for."""
    named = [word.removeprefix("task=").removeprefix("experiment=") for word in words]
    return next((name for name in named if name in all_tasks() or name in EXPERIMENTS), "search")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(page: str, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = commands(page, tmp_path / "shell")
    prepare(reader, given)
    for command in given:
        if any(" ".join(command).startswith(first) for first in NOT_RUN):
            continue
        fill_in(reader)
        words = nasface_words(command)
        done = python(command[1:], monkeypatch) if words is None else nasface(words, monkeypatch)
        assert done.code == REFUSED.get(" ".join(command), 0), f"{' '.join(command)}\n{done.out}\n{done.err}"


def prepare(folder: Path, written: list[list[str]]) -> None:
    """What a page makes is not there yet; devices that it only speaks of have a table."""
    if any({"task=estimate_accuracy", "accuracy.table=mine.csv"} <= set(command) for command in written):
        (folder / "mine.csv").unlink()
    words = [word for command in written for word in command]
    table = json.loads((EMBEDDED / "sd865.json").read_text(encoding="utf-8"))
    table["provenance"] |= {"device": "made up", "runtime": "numbers"}
    luts = folder / "home" / "luts"
    luts.mkdir(parents=True)
    for name in re.findall(r"(?:^| )(?:device|check\.table)=(my_\w+)", " ".join(words)):
        if f"lut.name={name}" not in words:
            (luts / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")
            in_int8 = table | {"name": f"{name}_int8", "provenance": table["provenance"] | {"precision": "int8"}}
            (luts / f"{name}_int8.json").write_text(json.dumps(in_int8), encoding="utf-8")


def nasface(words: list[str], patch: pytest.MonkeyPatch) -> Done:
    """Run a command, made small."""
    kept = [INSTEAD.get(word, word) for word in words]
    small = [found_run(word) for word in kept if word is not None]
    task = task_of(words)
    more = [] if "-sc" in words else [*SMALLER.get(task, ()), *(SWEPT if "-m" in words and task == "search" else ())]
    patch.setattr("sys.argv", ["nasface", *small, *more])
    return run_main(Path())


def found_run(word: str) -> str:
    """A word with the folder of a run in place of what stands for it."""
    return re.sub(r"runs/DATE_TIME_\w+", lambda name: str(max(Path().glob(name[0].replace("DATE_TIME", "*")))), word)


def python(words: list[str], patch: pytest.MonkeyPatch) -> Done:
    """Run a file with Python."""
    out = io.StringIO()
    patch.setattr("sys.argv", words)
    with contextlib.redirect_stdout(out):
        runpy.run_path(words[0], run_name="__main__")
    return Done(0, out.getvalue(), "", Path())
