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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nasface.errors import InvalidInput, UnknownName
from nasface.spaces import OfaMbv3
from nasface.supernets.elastic import ElasticNetwork
from nasface.training.augmentation import augment
from nasface.training.log import CsvLog
from nasface.training.options import Phase, TrainingConfig
from nasface.training.photos import Photos
from nasface.training.schedule import (
    AUGMENTATION,
    SUBNETS,
    Order,
    SubnetSampler,
    Timeline,
    generator,
    resolution_at,
)
from nasface.training.state import Checkpoints, State
from nasface.training.step import Batch, Student, accumulate, average_gradients, build_optimizer, follow
from nasface.training.validation import Judges, validation_list

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What listeners are told after every step.

    Attributes:
        phase: Name of the phase.
        step: Steps done of the whole training.
        total: Steps of the whole training.
        values: Loss, terms, learning rate and resolution of the last steps; empty between lines of the log.
        validation: What was just validated: network, then metric.
    """

    phase: str
    step: int
    total: int
    values: Mapping[str, Any] = field(default_factory=dict)
    validation: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


Listener = Callable[[Progress], None]


@dataclass
class Position:
    """Where the training stands: all that is not weights.

    Attributes:
        phase: Index of the phase.
        step: Steps done in it.
        total: Steps done in all phases.
        best: Best mean AUC of the phase.
        seconds: Time trained, over all interruptions.
        cpu_seconds: Processor time of this process likewise: what a budget is counted in on a machine that is shared.
        sums: Terms since the last line of the log, and how many steps they are of.
    """

    phase: int = 0
    step: int = 0
    total: int = 0
    best: float = -1.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sums: dict[str, Any] = field(default_factory=dict)


class Trainer:
    """Trains a student through phases.

    Args:
        config: Of the training.
        student: What is trained; its network's space is the whole space.
        photos: Training photos.
        judges: Validation photos.
        seed: Of everything random.
        checkpoints: Where the state lives.
        fabric: Lightning Fabric, launched.
        listener: Told after every step, in the first process only.
    """

    def __init__(
        self,
        config: TrainingConfig,
        student: Student,
        photos: Photos,
        judges: Judges,
        seed: int,
        checkpoints: Checkpoints,
        fabric: Any,
        listener: Listener = lambda progress: None,
    ) -> None:
        self.config, self.student, self.photos, self.judges, self.seed = config, student, photos, judges, seed
        self.checkpoints, self.fabric, self.listener = checkpoints, fabric, listener
        self.space: OfaMbv3 = student.network.space
        self.phases = chosen_phases(config)
        self.order = Order(photos.labels, config.batch * fabric.world_size, seed, config.sampling)
        self.timelines = [
            Timeline.of(phase, self.order.per_epoch, config.scale, fabric.world_size) for _, phase in self.phases
        ]
        self.total = sum(timeline.steps for timeline in self.timelines)
        self.at = Position()
        terms = ["loss", *self._terms()]
        self.log = CsvLog(
            checkpoints.folder / "progress.csv",
            ["step", "phase", "epoch", "resolution", "learning_rate", *terms, "seconds", "cpu_seconds"],
        )
        self.validations = CsvLog(
            checkpoints.folder / "validation.csv", ["step", "phase", "network", "auc", "tar", "far", "seconds"]
        )

    def run(self) -> ElasticNetwork:
        """Train what is left of all phases; returns the best network of the last one."""
        state = self.checkpoints.load()
        if state is not None:
            self.at = Position(**state["position"])
            logger.info("going on after step %d of %d", self.at.total, self.total)
        if self.fabric.is_global_zero:
            self.log.rewind(self.at.total)
            self.validations.rewind(self.at.total)
        while self.at.phase < len(self.phases):
            self._run_phase(state)
            state = None
        return self.average if self.config.ema else self.student.network

    def _run_phase(self, state: State | None) -> None:
        """One phase, from its beginning or from a state inside it."""
        name, phase = self.phases[self.at.phase]
        timeline = self.timelines[self.at.phase]
        sampler = SubnetSampler(self.space, phase)
        self._prepare(phase, state)
        every = max(1, round(self.config.validate_every * self.order.per_epoch))
        saved = time.monotonic()
        while self.at.step < timeline.steps:
            began, began_cpu = time.monotonic(), time.process_time()
            self._step(phase, timeline, sampler)
            self.at.seconds += time.monotonic() - began
            self.at.cpu_seconds += time.process_time() - began_cpu
            last = self.at.step == timeline.steps
            if last or self.at.step % every == 0:
                self._validate(name, phase, sampler)
            if last or self._due(saved):
                self._save(finished=last)
                saved = time.monotonic()
        self._finish_phase(name)

    def _prepare(self, phase: Phase, state: State | None) -> None:
        """Optimiser and running average of a phase; weights are the state's, or those there are."""
        self.student.train()
        if state is None and phase.sort:
            raise NotImplementedError
        self.optimizer = build_optimizer(
            self.student, self.config.optimizer, phase.learning_rate, self.config.momentum, self.config.weight_decay
        )
        self.average = copy.deepcopy(self.student.network) if self.config.ema else self.student.network
        if state is not None:
            self.student.load_state_dict(state["student"])
            if self.config.ema:
                self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])

    def _step(self, phase: Phase, timeline: Timeline, sampler: SubnetSampler) -> None:
        step, progress = self.at.step, self.at.step / timeline.steps
        key = (self.at.phase, step)
        for group in self.optimizer.param_groups:
            group["lr"] = timeline.rate(step)
        resolution = resolution_at(progress, self.config.first_resolution, self.config.growth, self.space.resolution)
        noise = torch.Generator().manual_seed(
            int(generator(self.seed, AUGMENTATION, *key, self.fabric.global_rank).integers(2**62))
        )
        batch = self._batch(step, resolution, noise)
        genotypes = sampler.draw(generator(self.seed, SUBNETS, *key))
        self.optimizer.zero_grad(set_to_none=True)
        terms = accumulate(self.fabric, self.student, batch, genotypes, progress, noise)
        parameters = list(self.student.parameters())
        if self.fabric.world_size > 1:
            average_gradients(self.fabric, parameters)
        if self.config.clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.config.clip, foreach=True)
        self.optimizer.step()
        if self.config.ema:
            follow(self.average, self.student.network, min(self.config.ema, (1 + step) / (10 + step)))
        self.at.step, self.at.total = step + 1, self.at.total + 1
        self._note(terms, resolution, timeline.rate(step))

    def _batch(self, step: int, resolution: int, noise: torch.Generator) -> Batch:
        rows = np.array_split(self.order.rows(step), self.fabric.world_size)[self.fabric.global_rank]
        images, rows = self.photos.batch(rows)
        x = augment(self._on_device(images), self.config.augmentation, resolution, noise)
        return Batch(x, self._on_device(self.photos.labels[rows]), self._on_device(rows))

    def _on_device(self, array: Any) -> Tensor:
        tensor: Tensor = torch.from_numpy(array).to(self.fabric.device)
        return tensor

    def _note(self, terms: Mapping[str, Tensor], resolution: int, rate: float) -> None:
        """Add to the means of the log, and write a line when it is time."""
        sums = self.at.sums
        for term, value in terms.items():
            sums[term] = sums.get(term, 0.0) + float(value)
        sums["steps"] = sums.get("steps", 0) + 1
        name = self.phases[self.at.phase][0]
        values: dict[str, Any] = {}
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
        self.listener(Progress(name, self.at.total, self.total, values))

    def _validate(self, name: str, phase: Phase, sampler: SubnetSampler) -> None:
        """Judge the phase's list of networks; keep the weights if their mean AUC is the best of the phase."""
        if not self.fabric.is_global_zero:
            return
        found = self.judges.judge(self.average, validation_list(sampler.space, phase.validate))
        for network, values in found.items():
            self.validations.append(
                {"step": self.at.total, "phase": name, "network": network, **values, "seconds": self.at.seconds}
            )
        mean = float(np.mean([values["auc"] for values in found.values()]))
        if mean > self.at.best:
            self.at.best = mean
            self.checkpoints.write(self._best(name), {"network": self.average.state_dict(), "step": self.at.total})
        self.listener(Progress(name, self.at.total, self.total, {}, found))

    def _save(self, *, finished: bool) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {
            "position": dict(vars(self.at)),
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.config.ema:
            state["average"] = self.average.state_dict()
        self.checkpoints.save(self.at.total, state)

    def _finish_phase(self, name: str) -> None:
        """Go on with the best weights of the phase."""
        self.fabric.barrier()
        best = torch.load(self._best(name), map_location=self.fabric.device, weights_only=True)
        self.student.network.load_state_dict(best["network"])
        if self.config.ema:
            self.average.load_state_dict(best["network"])
        self.at = dataclasses.replace(self.at, phase=self.at.phase + 1, step=0, best=-1.0)

    def _due(self, saved: float) -> bool:
        due = time.monotonic() - saved >= 60 * self.config.checkpoint_minutes
        return bool(self.fabric.broadcast(due)) if self.fabric.world_size > 1 else due

    def _best(self, name: str) -> Any:
        return self.checkpoints.folder / f"best-{name}.pt"

    def _terms(self) -> list[str]:
        terms = [self.student.loss.config.name] if self.student.loss.config.weight else []
        return terms + (["descriptors", "similarities"] if self.student.teacher is not None else [])


def chosen_phases(config: TrainingConfig) -> list[tuple[str, Phase]]:
    """The phases to run, in order.

    Raises:
        UnknownName: One is not in the plan.
        InvalidInput: There are none.
    """
    names = list(config.plan) if config.phases is None else config.phases
    for name in names:
        if name not in config.plan:
            raise UnknownName("phase", name, config.plan)
    if not names or len(set(names)) < len(names):
        raise InvalidInput(f"training.phases is {names}; name each phase once, of {', '.join(config.plan)}.")
    return [(name, config.plan[name]) for name in names]
