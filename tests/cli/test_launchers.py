"""One accuracy table by several processes of Hydra's launchers, joined; each as real processes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "space=ofa_mbv3",
    "space.width=0.25",
    "supernet.checkpoint=mine.pth",
    "supernet.resolution=32",
    "data=procedural",
    "data.people=120",
    "data.photos=5",
    "accuracy.calibration_photos=8",
    "accuracy.sampling=uniform",
    "accuracy.n_subnets=4",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32))
    ElasticSupernet(ElasticNetwork(space), "mine").save(tmp_path / "mine.pth")
    return tmp_path


def nasface(folder: Path, *arguments: str) -> str:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "NASFACE_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "nasface", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "package"),
    [("basic", None), ("joblib", "joblib"), ("ray", "ray"), ("submitit_local", "submitit")],
)
def test_shards_on_a_launcher(folder: Path, launcher: str, package: str | None) -> None:
    for module in () if package is None else (package, f"hydra_plugins.hydra_{package}_launcher"):
        if importlib.util.find_spec(module.partition(".")[0]) is None or importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install 'nasface[launchers]'")
    nasface(folder, "task=estimate_accuracy", "accuracy.table=whole.csv", *SMALL)
    shards = ("accuracy.table=mine.csv", "shards=2", "shard=range(2)", f"hydra/launcher={launcher}")
    nasface(folder, "-m", "task=estimate_accuracy", *shards, *SMALL)
    assert sorted(path.name for path in folder.glob("mine.*.csv")) == ["mine.0of2.csv", "mine.1of2.csv"]
    said = nasface(folder, "task=merge_tables", "accuracy.table=mine.csv", *SMALL)
    assert "4 subnets (4 uniform) of 2 files in mine.csv" in said
    whole, merged = ((folder / name).read_text().splitlines() for name in ("whole.csv", "mine.csv"))
    assert {line.split(",")[0] for line in merged} == {line.split(",")[0] for line in whole}
    before = (folder / "mine.0of2.csv").stat().st_mtime_ns
    nasface(folder, "task=estimate_accuracy", "accuracy.table=mine.csv", *SMALL)  # nothing is left to be measured
    assert (folder / "mine.0of2.csv").stat().st_mtime_ns == before
    assert (folder / "mine.csv").read_text().splitlines() == merged
