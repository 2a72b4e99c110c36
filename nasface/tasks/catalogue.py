"""What tasks and experiments there are: registered by name, so that help and completion import none of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from nasface.registry import REGISTRY, register

if TYPE_CHECKING:
    from nasface.experiments import Experiment
    from nasface.jobs import Outcome, Run

TASKS: Final[dict[str, str]] = {
    "search": "find the best network for a device, cut it out of the supernet and export it",
    "deploy_family": "one network for each of several latency budgets, exported, with one table",
    "list": "show every component: kind, name, origin, parameters",
    "profile": "show what is reachable: range of every cost, share of the space within the constraints",
    "inspect": "show one network layer by layer: shapes, parameters, MACs, latency",
    "train_supernet": "train a supernet on photos of faces, in phases, resumable",
    "train_network": "fine-tune one network, cut out of a supernet or of a folder, resumable",
    "estimate_accuracy": "measure random subnets of a supernet into an accuracy table",
    "table_reliability": "how much of an accuracy table is noise, and which metric predictors should learn from",
    "study_photos": "how many calibration and test photos an accuracy table needs",
    "merge_tables": "join accuracy tables: shards, or tables made elsewhere",
    "enrol": "put people into a gallery: recognition.gallery, recognition.name, recognition.photos",
    "identify": "say whose faces photos show, or unknown",
    "verify": "say whether two photos show one person",
    "gallery": "list a gallery, remove a person, export it, measure its threshold",
    "export": "write one network, of a folder with net.config and weights or of a supernet, as a file",
    "evaluate": "measure models or descriptor files on photos, as one table",
    "evaluate_supernet": "measure smallest, middle and largest network of a supernet, or of a training over its time",
    "compare_predictors": "fit every predictor on parts of one accuracy table: learning curves with intervals",
    "replay": "an accuracy table as an offline benchmark of one predictor, in seconds, without photos or torch",
    "experiment": "measure a grid of cells into CSV, pictures and a page: experiment=NAME",
    "report": "make one table of a sweep's runs",
    "pack": "put photos into one RecordIO file, small and quick to read; pairs into a .bin",
    "import_lut": "bring a latency table measured elsewhere into your table folder",
    "build_lut": "measure a latency table of a device: layers, chains of layers, whole networks",
    "measure_latency": "time whole networks on a device: sub-networks, model files, reference networks",
    "check_latency": "compare a device's predicted latencies with measured ones; the margin for a confidence",
    "calibrate_device": "a latency table for your phone from three to five networks that you time on it",
    "demo": "a page that times networks on any device with a browser and recognises the faces in two photos",
    "build_assets": "rebuild the embedded data from its sources",
}
"""Name of every task and what it does; the code is `nasface/tasks/NAME.py:run` (`list` is in `list_components.py`)."""

OF_EVERY_TASK: Final = ("seed",)
SEARCHED: Final = ("space", "supernet", "device", "latency", "accuracy", "predictor")
MEASURED: Final = ("space", "supernet", "data", "accuracy")
TIMED: Final = ("transport", "timing")
RECOGNISED: Final = ("model", "recognition", "detector")
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "search": (*SEARCHED, "constraints", "search", "selector", "exporter", "data", "refine", "evaluation", "measure"),
    "deploy_family": (*SEARCHED, "budgets", "search", "exporter", "data"),
    "list": ("show",),
    "profile": ("space", "supernet", "device", "latency", "constraints"),
    "inspect": ("genotype", "network", "model", "space", "supernet", "device", "latency"),
    "train_supernet": ("space", "data", "training", "loss", "teacher"),
    "train_network": (
        *("genotype", "network", "space", "supernet", "data", "training", "loss", "teacher"),
        *("exporter", "evaluation", "measure"),
    ),
    "estimate_accuracy": (*MEASURED, "device", "constraints", "shards", "shard"),
    "table_reliability": ("space", "supernet", "accuracy", "study"),
    "study_photos": (*MEASURED, "study"),
    "merge_tables": ("accuracy", "space", "supernet"),
    "enrol": RECOGNISED,
    "identify": RECOGNISED,
    "verify": RECOGNISED,
    "gallery": (*RECOGNISED, "data"),
    "evaluate": ("model", "data", "evaluation"),
    "evaluate_supernet": (*MEASURED, "evaluation"),
    "compare_predictors": ("compare", *SEARCHED),
    "replay": ("predictor", "accuracy", "compare", "supernet", "device"),
    "experiment": ("experiment", "shards", "shard"),
    "report": ("sweep",),
    "pack": ("pack", "data"),
    "import_lut": ("lut", "space", "supernet"),
    "build_lut": ("lut", "space", "supernet", *TIMED),
    "measure_latency": ("genotype", "model", "space", "supernet", *TIMED),
    "check_latency": ("check", "device", "latency", "space", "supernet", *TIMED),
    "calibrate_device": ("lut", "calibrate", "space", "supernet", *TIMED),
    "export": ("network", "genotype", "exporter", "data", "space", "supernet"),
    "demo": ("model", "demo"),
    "build_assets": ("assets", "supernet", "accuracy"),
}
"""The options that matter to a task, in the order of its help: groups, and parts of `config.yaml`."""

RESUMABLE: Final = frozenset(
    {
        "build_lut",
        "calibrate_device",
        "check_latency",
        "compare_predictors",
        "estimate_accuracy",
        "evaluate_supernet",
        "experiment",
        "study_photos",
        "train_network",
        "train_supernet",
    }
)
"""Tasks whose same command goes on where it stopped, without being told a folder or a state."""

_MODULES: Final = {"list": "list_components"}


def _task(name: str, summary: str) -> Callable[[Run], Outcome]:
    """The function of a task of the core, whose module is imported when it runs."""

    def run(run: Run) -> Outcome:
        task: Callable[[Run], Outcome] = importlib.import_module(f"nasface.tasks.{_MODULES.get(name, name)}").run
        return task(run)

    run.__doc__ = f"{summary}."
    return run


for _name, _summary in TASKS.items():
    register("task", _name)(_task(_name, _summary))


EXPERIMENTS: Final = {
    "optimality_gap": "nasface.experiments.optimality_gap",
    "verification": "nasface.experiments.verification",
    "intervals": "nasface.experiments.intervals",
    "paper_crops": "nasface.experiments.paper_crops",
    "paper_ablation": "nasface.experiments.paper_ablation",
    "paper_table5": "nasface.experiments.paper_table5",
    "quantisation": "nasface.experiments.quantisation",
}
"""Name of every experiment and the module whose `build(run, options)` makes it; options lie in conf/experiment."""


def _experiment(name: str, module: str) -> Callable[..., Experiment[Any]]:
    """The builder of an experiment of the core, whose module is imported when it runs."""

    def build(*, run: Run, options: Mapping[str, object]) -> Experiment[Any]:
        builder: Callable[[Run, Mapping[str, object]], Experiment[Any]] = importlib.import_module(module).build
        return builder(run, options)

    build.__doc__ = f"See conf/experiment/{name}.yaml."
    return build


for _name, _module in EXPERIMENTS.items():
    register("experiment", _name)(_experiment(_name, _module))


def all_tasks() -> dict[str, str]:
    """Name of every task and what it does: the core's in their order, then those of plug-ins."""
    return TASKS | {c.name: c.summary for c in REGISTRY if c.kind == "task" and c.name not in TASKS}
