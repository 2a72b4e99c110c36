"""The trainer: bit-for-bit resume after SIGKILL, phases, checkpoints, refusals."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nasface.errors import CheckpointError, InvalidInput
from nasface.spaces import OfaMbv3
from nasface.training.log import TrainingUpdate
from nasface.training.networks import TrainableSupernet
from nasface.training.objectives import LargestTeacherConfig
from nasface.training.options import Phase
from nasface.training.state import Checkpoints
from nasface.training.trainer import Trainer

from ._tiny import tiny_space, tiny_trainer, weights

Make = Callable[..., Trainer]

KILLED = """
import os, signal, sys, torch
from pathlib import Path
from tests.training._tiny import tiny_trainer
torch.set_num_threads(1)
def listener(told):
    if told.step == 4 and told.values:
        os.kill(os.getpid(), signal.SIGKILL)
tiny_trainer(Path(sys.argv[1]), listener).run()
"""


def test_killed_run_goes_on_bit_for_bit(trainer: Make, tmp_path: Path) -> None:
    """The child is killed in step 4, after its update and before its checkpoint: step 3 is what it goes on from."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    told: list[TrainingUpdate] = []
    resumed, straight = trainer("killed", listener=told.append), trainer("straight")
    assert resumed.checkpoints.steps()[-1] == 3
    resumed.run()
    straight.run()
    assert told[0].step == 4
    wanted, found = weights(straight), weights(resumed)
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(wanted[name], found[name])] == []
    timed = {"seconds", "cpu_seconds"}
    logs = [[{k: v for k, v in row.items() if k not in timed} for row in t.log.rows()] for t in (straight, resumed)]
    assert logs[0] == logs[1]
    assert [row["step"] for row in logs[0]] == ["2", "4", "6"]


def test_a_state_cut_short_is_passed_over(trainer: Make) -> None:
    first = trainer()
    first.run()
    last = first.checkpoints.folder / "state-00000006.pt"
    last.write_bytes(last.read_bytes()[:1000])
    again = trainer()
    assert again.checkpoints.steps() == [5, 6]
    again.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(again).values(), weights(first).values(), strict=True))


def test_phases_go_on_from_the_best_weights(trainer: Make) -> None:
    plan = {
        "one": Phase(2e-3, steps=2, kernels=[7], expands=[6], depths=[4]),
        "two": Phase(2e-3, steps=2, subnets=2, sort=True, expands=[4, 6]),
    }
    told: list[TrainingUpdate] = []
    both = trainer(plan=plan, ema=0.0, listener=told.append, live=LargestTeacherConfig(features=0.5))
    both.run()
    steps = [(t.phase, t.step) for t in told if not t.validation]
    assert steps == [("one", 1), ("one", 2), ("two", 3), ("two", 4)]
    names = [list(t.validation) for t in told if t.validation]
    assert names[0] == ["k7 e6 d4"]
    assert len(names[1]) == 8
    folder = both.checkpoints.folder
    assert {path.name for path in folder.glob("best-*.pt")} == {"best-one.pt", "best-two.pt"}
    assert (folder / "teacher.pt").is_file(), "the largest network of the first phase teaches the second"
    rows = both.log.rows()
    assert rows[0]["logits"] == ""
    assert float(rows[1]["logits"]) > 0
    assert float(rows[1]["features"]) > 0


@pytest.mark.slow
def test_second_phase_resumes_bit_for_bit(trainer: Make) -> None:
    plan = {"one": Phase(2e-3, steps=1, expands=[6]), "two": Phase(2e-3, steps=3, sort=True)}
    options: dict[str, Any] = {"plan": plan, "live": LargestTeacherConfig(), "keep": 9, "optimizer": "sgd"}

    class Stop(Exception):
        pass

    def stop(told: TrainingUpdate) -> None:
        if told.step == 3:
            raise Stop

    straight, broken = trainer("straight", **options), trainer("broken", listener=stop, **options)
    options["plan"]["one"].kernels = None
    for made in (straight, broken):
        made.config.init = "given"  # so that the largest network may teach
    straight.run()
    with pytest.raises(Stop):
        broken.run()
    resumed = trainer("broken", **options)
    resumed.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(straight).values(), weights(resumed).values(), strict=True))


def test_in_place_distillation(trainer: Make) -> None:
    plan = {"sandwich": Phase(2e-3, steps=2, subnets=3, sandwich=True, validate="extremes")}
    made = trainer(plan=plan, live=LargestTeacherConfig())
    made.run()
    assert float(made.log.rows()[0]["logits"]) > 0
    assert not (made.checkpoints.folder / "teacher.pt").exists()


def test_an_untrained_teacher_is_refused(trainer: Make) -> None:
    with pytest.raises(InvalidInput, match=r"begin with the phase full, give training.init"):
        trainer(live=LargestTeacherConfig()).run()


def test_training_learns(trainer: Make) -> None:
    plan = {"sandwich": Phase(steps=40, learning_rate=5e-3, warmup_epochs=1, largest=0.5, validate="extremes")}
    made = trainer(plan=plan, dropout=0.0, checkpoint_minutes=9.0)
    made.run()
    rows = made.log.rows()
    assert float(rows[-1]["loss"]) < 0.9 * float(rows[0]["loss"])


def test_a_diverged_training_ends_with_a_sentence(trainer: Make) -> None:
    made = trainer()
    with torch.no_grad():
        made.student.network.get_parameter("first_conv.conv.weight").fill_(float("nan"))
    with pytest.raises(InvalidInput, match=r"diverged .*lower training.plan.PHASE.learning_rate"):
        made.run()
    assert made.checkpoints.steps() == []


def test_last_checkpoints_are_kept(trainer: Make) -> None:
    made = trainer(keep=3)
    made.run()
    assert made.checkpoints.steps() == [4, 5, 6]
    with pytest.raises(InvalidInput, match="1 or more"):
        trainer(keep=0)


def test_other_options_are_refused(tmp_path: Path) -> None:
    first = Checkpoints(tmp_path, 2)
    first.claim({"training": {"batch": 16}, "seed": 0})
    first.claim({"training": {"batch": 64}, "seed": 0})
    first.save(1, {})
    Checkpoints(tmp_path, 2).claim({"training": {"batch": 64}, "seed": 0})
    with pytest.raises(CheckpointError, match=r"training.batch was 64, is 32.*another training.folder"):
        Checkpoints(tmp_path, 2).claim({"training": {"batch": 32}, "seed": 0})


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("write failed")])
def test_a_full_disk_loses_nothing(trainer: Make, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    save = torch.save

    def full(state: Any, path: Path) -> None:
        if "position" in state and state["position"]["total"] == 4:
            path.write_bytes(b"half")
            raise error
        save(state, path)

    monkeypatch.setattr("torch.save", full)
    made = trainer()
    with pytest.raises(CheckpointError, match="the checkpoint of step 3 is kept: make room"):
        made.run()
    assert not list(made.checkpoints.folder.glob(".*"))
    monkeypatch.setattr("torch.save", save)
    again = trainer()
    again.run()
    assert again.at.total == 6


def test_kept_weights_are_a_supernet_of_the_space(trainer: Make) -> None:
    made = trainer()
    network = made.run()
    space = network.space
    assert isinstance(space, OfaMbv3)
    x = torch.randn(4, 3, 32, 32)
    for genotype in space.sample(np.random.default_rng(0), 3):
        assert network(x, genotype).shape == (4, 24)


def test_the_seed_decides_initial_weights(tmp_path: Path) -> None:
    """Two trainers with one seed start from the same weights, with another seed from others."""
    one, two = (tiny_trainer(tmp_path / str(i)) for i in range(2))
    other = tiny_trainer(tmp_path / "other", seed=4)
    same = [torch.equal(a, b) for a, b in zip(one.student.parameters(), two.student.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(next(one.student.parameters()), next(other.student.parameters()))


def test_a_network_can_begin_with_identity_blocks() -> None:
    network = TrainableSupernet(tiny_space(), 2)
    network.begin_as_identity()
    gains = {name: value for name, value in network.state_dict().items() if name.endswith("point_linear.bn.bn.weight")}
    zero = [index for index in range(1, 21) if not gains[f"blocks.{index}.conv.point_linear.bn.bn.weight"].any()]
    assert zero == [index for index in range(1, 21) if index % 4 != 1], "all but the first block of every stage"
    assert not network.state_dict()["blocks.0.conv.point_linear.bn.weight"].any()
