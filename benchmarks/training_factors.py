r"""One factor of the training recipe at a time: which options of a supernet's training matter, and by how much.

    python benchmarks/training_factors.py --root LFW --teacher descriptors.npy --names files.txt --csv FILE.csv \
        [--seeds 0 1 2] [--trials NAME ...]

Each trial is one short training with one thing changed, judged on validation people; "network" is the smallest
sub-network alone, "supernet" all that share their weights. FILE.csv gets a row per trial, seed and judged network;
rows that it has are not measured again, so the command goes on where it was stopped. A few factors are no option of
nasface: they are put in from here (`BESIDE_OPTIONS`). docs/results/recipe.md reads the rows.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

COLUMNS = ("what", "trial", "change", "seed", "network", "auc", "tar", "far", "steps", "cpu_seconds")
PLAN = "training.plan.sandwich"
COMMON = (
    "space.resolution=64 training.batch=64 training.cpu_threads=1 training.validate_every=1000 "
    f"{PLAN}.warmup_epochs=0.5 {PLAN}.validate=extremes"
)
BASES = {
    "network": f"{COMMON} {PLAN}.kernels=[3] {PLAN}.expands=[3] {PLAN}.depths=[2] training.ema=0",
    "supernet": COMMON,
}
AUGMENTATION = {"scale": 0.12, "rotate": 11.0, "shift": 0.08, "contrast": 0.3, "brightness": 0.1}
STRENGTH = "training.augmentation."


def augmented(factor: float) -> str:
    """All ranges times a factor."""
    return " ".join(f"{STRENGTH}{name}={value * factor:g}" for name, value in AUGMENTATION.items())


UNAUGMENTED = f"{augmented(0)} {STRENGTH}blur=0 {STRENGTH}tint=0"

NETWORK = {
    "base": "",
    "descriptors 2": "teacher.descriptors=2",
    "descriptors 8": "teacher.descriptors=8",
    "similarities 0": "teacher.similarities=0",
    "similarities 8": "teacher.similarities=8",
    "ArcFace 0": "loss.weight=0",
    "ArcFace 1": "loss.weight=1",
    "margin 0": "loss.margin=0",
    "smoothing 0": "loss.smoothing=0",
    "projection learned": "teacher.projection=learned",
    "span 0": "teacher.span=0",
    "span 2": "teacher.span=2",
    "teacher not centred": "",
    "average 0.99": "training.ema=0.99",
    "average 0.99, its statistics not calibrated": "training.ema=0.99",
    "augmentation none": UNAUGMENTED,
    "augmentation half": augmented(0.5),
    "augmentation 1.5 times": augmented(1.5),
    "no tint, no blur": f"{STRENGTH}tint=0 {STRENGTH}blur=0",
    "pairs of photos": "training.sampling=pairs",
    "photos drawn with replacement": "",
    "dropout 0.1": "training.dropout=0.1",
    "weight decay 0": "training.weight_decay=0",
    "weight decay 0.05": "training.weight_decay=0.05",
    "weight decay on norms too": "",
    "no clip": "training.clip=null",
    "clip 1": "training.clip=1",
    "rate's floor 5 %": "",
    "rate 1e-3": f"{PLAN}.learning_rate=1e-3",
    "rate 4e-3": f"{PLAN}.learning_rate=4e-3",
    "residuals not from zero": "training.zero_residual=false",
    "random erasing": "",
}
SUPERNET = {
    "base": "",
    "no shares": f"{PLAN}.largest=0 {PLAN}.smallest=0",
    "shares 0.25 and 0.25": f"{PLAN}.largest=0.25 {PLAN}.smallest=0.25",
    "sandwich of three, a third of the steps": f"{PLAN}.sandwich=true {PLAN}.subnets=3 {PLAN}.steps=100 "
    f"{PLAN}.warmup_epochs=0.167",
    "two a step, half of the steps": f"{PLAN}.subnets=2 {PLAN}.steps=150 {PLAN}.warmup_epochs=0.25",
    "average 0": "training.ema=0",
    "augmentation none": UNAUGMENTED,
    "augmentation half": augmented(0.5),
    "from 32 pixels, growing": "training.first_resolution=32 training.growth=0.75",
    "and the largest of the same step, sandwich of three": f"{PLAN}.sandwich=true {PLAN}.subnets=3 {PLAN}.steps=100 "
    f"{PLAN}.warmup_epochs=0.167",
}
TRIALS = {"network": NETWORK, "supernet": SUPERNET}


def not_centred() -> None:
    """The teacher's descriptors as they are, of unit length."""
    import numpy as np

    from nasface.training import assembly

    assembly.centred = lambda x: np.float32(x / np.linalg.norm(x, axis=1, keepdims=True))


def not_calibrated() -> None:
    """Networks are judged with the statistics that training left."""
    from nasface.training import validation

    validation.calibrate = lambda module, images: module


def with_replacement() -> None:
    """Photos of a pass are drawn independently."""
    from nasface.training import schedule

    def rows(self: schedule.Order, epoch: int) -> schedule.Rows:
        rng = schedule.generator(self._seed, schedule.ORDER, epoch)
        return rng.integers(len(self._labels), size=len(self._labels))

    schedule.Order._epoch_rows = rows


def norms_decay() -> None:
    """Weight decay of norms and biases too."""
    import torch

    from nasface.training import trainer

    def optimizer(student: torch.nn.Module, name: str, rate: float, momentum: float, decay: float) -> object:
        return torch.optim.AdamW(student.parameters(), rate, weight_decay=decay)

    trainer.build_optimizer = optimizer


def floor() -> None:
    """The rate falls to 5 % of its highest value, not to 0."""
    from nasface.training import schedule

    falling = schedule.Timeline.rate

    def rate(self: schedule.Timeline, step: int) -> float:
        return falling(self, step) if step < self.warmup else max(falling(self, step), 0.05 * self.learning_rate)

    schedule.Timeline.rate = rate


def erasing() -> None:
    """A rectangle of 2 to 20 % of the area is grey in half of the photos (Zhong et al., AAAI 2020)."""
    import torch

    from nasface.training import trainer

    plain = trainer.augment

    def augment(images: torch.Tensor, options: object, side: int, noise: torch.Generator) -> torch.Tensor:
        x = plain(images, options, side, noise)
        for photo in x:
            chance, area, aspect, top, left = torch.rand(5, generator=noise).tolist()
            if chance < 0.5:
                wide = side * math.sqrt(0.02 + 0.18 * area)
                stretch = 0.3 ** (0.5 - aspect)
                height, width = (min(side, max(1, round(wide * s))) for s in (stretch, 1 / stretch))
                y, z = round(top * (side - height)), round(left * (side - width))
                photo[:, y : y + height, z : z + width] = 0
        return x

    trainer.augment = augment


def in_place() -> None:
    """The largest network of the step teaches the others its descriptors, beside the teacher."""
    from nasface.training import step
    from nasface.training.teachers import descriptors_loss

    plain, seen = step.Student.losses, []

    def losses(self: step.Student, *given: object) -> step.Losses:
        hook = self.network.register_forward_hook(lambda module, inputs, descriptors: seen.append(descriptors))
        found = plain(self, *given)
        hook.remove()
        if (taught := given[-1]) is not None:
            found.terms["descriptors"] = found.terms["descriptors"] + 4 * descriptors_loss(seen[-1], taught.descriptors)
        seen.clear()
        return found

    step.Student.losses = losses


BESIDE_OPTIONS: dict[str, Callable[[], None]] = {
    "teacher not centred": not_centred,
    "average 0.99, its statistics not calibrated": not_calibrated,
    "photos drawn with replacement": with_replacement,
    "weight decay on norms too": norms_decay,
    "rate's floor 5 %": floor,
    "random erasing": erasing,
    "and the largest of the same step, sandwich of three": in_place,
}


def trained(folder: Path, what: str, trial: str, seed: int, given: list[str]) -> list[dict[str, object]]:
    """The rows of one trial: one for each network that its last validation judged."""
    changes = TRIALS[what][trial]
    options = [*BASES[what].split(), *given, *changes.split()]
    command = [sys.executable, __file__, "--inside", trial, "task=train_supernet", f"seed={seed}"]
    command += [f"training.folder={folder}/state", f"hydra.run.dir={folder}/run", *once(options)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{what}, {trial}, seed {seed} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    judged = list(csv.DictReader((folder / "state" / "validation.csv").open()))
    last = list(csv.DictReader((folder / "state" / "progress.csv").open()))[-1]
    change = "; ".join(filter(None, (changes, BESIDE_OPTIONS[trial].__doc__ if trial in BESIDE_OPTIONS else "")))
    known = {"what": what, "trial": trial, "change": change, "seed": seed, "steps": judged[-1]["step"]}
    spent = {"cpu_seconds": round(float(last["cpu_seconds"]))}
    rows = [row for row in judged if row["step"] == judged[-1]["step"]]
    return [known | spent | {c: row[c] for c in ("network", "auc", "tar", "far")} for row in rows]


def once(options: list[str]) -> list[str]:
    """Options with the last value of each."""
    return list({option.partition("=")[0]: option for option in options}.values())


def main() -> None:
    """Measure what is missing."""
    if sys.argv[1:2] == ["--inside"]:
        trial = sys.argv[2]
        if trial in BESIDE_OPTIONS:
            BESIDE_OPTIONS[trial]()
        from nasface.cli import main as nasface

        sys.argv = ["nasface", *sys.argv[3:]]
        return nasface()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--root", required=True, help="folder or tar of LFW, with its lists of people")
    parser.add_argument("--teacher", required=True, help=".npy of the teacher's descriptors")
    parser.add_argument("--names", required=True, help="names of its photos")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--what", nargs="+", default=["network", "supernet"], choices=list(TRIALS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=300, help="of a trial; another number needs another CSV")
    parser.add_argument("--trials", nargs="+", help="some of them by name; all if not given")
    given = parser.parse_args()
    options = ["data=lfw", f"data.root={given.root}", "teacher=descriptors"]
    options += [f"teacher.file={given.teacher}", f"teacher.names={given.names}", f"{PLAN}.steps={given.steps}"]
    for seed in given.seeds:
        for what in given.what:
            for trial in given.trials or TRIALS[what]:
                if trial in TRIALS[what] and (what, trial, str(seed)) not in known_rows(given.csv):
                    with tempfile.TemporaryDirectory() as folder:
                        append(given.csv, trained(Path(folder), what, trial, seed, options))


def known_rows(path: Path) -> set[tuple[str, str, str]]:
    """Trials that are measured."""
    if not path.exists():
        return set()
    return {(row["what"], row["trial"], row["seed"]) for row in csv.DictReader(path.open())}


def append(path: Path, rows: list[dict[str, object]]) -> None:
    """Write rows at the end of the file, and say them."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*(row[c] for c in COLUMNS if c != "change"), sep=" | ", flush=True)


if __name__ == "__main__":
    main()
