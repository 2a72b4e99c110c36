"""Every kind of bad input: an exit code, one sentence with what, allowed and remedy, nothing half-written."""

from __future__ import annotations

import json
import os
import pickle
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nasface.assets import asset
from nasface.errors import EXIT_DEFECT, EXIT_INFEASIBLE, EXIT_INTERRUPTED, EXIT_INVALID, EXIT_OK
from nasface.exporters import Exporter
from nasface.netspec import INPUT, NetBuilder, random_weights
from nasface.registry import build
from nasface.spaces.published import published_subnets

from ._command import Command, Done, python

BOOKKEEPING = {".hydra", "config.yaml", "nasface.log", "result.json"}
"""What a failed run may leave in its folder."""


def check_refused(done: Done, *fragments: str, code: int = EXIT_INVALID) -> None:
    """One sentence on standard error with all fragments, the status in `result.json`, and no artefact."""
    assert done.code == code, done.err
    for fragment in fragments:
        assert fragment in done.text
    assert done.err.count("\n") == 1, f"more than one line: {done.err}"
    assert done.err.startswith("nasface: ")
    assert "Traceback" not in done.out + done.err
    if done.folder.exists():
        assert {path.name for path in done.folder.iterdir() if path.suffix != ".lock"} <= BOOKKEEPING
        assert done.result["status"] == ("infeasible" if code == EXIT_INFEASIBLE else "failed")


class TestOptions:
    """What Hydra and OmegaConf refuse is said as nasface says it."""

    @pytest.mark.parametrize(
        ("override", "fragments"),
        [
            ("predictor=lightgbm_nak", ["Unknown predictor 'lightgbm_nak'", "mean 'lightgbm_nac'", "mlp_regressor"]),
            ("device=[sd865,sd866]", ["Unknown device 'sd866'", "'sd865'", "i7_8700k"]),
            ("predictr=mlp_regressor", ["Unknown option 'predictr'", "mean 'predictor'"]),
            ("search.generatoins=5", ["Unknown option of search 'generatoins'", "mean 'generations'"]),
            ("constraints.latency.max=5", ["Unknown option of constraints 'latency'", "'latency_ms'"]),
            ("+colour=red", ["Unknown option 'colour'"]),
            ("predictor.n_pairs=many", ["predictor.n_pairs", "'many'", "Integer"]),
            ("predictor=3", ["override must be a string"]),
            ("seed=many", ["seed", "'many'", "Integer", "value of that type"]),
            ("constraints.latency_ms.max=little", ["constraints.latency_ms.max", "'little'", "Float"]),
            ("task=serch", ["Unknown task 'serch'", "mean 'search'", "evaluate"]),
            ("search.population=2", ["search.population is 2", "4 or more"]),
            ("exporter.precision=float8", ["Unknown precision 'float8'", "float16, float32"]),
            ("accuracy.metric=beauty", ["no metric 'beauty'", "auc"]),
        ],
    )
    def test_refused(self, cli: Command, tiny: list[str], override: str, fragments: list[str]) -> None:
        check_refused(cli(*tiny, override), *fragments)

    def test_both_max_and_ratio(self, cli: Command) -> None:
        done = cli("constraints.latency_ms.max=9", "constraints.latency_ms.ratio=0.5")
        check_refused(done, "constraints.latency_ms has both max=9 and ratio=0.5", "one of the two")

    def test_task_needs_a_file(self, cli: Command) -> None:
        check_refused(cli("task=inspect"), "needs genotype=: smallest")
        check_refused(cli("task=evaluate", "data=procedural"), "needs model=FILE")


class TestBudget:
    def test_below_the_minimum(self, cli: Command, tiny: list[str]) -> None:
        done = cli("constraints.latency_ms.max=0.5")
        check_refused(done, "fastest sub-network on sd865 at 112", "you asked for 0.5 ms", code=EXIT_INFEASIBLE)
        minimum = float(done.text.split("constraints.latency_ms.max=")[1].split()[0])
        assert cli(*tiny, "exporter=none", f"constraints.latency_ms.max={minimum}").code == EXIT_OK

    def test_refused_before_torch_and_lightgbm_are_loaded(self, tmp_path: Path) -> None:
        program = (
            "import sys\nfrom nasface.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n"
            "    print(end.code, [name for name in ('torch', 'lightgbm', 'tensorflow') if name in sys.modules])"
        )
        done = python("-c", program, "constraints.params_m.max=1", "hydra.run.dir=run", cwd=tmp_path)
        assert done.stdout.split("\n")[0] == f"{EXIT_INFEASIBLE} []", done.stderr
        assert "smallest sub-network at 112 needs 3.066 M" in done.stderr


class TestGenotype:
    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[[Any], str]:
        def write(content: Any) -> str:
            path = tmp_path / "genotype.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            return f"genotype={path}"

        return write

    @pytest.mark.parametrize(
        ("change", "fragments"),
        [
            ({"ks": 4}, ["kernel size of stage 1, block 1 is 4", "3, 5, 7"]),
            ({"e": [5] + [3] * 19}, ["expand ratio of stage 1, block 1 is 5", "3, 4, 6"]),
            ({"d": [2, 2, 2, 2, 5]}, ["depth of stage 5 is 5", "2, 3, 4"]),
            ({"d": [2, 2]}, ["'d' of the genotype", "5 of them"]),
            ({"ks": "three"}, ["'ks' of the genotype", "20 of them"]),
        ],
    )
    def test_outside_the_space(
        self, cli: Command, write: Callable[[Any], str], change: dict[str, Any], fragments: list[str]
    ) -> None:
        genotype = published_subnets()[0].genotype | change
        check_refused(cli("task=inspect", write(genotype)), *fragments)

    def test_not_a_genotype(self, cli: Command, write: Callable[[Any], str], tmp_path: Path) -> None:
        check_refused(cli("task=inspect", write("{")), "is not JSON")
        check_refused(cli("task=inspect", write({"ks": 3})), "no 'd'")
        check_refused(cli("task=inspect", write({"decision": []})), "holds no genotype")
        check_refused(cli("task=inspect", f"genotype={tmp_path / 'absent.json'}"), "cannot be read")


class TestLatencyTable:
    @pytest.fixture
    def spoil(self, tmp_path: Path) -> Callable[..., str]:
        """A spoilt copy of an embedded table in the user's folder."""

        def spoil(change: Callable[[dict[str, Any]], None]) -> str:
            content = json.loads(asset("luts", "sd865.json").read_text())
            change(content)
            folder = tmp_path / "home" / "luts"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "my_phone.json").write_text(json.dumps(content))
            return "device=my_phone"

        return spoil

    def test_missing_rows_are_named(self, cli: Command, spoil: Callable[..., str]) -> None:
        key = "Conv-input:112x112x3-output:56x56x24"
        device = spoil(lambda content: content["rows"]["112"].pop(key))
        check_refused(cli(device), "Latency table my_phone lacks 1 of the 95 rows", key, "measure them")

    def test_no_reference(self, cli: Command, tiny: list[str], spoil: Callable[..., str]) -> None:
        device = spoil(lambda content: content["references"].pop("112"))
        check_refused(cli(device), "my_phone has no time of efficientnet_b0 at 112", "constraints.latency_ms.max")
        assert cli(*tiny, device, "exporter=none", "constraints.latency_ms.max=9").code == EXIT_OK

    def test_other_damage(self, cli: Command, spoil: Callable[..., str], tmp_path: Path) -> None:
        device = spoil(lambda content: content["rows"].pop("112"))
        check_refused(cli(device), "no rows at 112 pixels, only at", "224", "space.resolution")
        path = tmp_path / "home" / "luts" / "my_phone.json"
        path.write_text(path.read_text()[:1000])
        check_refused(cli(device), "not a latency table in JSON", "task=import_lut")


class _Hostile:
    """Unpickling it runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


class TestCheckpoint:
    @pytest.fixture
    def search(self, cli: Command, tiny: list[str]) -> Callable[[Path], Done]:
        return lambda path: cli(*tiny, f"supernet.checkpoint={path}", "supernet.resolution=112")

    def test_truncated(self, search: Callable[[Path], Done], tmp_path: Path) -> None:
        path = tmp_path / "mine.pth"
        torch.save({"state_dict": {"weight": torch.zeros(1000)}}, path)
        path.write_bytes(path.read_bytes()[:-1000])
        check_refused(search(path), "mine.pth is not a checkpoint that can be read safely", "undamaged file")
        path = tmp_path / "mine.safetensors"
        path.write_bytes(asset("supernets", "lfw112.safetensors").read_bytes()[:100_000])
        check_refused(search(path), "mine.safetensors", "fetch it again")

    @pytest.mark.parametrize("kind", ["pickle", "torch"])
    def test_hostile_code_does_not_run(self, search: Callable[[Path], Done], tmp_path: Path, kind: str) -> None:
        mark, path = tmp_path / "executed", tmp_path / "mine.pth"
        content = {"state_dict": _Hostile(mark)}
        if kind == "pickle":
            path.write_bytes(pickle.dumps(content))
        else:
            torch.save(content, path)
        done = search(path)
        assert not mark.exists()
        check_refused(done, "mine.pth is not a checkpoint that can be read safely", "only tensors")

    def test_not_a_supernet(self, search: Callable[[Path], Done], tmp_path: Path) -> None:
        path = tmp_path / "mine.pth"
        torch.save({"state_dict": {"weight": torch.zeros(3)}}, path)
        check_refused(search(path), "no network of OFA's kind")
        check_refused(search(tmp_path / "absent.pth"), "nothing that can be read at supernet.checkpoint=")

    def test_own_checkpoint_needs_resolution_and_table(self, cli: Command, tmp_path: Path) -> None:
        path = tmp_path / "mine.pth"
        path.write_bytes(b"")
        check_refused(cli(f"supernet.checkpoint={path}"), "at which resolution", "supernet.resolution=224")
        done = cli(f"supernet.checkpoint={path}", "supernet.resolution=112")
        check_refused(done, "no accuracy table for mine", "task=estimate_accuracy", "accuracy.table=mine.csv")


class TestAccuracyTable:
    def test_of_something_else(self, cli: Command, make_table: Callable[..., Path]) -> None:
        space = make_table("ofa_mbv3", "random")
        check_refused(cli(f"accuracy.table={space}"), "another search space", "ofa_mbv3_face")
        check_refused(cli(f"accuracy.table={make_table(supernet='random')}"), "of supernet", "task=estimate_accuracy")
        check_refused(cli(f"accuracy.table={make_table(resolution=224)}"), "of resolution 224, not 112")

    def test_unreadable(self, cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
        check_refused(cli(f"accuracy.table={tmp_path / 'absent.csv'}"), "accuracy.table=", "No such file")
        path = tmp_path / "table.csv"
        lines = make_table().read_text().splitlines()
        path.write_text("\n".join([*lines[:3], lines[3].replace("0.9", "nan", 1), ""]))
        check_refused(cli(f"accuracy.table={path}"), "a finite number")

    def test_too_small(self, cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        path.write_text("\n".join([*make_table().read_text().splitlines()[:6], ""]))
        check_refused(cli(f"accuracy.table={path}"), "holds 5 sub-networks", "need 30", "task=estimate_accuracy")

    @pytest.mark.parametrize("task", ["search", "replay", "compare_predictors"])
    def test_constant(self, cli: Command, make_table: Callable[..., Path], tmp_path: Path, task: str) -> None:
        header, *rows = (line.split(",") for line in make_table().read_text().splitlines())
        column = header.index("auc")
        text = [",".join([*row[:column], "0.9", *row[column + 1 :]]) for row in rows]
        path = tmp_path / "table.csv"
        path.write_text("\n".join([",".join(header), *text, ""]))
        check_refused(
            cli(f"task={task}", f"accuracy.table={path}"), "have the auc 0.9", "choose another accuracy.metric"
        )

    def test_contradictory(self, cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
        header, *rows = make_table().read_text().splitlines()
        other = rows[0].split(",")
        other[header.split(",").index("auc")] = "0.5"
        path = tmp_path / "table.csv"
        path.write_text("\n".join([header, *rows, ",".join(other), ""]))
        check_refused(cli(f"accuracy.table={path}"), "two different measurements of one network", "remove one of them")


class TestPhotos:
    @pytest.fixture
    def photos(self, tmp_path: Path) -> Path:
        """Twelve people with three noisy photos of 16 x 16 pixels each."""
        rng, root = np.random.default_rng(0), tmp_path / "photos"
        for person in (f"P{i:02d}" for i in range(12)):
            (root / person).mkdir(parents=True)
            for number in (1, 2, 3):
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / person / f"{person}_{number:04d}.jpg")
        return root

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        """A network of one convolution."""
        net = NetBuilder("tiny", (16, 16, 3))
        with net.layer("Conv"):
            net.global_avg_pool(net.conv(INPUT, "conv", channels=8, kernel=3, stride=2, bias=True), "pool")
        spec = net.build()
        exporter: Exporter = build("exporter", {"name": "tflite"})
        weights = random_weights(spec, np.random.default_rng(0))
        return exporter.export(spec, weights, tmp_path / "tiny.tflite", {}).path

    def test_pairs_name_a_missing_photo(self, cli: Command, photos: Path, model: Path) -> None:
        pairs = photos / "pairs.txt"
        lines = [f"P{i:02d}\t1\t2" for i in range(12)] + [f"P{i:02d}\t1\tP{11 - i:02d}\t2" for i in range(12)]
        pairs.write_text("\n".join([*lines, "P03\t1\t9", ""]))
        done = cli("task=evaluate", f"model={model}", "data=lfw", f"data.root={photos}", f"data.pairs={pairs}")
        check_refused(done, "names 1 photos", "P03/P03_0009.jpg", "data.pairs=none")

    def test_unreadable_photos_are_counted_and_listed(self, cli: Command, photos: Path, model: Path) -> None:
        (photos / "P01" / "P01_0002.jpg").write_bytes(b"no photo")
        (photos / "P02" / "P02_0001.jpg").write_bytes(b"")
        done = cli("task=evaluate", f"model={model}", "data=lfw", f"data.root={photos}", "evaluation.bootstrap=0")
        assert done.code == EXIT_OK, done.err
        assert "2 unreadable photos were skipped" in done.out
        assert done.result["decision"]["skipped"] == ["P01/P01_0002.jpg", "P02/P02_0001.jpg"]
        assert (done.folder / "report.html").is_file()

    def test_no_photos(self, cli: Command, model: Path, tmp_path: Path) -> None:
        evaluate = ("task=evaluate", f"model={model}")
        check_refused(cli(*evaluate), "needs photos", "data=lfw")
        check_refused(cli(*evaluate, "data=lfw"), "data.root=FOLDER")
        check_refused(cli(*evaluate, "data=lfw", f"data.root={tmp_path / 'absent'}"), "data.root=", "No such file")

    def test_too_few_impostors_for_a_rate(self, cli: Command, photos: Path, model: Path) -> None:
        evaluate = ("task=evaluate", f"model={model}", "data=lfw", f"data.root={photos}", "evaluation.far=[0.001]")
        check_refused(cli(*evaluate), "0.001", "10,000 impostor pairs", "594")

    def test_every_file_is_opened_before_the_first_is_measured(
        self, cli: Command, photos: Path, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nasface.tasks.evaluate.judge_file", lambda *_: pytest.fail("measured"))
        damaged = model.with_name("damaged.tflite")
        damaged.write_bytes(model.read_bytes()[:300])
        data = ("task=evaluate", "data=lfw", f"data.root={photos}", f"data.groups={photos / 'groups.csv'}")
        (photos / "groups.csv").write_text("group,person\nA,P01\n")
        check_refused(cli(*data, f"model=[{model},{damaged}]"), "damaged.tflite")
        (photos / "groups.csv").write_text("person\nP01\n")
        check_refused(cli(*data, f"model={model}"), "groups.csv has the columns person")

    def test_no_model(self, cli: Command, photos: Path, tmp_path: Path) -> None:
        data = ("task=evaluate", "data=lfw", f"data.root={photos}")
        check_refused(cli(*data, f"model={tmp_path / 'absent.tflite'}"), "model=", "absent.tflite (No such file")
        (tmp_path / "model.h5").write_bytes(b"")
        check_refused(cli(*data, f"model={tmp_path / 'model.h5'}"), "Unknown kind of model file '.h5'", ".tflite")


class TestOutputFolder:
    def test_cannot_be_made(self, cli: Command, tiny: list[str], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        done = cli(*tiny, folder=tmp_path / "file" / "run")
        assert (done.code, done.out) == (EXIT_INVALID, "")
        assert done.text.startswith("nasface: Not a directory")
        assert "hydra.run.dir" in done.text

    @pytest.mark.parametrize("room", [1_000, 100_000, 2_000_000])
    def test_full_disk(self, cli: Command, tiny: list[str], room: int) -> None:
        """Files that may not grow past a limit stand in for a full disk; different artefacts hit it first."""
        with _file_size_limit(room):
            done = cli(*tiny, "supernet=random", "supernet.resolution=112")
        assert done.code == EXIT_INVALID, done.err
        assert "Traceback" not in done.err
        assert "free space" in done.text
        ours = [path for path in done.folder.iterdir() if path.is_file()]
        assert all(path.stat().st_size < room for path in ours), "a file stopped at the limit"
        assert not list(done.folder.rglob("*.tmp"))
        assert not {"model.tflite", "report.html"} & {path.name for path in done.folder.iterdir()}


class TestEnd:
    def test_interrupted(self, cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nasface.tasks.list_components.run", _raise(KeyboardInterrupt()))
        done = cli("task=list")
        assert done.code == EXIT_INTERRUPTED
        assert done.text.startswith("Interrupted")
        assert done.result["status"] == "interrupted"

    def test_defect(self, cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        """What nobody foresaw shows its traceback, once, and asks for a report."""
        monkeypatch.setattr("nasface.tasks.list_components.run", _raise(ZeroDivisionError("oh")))
        done = cli("task=list")
        assert done.code == EXIT_DEFECT
        assert done.err.count("Traceback") == 1
        assert done.text.endswith("please report it with the lines above.")
        assert done.result["message"] == "ZeroDivisionError: oh"
        assert "ZeroDivisionError: oh" in (done.folder / "nasface.log").read_text()


def _raise(error: BaseException) -> Callable[..., None]:
    def run(_: Any) -> None:
        raise error

    return run


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
