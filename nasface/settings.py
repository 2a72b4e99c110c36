"""Types of the options in `conf/config.yaml`. Defaults live there and in the components' dataclasses."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from omegaconf import MISSING, DictConfig, OmegaConf

from nasface.configs import existing
from nasface.costs.table import COSTS
from nasface.errors import InvalidInput, UnknownName
from nasface.registry import REGISTRY

T = TypeVar("T")

Options = dict[str, Any]
"""What was composed for a component; the registry checks it against the component's dataclass."""

LARGEST_SEED: Final = 2**32 - 1
"""As numpy's and torch's generators take it."""

TABLE_READERS: Final = (
    *("search", "deploy_family", "replay", "compare_predictors", "table_reliability", "experiment", "build_assets"),
)
"""Tasks that read the accuracy table; the others write it, or do without."""


def typed(cls: type[T], values: object) -> T:
    """Values as a dataclass of options; raises OmegaConf's errors for unknown keys and wrong types."""
    made = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(cls), values))
    if not isinstance(made, cls):
        raise TypeError(f"expected {cls.__name__}, not {type(made).__name__}")
    return made


@dataclass
class Bound:
    """A bound on one cost: absolute in the cost's unit, or relative to EfficientNet-B0; at most one of the two.

    Attributes:
        confidence: Chance with which the measured value is to stay within the bound, e.g. 0.95: predictions get a
            margin, which the device's check gives (of latency only); None bounds the prediction itself.
    """

    max: float | None = None
    ratio: float | None = None
    confidence: float | None = None

    @property
    def given(self) -> bool:
        """Whether anything is bounded."""
        return self.max is not None or self.ratio is not None


@dataclass
class Constraints:
    """Bounds on what the network may need; without any there is none.

    Attributes:
        by_cost: By the names of `nasface.costs.COSTS` and of costs that plug-ins brought; those without a bound may be
            missing.
        default_latency_ratio: Bound on latency, relative to EfficientNet-B0, where it has none.
    """

    by_cost: dict[str, Bound] = field(default_factory=dict)
    default_latency_ratio: float | None = None

    def __post_init__(self) -> None:
        for name in self.by_cost:
            if name not in COSTS and name not in (known := REGISTRY.names("cost")):
                raise UnknownName("constraint", name, {*COSTS, *known})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Constraints:
        """From the options `constraints.NAME` and `constraints.default_latency_ratio`; raises as `typed` does."""
        bounds = {name: bound for name, bound in values.items() if name != "default_latency_ratio"}
        named = typed(_Bounds, {"constraints": bounds}).constraints
        return replace(typed(cls, {"default_latency_ratio": values["default_latency_ratio"]}), by_cost=named)

    def bound(self, name: str) -> Bound:
        """The bound on a cost, which may bound nothing."""
        return self.by_cost.get(name) or Bound()

    def with_bound(self, name: str, bound: Bound) -> Constraints:
        """The same with another bound on one cost."""
        return replace(self, by_cost=self.by_cost | {name: bound})


@dataclass
class _Bounds:
    """Bounds under the name that users know them by, so that messages about wrong types carry it."""

    constraints: dict[str, Bound] = field(default_factory=dict)


@dataclass
class Accuracy:
    """The accuracy table and how it is made.

    Attributes:
        table: CSV of measured subnets: read by the search, written and continued by estimate_accuracy; None takes the
            embedded one.
        metric: Column that predictors learn from.
        direction: Whether high (max) or low (min) values of it are better; None where nasface knows it.
        n_subnets: How many distinct subnets of the chosen sampling are measured, by all shards together.
        calibration_photos: Photos of training people that re-calibrate batch normalisation.
        sampling: How subnets are drawn: mixed (half uniform, half stratified), uniform, stratified (evenly over a
            cost), dense (near budgets).
        stratify_by: What stratified draws are spread over: latency (of the first device) or macs.
        ratios: Budgets of dense draws, relative to EfficientNet-B0, on every chosen device; None takes the bounds in
            `constraints`, as the search does.
        band: Dense draws lie within this share of a budget.
        family: Subnets in a row that share their first stages, which are then computed once; 1 for independent ones.
        parts: merge_tables: the files to join; None takes those of the table's shards.
        pairs: File of pairs of validation people (LFW format) for the metric accuracy; None draws balanced pairs.
        accelerator: Where networks are measured: cpu, gpu (CUDA), or auto for a GPU if torch sees one.
    """

    table: str | None = field(default=MISSING, metadata=existing(tasks=TABLE_READERS))
    metric: str = MISSING
    direction: str | None = MISSING
    n_subnets: int = MISSING
    calibration_photos: int = MISSING
    sampling: str = MISSING
    stratify_by: str = MISSING
    ratios: list[float] | None = MISSING
    band: float = MISSING
    family: int = MISSING
    parts: list[str] | None = field(default=MISSING, metadata=existing())
    pairs: str | None = field(default=MISSING, metadata=existing())
    accelerator: str = MISSING


@dataclass
class Study:
    """How many photos an accuracy table needs, for `task=study_photos` and `task=table_reliability`.

    Attributes:
        file: Where results are written and continued (study_photos), or read from (table_reliability).
        subnets: Subnets to study, drawn as `accuracy.sampling` says.
        calibration: Numbers of calibration photos; twice the largest must be there.
    """

    file: str | None = field(default=MISSING, metadata=existing(tasks=("table_reliability",)))
    subnets: int = MISSING
    calibration: list[int] = MISSING


@dataclass
class Refine:
    """What the main job does around a search, whatever its strategy.

    Attributes:
        verify_top: How many of the finalists are measured, up to 16; needs photos (data=...). 0 believes the predictor.
        rounds: How often the predictor is fitted again on what was measured, and the search repeated.
        acquisition: Which networks are worth measuring: greedy (what promises most), ucb, ei (also what the predictor
            is unsure of, where it says so), random.
        verified: Accuracy table that keeps what was measured, created or continued; None takes verified.csv in the run
            folder.
        warm_start: Networks to begin with: files (as of `task=inspect`) or names of published networks.
    """

    verify_top: int = MISSING
    rounds: int = MISSING
    acquisition: str = MISSING
    verified: str | None = MISSING
    warm_start: list[str] = MISSING


@dataclass
class Evaluation:
    """How descriptors are judged; `output`: which of a model's several outputs they are.

    `write_thresholds`: the measured ones go into the judged files; `name_people`: the page names people; `beside`:
    networks that a search measures beside the found one.
    """

    far: list[float] | None = MISSING
    bootstrap: int = MISSING
    output: str | None = MISSING
    write_thresholds: bool = MISSING
    name_people: bool = MISSING
    beside: list[str] = MISSING


@dataclass
class Measure:
    """Timing of the exported model on this machine."""

    runs: int = MISSING
    threads: int = MISSING


@dataclass
class Timing:
    """How networks are timed, see `nasface.timing.protocol.TimingOptions`; engines: of `task=measure_latency`."""

    threads: int = MISSING
    warmup: int = MISSING
    runs: int = MISSING
    blocks: int = MISSING
    max_blocks: int = MISSING
    half_width: float = MISSING
    engines: list[str] = MISSING


@dataclass
class Lut:
    """A latency table: measured elsewhere (`task=import_lut`), or to be measured (`task=build_lut`).

    Attributes:
        name: What `device=` will call it.
        file: import_lut: the times.
        arch2info: import_lut: list of keys and files.
        runtime: import_lut: what ran the layers.
        file_threads: import_lut: its threads.
        lowering: import_lut: how 7x7 layers stood in the measured files: whole (one operator, as all known layer files
            have them) or split (as exporter.split_depthwise=true writes them).
        precision: import_lut: what the measured files computed in: float32 or int8.
        unit: import_lut: of its numbers: ms, us, s; None for what it says of itself, else milliseconds, if they can be.
        kind: import_lut: measured or estimated.
        replace: import_lut, calibrate_device: whether the table may replace one that was measured.
        resolutions: build_lut: pixels; None takes the space's resolution.
        nets: build_lut: whole networks that the table is fitted on; 0 for none.
        chains: build_lut: whether layers are measured in chains, not only alone.
    """

    name: str | None = MISSING
    file: str | None = field(default=MISSING, metadata=existing())
    arch2info: str | None = field(default=MISSING, metadata=existing())
    runtime: str | None = MISSING
    file_threads: int | None = MISSING
    unit: str | None = MISSING
    lowering: str = MISSING
    precision: str = MISSING
    kind: str = MISSING
    replace: bool = MISSING
    resolutions: list[int] | None = MISSING
    nets: int = MISSING
    chains: bool = MISSING


@dataclass
class CheckLatency:
    """What predicted latencies are compared with, for `task=check_latency`.

    Attributes:
        nets: How many networks are measured.
        choice: "even": spread over the predicted range; "informative": those that tell most to latency=learned.
        file: Networks measured already; None measures.
        engine: Rows of the file to use.
        file_threads: Rows of the file to use, by the threads they were measured with; None if all have the same number.
        device: What the networks were or are measured on, in its own words, where that is not the table's device.
        table: Name of another latency table whose sums are taken for the truth.
    """

    nets: int = MISSING
    choice: str = MISSING
    file: str | None = field(default=MISSING, metadata=existing())
    engine: str = MISSING
    file_threads: int | None = MISSING
    device: str | None = MISSING
    table: str | None = MISSING


@dataclass
class Calibrate:
    """A latency table from probe networks, for `task=calibrate_device`.

    Attributes:
        probes: How many networks of the space are timed, beside EfficientNet-B0.
        times: The form with their times; None writes it.
        base: Name of the latency table that is scaled.
        folder: Where probes and form are written; None for NAME_probes.
        tolerance: Largest leave-one-out error (relative, root mean square) with which no more probes are asked for.
        measure: Time the probes through `transport=`.
    """

    probes: int = MISSING
    times: str | None = field(default=MISSING, metadata=existing())
    base: str = MISSING
    folder: str | None = MISSING
    tolerance: float = MISSING
    measure: bool = MISSING


@dataclass
class Demo:
    """Where `task=demo` serves its page.

    Attributes:
        serve: Whether it is served at all, beside being written.
        host: Address of this machine; 0.0.0.0 for all that it has.
        port: 0 for any that is free.
        tls: Whether over https, with a certificate that this machine makes.
        minutes: Without a request, after which the server stops.
    """

    serve: bool = MISSING
    host: str = MISSING
    port: int = MISSING
    tls: bool = MISSING
    minutes: float = MISSING


@dataclass
class Pack:
    """Where `task=pack` writes photos to, and how: pixels, "jpeg" or "png", JPEG's quality."""

    out: str | None = MISSING
    size: int = MISSING
    format: str = MISSING
    quality: int = MISSING


@dataclass
class Compare:
    """What `task=compare_predictors` tries."""

    predictors: list[str] | None = MISSING
    sizes: list[int] = MISSING
    splits: int = MISSING
    ratios: list[float] = MISSING
    held_out: float = MISSING
    results: str | None = MISSING


@dataclass
class Budgets:
    """Latency budgets of `task=deploy_family`.

    Attributes:
        ratios: Relative to EfficientNet-B0 on the same device.
        latencies: In milliseconds, instead of ratios.
    """

    ratios: list[float] = MISSING
    latencies: list[float] | None = MISSING


@dataclass
class Recognition:
    """Recognising people: enrol, identify, verify, gallery.

    Attributes:
        gallery: The gallery's file.
        photos: A photo, a list of them, or a folder.
        name: Of a person: enrol, gallery.
        action: Of task=gallery: list, remove, export, calibrate.
        out: Of task=gallery recognition.action=export: the file to write.
        which: Of several faces in a photo where one is needed: only (refuse), largest, central.
        crop: How faces are cut out: auto, aligned, square, box.
        template: Where the model wants eyes and mouth: arcface, or a JSON file; None takes the model's own.
        threshold: Squared L2 distance below which two photos show one person; None takes the gallery's or the model's.
        far: False accept rate of that threshold.
        encrypt: Whether a new gallery is encrypted.
        candidates: People that are listed for a face.
    """

    gallery: str | None = field(default=MISSING, metadata=existing(tasks=("identify", "verify", "gallery")))
    photos: Any = field(default=MISSING, metadata=existing())
    name: str | None = MISSING
    action: str = MISSING
    out: str | None = MISSING
    which: str = MISSING
    crop: str = MISSING
    template: str | None = field(default=MISSING, metadata=existing(words=("arcface",)))
    threshold: float | None = MISSING
    far: float = MISSING
    encrypt: bool = MISSING
    candidates: int = MISSING


@dataclass
class Assets:
    """What `task=build_assets` rebuilds, from which sources, into which folder."""

    sources: str | None = field(default=MISSING, metadata=existing())
    out: str | None = MISSING
    parts: list[str] = MISSING


@dataclass(frozen=True)
class Shard:
    """One of several processes that share the work of a task, each with a file of its own.

    Attributes:
        index: Which of them this is, from 0.
        count: How many there are.

    Raises:
        InvalidInput: There is no such process.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidInput(f"shards={self.count} must be 1 or more.")
        if not 0 <= self.index < self.count:
            raise InvalidInput(f"shard={self.index} must lie between 0 and shards - 1 = {self.count - 1}.")

    def file(self, whole: Path) -> Path:
        """This process's file beside that of the whole: `mine.2of8.csv` of `mine.csv`; the whole if there is one."""
        return whole if self.count == 1 else whole.with_name(f"{whole.stem}.{self.index}of{self.count}{whole.suffix}")


WHOLE: Final = Shard()
"""Work that is not shared."""


@dataclass
class Settings:
    """One composed run. Component groups stay dictionaries: the registry checks them against their dataclasses."""

    task: str = MISSING
    seed: int = MISSING
    shards: int = MISSING
    shard: int = MISSING
    constraints: Constraints = field(default_factory=Constraints)
    accuracy: Accuracy = field(default_factory=Accuracy)
    study: Study = field(default_factory=Study)
    refine: Refine = field(default_factory=Refine)
    evaluation: Evaluation = field(default_factory=Evaluation)
    measure: Measure = field(default_factory=Measure)
    budgets: Budgets = field(default_factory=Budgets)
    genotype: Any = MISSING
    network: Any = field(default=MISSING, metadata=existing())
    model: Any = field(default=MISSING, metadata=existing(names=True))
    sweep: str | None = field(default=MISSING, metadata=existing())
    show: str | None = MISSING
    lut: Lut = field(default_factory=Lut)
    timing: Timing = field(default_factory=Timing)
    check: CheckLatency = field(default_factory=CheckLatency)
    calibrate: Calibrate = field(default_factory=Calibrate)
    demo: Demo = field(default_factory=Demo)
    pack: Pack = field(default_factory=Pack)
    compare: Compare = field(default_factory=Compare)
    experiment: Options = MISSING
    recognition: Recognition = field(default_factory=Recognition)
    assets: Assets = field(default_factory=Assets)
    space: Options = MISSING
    supernet: Options = MISSING
    latency: Options = MISSING
    device: Options = MISSING
    predictor: Options = MISSING
    selector: Options = MISSING
    search: Options = MISSING
    exporter: Options = MISSING
    detector: Options = MISSING
    classifier: Options = MISSING
    data: Options = MISSING
    training: Options = MISSING
    loss: Options = MISSING
    teacher: Options = MISSING
    transport: Options = MISSING
    cost: Options = field(default_factory=dict)
    own: Options = field(default_factory=dict)
    """Options of tasks that plug-ins brought, by the task's name; users write NAME.option."""

    @classmethod
    def of(cls, config: DictConfig) -> Settings:
        """Check the types of a composed config and resolve it; raises OmegaConf's ValidationError or `InvalidInput`."""
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        _check_finite("", plain)
        bounds = Constraints.of(plain.pop("constraints"))
        settings = replace(typed(cls, _sorted_in(plain)), constraints=bounds)
        if not 0 <= settings.seed <= LARGEST_SEED:
            raise InvalidInput(f"seed={settings.seed} must lie between 0 and {LARGEST_SEED}.")
        for name in ("genotype", "model"):
            _check_names(name, getattr(settings, name))
        return settings

    @property
    def share(self) -> Shard:
        """Which part of a shared work is this process's; raises `InvalidInput` if there is none such."""
        return Shard(self.shard, self.shards)

    def fingerprint(self) -> str:
        """Short hash of all options."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]


def _check_finite(name: str, value: Any) -> None:
    """Refuse numbers that are none, wherever they stand."""
    if isinstance(value, dict):
        for key, part in value.items():
            _check_finite(f"{name}.{key}" if name else str(key), part)
    elif isinstance(value, list):
        for part in value:
            _check_finite(name, part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(
            f"{name}={value} is no number to work with; give a finite one, or null where that is allowed."
        )


def _check_names(name: str, value: Any) -> None:
    """Refuse what is neither a name nor a list of names."""
    wrong = [one for one in (value if isinstance(value, list) else [value]) if not isinstance(one, str | type(None))]
    if wrong:
        raise InvalidInput(f"{name} holds {wrong[0]!r}, which is no name; give a file or a name, or a list: [A,B].")


def _sorted_in(plain: Options) -> Options:
    """Composed options with those of plug-ins' tasks where `Settings` has a place for them."""
    tasks = [name for name in REGISTRY.names("task") if name not in Settings.__annotations__]
    own = {name: plain[name] for name in tasks if name in plain}
    sorted_in: Options = {name: value for name, value in plain.items() if name not in own} | {"own": own}
    return sorted_in
