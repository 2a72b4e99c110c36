"""Types, meaning and defaults of the group `training`. Schedules are YAML: `conf/training/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from nasface.configs import existing


@dataclass
class Phase:
    """One phase: which sub-networks it trains, for how long, how fast.

    Attributes:
        learning_rate: At the end of the warm-up, for one process; it falls to 0 along a cosine.
        epochs: Passes over the training photos, without the warm-up; a fraction is allowed. Needed without `steps`.
        warmup_epochs: Passes before them, in which the learning rate rises linearly.
        warmup_learning_rate: At the start of the warm-up.
        steps: Number of steps instead of epochs, warm-up included; None takes the epochs.
        subnets: Sub-networks a step; their gradients are summed. 3 or more with `sandwich`.
        sandwich: Train the largest and the smallest network in every step, the other sub-networks being random.
        largest: Chance that a random sub-network is the largest instead.
        smallest: Chance that it is the smallest.
        kernels: Kernel sizes that sub-networks are drawn from; None takes all of the space.
        expands: Expand ratios likewise.
        depths: Depths likewise.
        sort: Sort channels by importance before the phase, so that the most important ones come first.
        validate: "corners" judges OFA's list of networks, "extremes" the smallest and the largest alone.
    """

    learning_rate: float
    epochs: float | None = None
    warmup_epochs: float = 0.0
    warmup_learning_rate: float = 0.0
    steps: int | None = None
    subnets: int = 1
    sandwich: bool = False
    largest: float = 0.0
    smallest: float = 0.0
    kernels: list[int] | None = None
    expands: list[int] | None = None
    depths: list[int] | None = None
    sort: bool = False
    validate: str = "corners"


@dataclass
class Augmentation:
    """What is done to photos, in ranges drawn uniformly for every photo anew.

    Attributes:
        flip: Chance of a mirror image.
        scale: Size, 1 - scale to 1 + scale.
        rotate: Degrees to either side.
        shift: Fraction of the side, in either direction.
        contrast: Gain, 1 / (1 + contrast) to 1 + contrast.
        brightness: Fraction of the full range to either side.
        blur: Chance of a blur with a 3 x 3 binomial filter.
        tint: Chance of a random gain for every colour channel.
    """

    flip: float = 0.5
    scale: float = 0.12
    rotate: float = 11.0
    shift: float = 0.08
    contrast: float = 0.3
    brightness: float = 0.1
    blur: float = 0.2
    tint: float = 0.5


@dataclass
class TrainingConfig:
    """How a supernet is trained.

    Attributes:
        name: What reports call the schedule.
        folder: Where the state lives: checkpoints, log, the finished supernet. The same command with the same folder
            goes on after an interruption; it has to be given because run folders are new with every command.
        init: Checkpoint to start from (`.pth` or `.safetensors`); None starts from random weights. Without a classifier
            for the training people, theirs begins with their mean descriptors.
        zero_residual: Start every residual block as the identity (its last norm's gain is 0), where `init` is null: a
            network of random weights then begins to learn sooner. OFA does not.
        phases: Names of the phases of `plan` to run, in this order; None runs all.
        plan: The phases by name, in their order.
        scale: Factor on all epochs of the plan, for small budgets.
        batch: Photos a step and process.
        photos: "memory" decodes all photos once, "stream" decodes every batch anew, "auto" takes memory up to 2 GB.
        sampling: "uniform" takes every photo once an epoch; "pairs" draws people and two photos of each.
        optimizer: "sgd" (momentum, Nesterov) or "adamw".
        momentum: Of SGD.
        weight_decay: Of convolutions and the head; transform matrices, norms and biases have none.
        clip: Largest norm of the gradient; None for no limit.
        ema: Decay of the running average of the weights that is validated and kept; 0 keeps the weights themselves.
        dropout: Share of descriptor numbers dropped before the head.
        first_resolution: Resolution at the beginning, growing in steps of 16 pixels; None trains at the space's.
        growth: Fraction of a phase after which the space's resolution is reached.
        augmentation: What is done to photos.
        validate_every: Epochs between validations; the end of a phase is always validated.
        validation_photos: Photos of validation people at most (of training people where there are none).
        calibration_photos: Photos of training people that calibrate batch normalisation for a validation.
        checkpoint_minutes: Time between checkpoints: what a killed run loses at most.
        keep: Number of last checkpoints that are kept, beside the best weights of every phase.
        snapshots: Also keep the weights of every validation (`weights-STEP.pt`), for `task=evaluate_supernet`.
        log_every: Steps between lines of the log.
        tensorboard: Also write TensorBoard events, if the package tensorboard is installed.
        cpu_threads: Threads of torch on a CPU; None leaves torch's choice.
        accelerator: Lightning Fabric's: "auto", "cpu", "gpu", ...
        devices: Processes on this machine; under torchrun as many as it started.
        precision: "32-true" or "bf16-mixed".
    """

    name: str
    folder: str | None = None
    init: str | None = field(default=None, metadata=existing())
    zero_residual: bool = True
    phases: list[str] | None = None
    plan: dict[str, Phase] = field(default_factory=dict)
    scale: float = 1.0
    batch: int = 64
    photos: str = "auto"
    sampling: str = "uniform"
    optimizer: str = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.01
    clip: float | None = 5.0
    ema: float = 0.998
    dropout: float = 0.0
    first_resolution: int | None = None
    growth: float = 0.6
    augmentation: Augmentation = field(default_factory=Augmentation)
    validate_every: float = 5.0
    validation_photos: int = 1000
    calibration_photos: int = 512
    checkpoint_minutes: float = 5.0
    keep: int = 2
    snapshots: bool = False
    log_every: int = 20
    tensorboard: bool = False
    cpu_threads: int | None = None
    accelerator: str = "auto"
    devices: int = 1
    precision: str = "32-true"
