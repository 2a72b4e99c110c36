"""The main flow of training, kept readable on purpose: phases, steps, validations, checkpoints.

A run is a function of its options: photos, sub-networks and augmentation of a step depend on the seed, the phase and
the step alone, so that a run that goes on from a checkpoint equals one that was never stopped, bit for bit (one process
on a CPU with the same number of threads).
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.training.augmentation import augment
from nasface.training.log import CsvLog, Listener, Position, TrainingUpdate
from nasface.training.networks import Trainable
from nasface.training.options import Phase, TrainingConfig
from nasface.training.phases import chosen_phases
from nasface.training.photos import Photos, Rows
from nasface.training.schedule import (
    AUGMENTATION,
    SUBNETS,
    Order,
    Timeline,
    generator,
    resolution_at,
)
from nasface.training.state import Checkpoints, State, read_state
from nasface.training.step import PhotoBatch, Student, accumulate, average_gradients, build_optimizer, follow
from nasface.training.teachers import NetworkTeacher, Teacher
from nasface.training.underway import Underway
from nasface.training.validation import Judges, check_finite

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)

TEACHER = "teacher.pt"
"""File of a training's folder: the supernet whose largest network teaches."""


class Trainer:
    """Trains a student through phases.

    Args:
        config: Of the training.
        student: What is trained.
        photos: Training photos.
        judges: Validation photos.
        seed: Of everything random.
        checkpoints: Where the state lives.
        fabric: Lightning Fabric, launched.
        teacher: Asked about every batch, or None; the largest network of the supernet itself is not given here.
        listener: Told after every step, in the first process only.

    Attributes:
        best: The network with the best weights of the last phase that was finished.

    Raises:
        NasfaceError: The options do not fit each other or the photos; nothing was trained yet.
    """

    def __init__(
        self,
        config: TrainingConfig,
        student: Student,
        photos: Photos,
        judges: Judges,
        seed: int,
        checkpoints: Checkpoints,
        fabric: Fabric,
        teacher: Teacher | None = None,
        listener: Listener = lambda progress: None,
    ) -> None:
        self.config, self.student, self.photos, self.judges, self.seed = config, student, photos, judges, seed
        self.checkpoints, self.fabric, self.listener, self.given_teacher = checkpoints, fabric, listener, teacher
        self.resolution = student.network.resolution
        self.phases = chosen_phases(config)
        self.samplers = [student.network.sampler(phase) for _, phase in self.phases]
        self.order = Order(photos.labels, config.batch * fabric.world_size, seed, config.sampling)
        self.timelines = [
            Timeline.of(phase, self.order.per_epoch, config.scale, fabric.world_size) for _, phase in self.phases
        ]
        self.total = sum(timeline.steps for timeline in self.timelines)
        self.at, self.best = Position(), student.network
        columns = ["step", "phase", "epoch", "resolution", "learning_rate", "loss", *student.terms()]
        self.log = CsvLog(checkpoints.folder / "progress.csv", [*columns, "seconds", "cpu_seconds"])
        columns = ["step", "phase", "network", "auc", "tar", "far", "seconds"]
        self.validations = CsvLog(checkpoints.folder / "validation.csv", columns)

    def run(self) -> Trainable:
        """Train what is left of all phases; returns the best network of the last one."""
        state = self.checkpoints.load()
        if state is not None:
            self.at = Position(**state["position"])
            logger.info("going on after step %d of %d", self.at.total, self.total)
        if self.fabric.is_global_zero:
            self.log.rewind(self.at.total)
            self.validations.rewind(self.at.total)
        while self.at.phase < len(self.phases):
            self.best = self._train(self._begin(state))
            state = None
        return self.best

    def _train(self, now: Underway) -> Trainable:
        """What is left of a phase; returns its best network."""
        every = max(1, round(self.config.validate_every * self.order.per_epoch))
        saved = time.monotonic()
        while self.at.step < now.timeline.steps:
            began, began_cpu = time.monotonic(), time.process_time()
            self._step(now)
            self.at.seconds += time.monotonic() - began
            self.at.cpu_seconds += time.process_time() - began_cpu
            last = self.at.step == now.timeline.steps
            if last or self.at.step % every == 0:
                self._validate(now)
            if last or self._due(saved):
                self._save(now)
                saved = time.monotonic()
        return self._finish(now)

    def _begin(self, state: State | None) -> Underway:
        """The phase at hand, from its beginning or from a state inside it."""
        name, phase = self.phases[self.at.phase]
        network, options = self.student.network, self.config
        self.student.train()
        if state is None:
            network.begin(options, name, phase)
        optimizer = build_optimizer(
            self.student, options.optimizer, phase.learning_rate, options.momentum, options.weight_decay
        )
        average = copy.deepcopy(network) if options.ema else network
        if state is not None:
            self.student.load_state_dict(state["student"])
            optimizer.load_state_dict(state["optimizer"])
            if options.ema:
                average.load_state_dict(state["average"])
        if self._learns_from_frozen(phase):
            self._keep_largest()
        timeline, sampler = self.timelines[self.at.phase], self.samplers[self.at.phase]
        return Underway(name, phase, timeline, sampler, optimizer, average, self._teacher(phase))

    def _teacher(self, phase: Phase) -> Teacher | None:
        """Whom a phase learns from: who was given, or what the largest network of the supernet itself was."""
        live, network = self.student.live, self.student.network
        if self.given_teacher is not None or live is None or live.name != "largest" or phase.sandwich:
            return self.given_teacher
        if not self._learns_from_frozen(phase):
            return None
        frozen = copy.deepcopy(network)
        frozen.load_state_dict(read_state(self.checkpoints.folder / TEACHER)["network"])
        return NetworkTeacher(frozen, frozen.largest, self.student.loss, bool(self.student.feature_weight))

    def _learns_from_frozen(self, phase: Phase) -> bool:
        """Whether the largest network teaches a phase as it was before the first elastic one."""
        live = self.student.live
        largest = live is not None and live.name == "largest" and not phase.sandwich
        return largest and self.student.network.is_elastic(phase)

    def _keep_largest(self) -> None:
        """Write the weights that the first elastic phase begins with; all elastic phases learn from them."""
        path = self.checkpoints.folder / TEACHER
        if self.fabric.is_global_zero and not path.exists():
            if self.at.total == 0 and self.config.init is None:
                raise InvalidInput(
                    "teacher=largest needs a trained largest network: begin with the phase full, give training.init, "
                    "or let it teach while it learns with sandwich=true."
                )
            self.checkpoints.write(path, {"network": self.student.network.state_dict()})
        self.fabric.barrier()

    def _step(self, now: Underway) -> None:
        """Draw, accumulate gradients, update."""
        timeline = now.timeline
        step, progress, key = self.at.step, self.at.step / timeline.steps, (self.at.phase, self.at.step)
        for group in now.optimizer.param_groups:
            group["lr"] = timeline.rate(step)
        resolution = resolution_at(progress, self.config.first_resolution, self.config.growth, self.resolution)
        drawn = generator(self.seed, AUGMENTATION, *key, self.fabric.global_rank).integers(2**62)
        noise = torch.Generator().manual_seed(int(drawn))
        batch = self._batch(step, resolution, noise)
        genotypes = now.sampler.draw(generator(self.seed, SUBNETS, *key))
        now.optimizer.zero_grad(set_to_none=True)
        terms = accumulate(
            self.fabric, self.student, batch, genotypes, progress, noise, now.teacher, now.phase.sandwich
        )
        self._update(now, step)
        self.at.step, self.at.total = step + 1, self.at.total + 1
        self._note(terms, resolution, timeline.rate(step))

    def _update(self, now: Underway, step: int) -> None:
        parameters = list(self.student.parameters())
        if self.fabric.world_size > 1:
            average_gradients(self.fabric, parameters)
        if self.config.clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.config.clip, foreach=True)
        now.optimizer.step()
        if self.config.ema:  # a short memory at first, so that the random start is forgotten
            follow(now.average, self.student.network, min(self.config.ema, (1 + step) / (10 + step)))

    def _batch(self, step: int, resolution: int, noise: torch.Generator) -> PhotoBatch:
        images, rows = self.photos.batch(self._rows(step))
        self.photos.expect(self._rows(step + 1))
        x = augment(self._on_device(images), self.config.augmentation, resolution, noise)
        return PhotoBatch(x, self._on_device(self.photos.labels[rows]), self._on_device(rows))

    def _rows(self, step: int) -> Rows:
        """This process's share."""
        share: Rows = np.array_split(self.order.rows(step), self.fabric.world_size)[self.fabric.global_rank]
        return share

    def _on_device(self, array: npt.NDArray[np.generic]) -> Tensor:
        tensor: Tensor = torch.from_numpy(array).to(self.fabric.device)
        return tensor

    def _note(self, terms: Mapping[str, Tensor], resolution: int, rate: float) -> None:
        """Add to the means of the log, and write a line when it is time."""
        sums = self.at.sums
        for term, value in zip(terms, torch.stack(list(terms.values())).tolist(), strict=True):  # waits for a GPU once
            check_finite(value)
            sums[term] = sums.get(term, 0.0) + value
        sums["steps"] = sums.get("steps", 0) + 1
        name = self.phases[self.at.phase][0]
        values: dict[str, float] = {}
        if self.at.total % self.config.log_every == 0:
            steps = sums.pop("steps")
            means = {term: value / steps for term, value in sums.items()}
            values = {"loss": sum(means.values()), **means, "learning_rate": rate, "resolution": resolution}
            self.at.sums = {}
        if not self.fabric.is_global_zero:
            return
        if values:
            epoch = self.at.step / self.order.per_epoch
            spent = {"seconds": self.at.seconds, "cpu_seconds": self.at.cpu_seconds}
            self.log.append({"step": self.at.total, "phase": name, "epoch": epoch, **values, **spent})
        self.listener(TrainingUpdate(name, self.at.total, self.total, values))

    def _validate(self, now: Underway) -> None:
        """Judge the phase's list of networks; keep the weights if their mean AUC is the best of the phase."""
        if not self.fabric.is_global_zero:
            return
        name, judged = now.name, now.sampler.judged()
        found = {
            network: self.judges.judge(now.average.cut(genotype).to(self.fabric.device))
            for network, genotype in judged.items()
        }
        spent = {"seconds": self.at.seconds}
        for network, values in found.items():
            self.validations.append({"step": self.at.total, "phase": name, "network": network, **values, **spent})
        if self.config.snapshots:
            path = self.checkpoints.folder / f"weights-{self.at.total:08d}.pt"
            self.checkpoints.write(path, {"network": now.average.state_dict(), "step": self.at.total})
        mean = float(np.mean([values["auc"] for values in found.values()]))
        if mean > self.at.best:
            self.at.best = mean
            self.checkpoints.write(self._best(name), {"network": now.average.state_dict(), "step": self.at.total})
        self.listener(TrainingUpdate(name, self.at.total, self.total, {}, found))

    def _save(self, now: Underway) -> None:
        if not self.fabric.is_global_zero:
            return
        weights = {"student": self.student.state_dict(), "optimizer": now.optimizer.state_dict()}
        if self.config.ema:
            weights["average"] = now.average.state_dict()
        self.checkpoints.save(self.at.total, {"position": dict(vars(self.at)), **weights})

    def _finish(self, now: Underway) -> Trainable:
        """Go on with the best weights of the phase, and return the network that has them."""
        self.fabric.barrier()
        best = read_state(self._best(now.name))
        self.student.network.load_state_dict(best["network"])
        if self.config.ema:
            now.average.load_state_dict(best["network"])
        self.at = dataclasses.replace(self.at, phase=self.at.phase + 1, step=0, best=-1.0)
        return now.average

    def _due(self, saved: float) -> bool:
        due = time.monotonic() - saved >= 60 * self.config.checkpoint_minutes
        return bool(self.fabric.broadcast(due)) if self.fabric.world_size > 1 else due

    def _best(self, name: str) -> Path:
        return self.checkpoints.folder / f"best-{name}.pt"
