"""What is checked of every kind's answers, and what a kind cannot do without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nasface.trust import _answers as answers
from nasface.trust._answers import Check, anything

_COST: Final[dict[str, Check]] = {
    "predict": answers.numbers("cost", 0.0),
    "decompose": answers.tables,
    "reference": answers.reference,
}
_SIDE: Final = answers.positive("a number of pixels")
_NETWORK: Final = answers.having(("layers", "ops", "outputs", "input_shape"), "a NetSpec")
_ROW: Final = answers.of(dict, "a row, a dict,")
_PAGE: Final = answers.having(("title", "body", "pictures"), "a Report")
_SAMPLE: Final = answers.having(("times_ms", "runs"), "a Sample")
_MODULE: Final = answers.having(("state_dict", "forward"), "a module of torch")

CHECKS: Final[Mapping[str, Mapping[str, Check]]] = {
    "space": {
        "sample": answers.rows,
        "mutate": answers.rows,
        "crossover": answers.rows,
        "canonical": answers.canonical,
        "encode": answers.features,
        "groups": answers.several(answers.of(list, "a list of lists")),
        "build": _NETWORK,
        "layers": answers.layers,
        "layer_indices": answers.whole,
        "stage_choices": answers.choices,
        "stage_indices": answers.stages,
        "to_dict": answers.of(dict, "a dict"),
        "from_dict": answers.genotype,
        "size": answers.of(int, "a number"),
    },
    "latency": _COST,
    "cost": _COST,
    "predictor": {
        "fit": answers.itself,
        "compare": answers.numbers("probability", 0.0, 1.0),
        "compare_digests": answers.pairs,
        "score": answers.numbers("score"),
        "deviation": answers.maybe(answers.numbers("deviation", 0.0)),
    },
    "selector": {"top_k": answers.indices},
    "search": {"run": answers.result},
    "exporter": {"export": answers.exported},
    "supernet": {
        "resolution": _SIDE,
        "load": answers.supernet,
        "fingerprint": answers.text,
        "calibration_images": answers.maybe(answers.images),
        "trainable": _MODULE,
        "save": answers.saved,
    },
    "runtime": {"open": answers.having(("embed", "size"), "a Model")},
    "detector": {"detect": answers.faces},
    "classifier": {"fit": anything, "scores": answers.likelihoods},
    "metric": {"compute": answers.figure, "curve": answers.figure},
    "loss": {"logits": answers.logits, "__call__": anything},
    "teacher": {"__call__": answers.taught},
    "experiment": {
        "cells": answers.several(answers.having(("to_row",), "a list of Cell")),
        "measure": answers.several(_ROW),
        "report": _PAGE,
    },
    "transport": {"time": _SAMPLE, "send": anything, "describe": answers.of(Mapping, "a mapping")},
}
"""By kind and method."""

RESULTS: Final[Mapping[tuple[str, str], Mapping[str, Check]]] = {
    ("runtime", "open"): {"embed": answers.descriptors},
    ("supernet", "load"): {"extract": _MODULE, "weights": answers.arrays},
}
"""By kind and method, what is asked of that method's result."""

STATED: Final[Mapping[str, Mapping[str, Check]]] = {
    "space": {"name": answers.text, "resolution": _SIDE, "n_genes": answers.positive("a number of genes")},
    "supernet": {"name": answers.text, "table": answers.maybe(answers.of(Path, "a Path"))},
    "latency": {"name": answers.text, "unit": answers.of(str, "a text")},
    "cost": {"name": answers.text, "unit": answers.of(str, "a text")},
    "exporter": {"suffix": answers.suffix},
    "loss": {"config": answers.having(("weight",), "a config with a weight")},
    "experiment": {"name": answers.text, "fingerprint": answers.text, "cell": answers.of(type, "a class")},
}
"""By kind, what a component says of itself."""

MADE: Final[Mapping[str, str]] = {"task": "its run", "data": "loading its photos"}
"""What making a component is called where it is more than that."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "space": ("sample", "mutate", "crossover", "canonical", "encode", "build", "layers"),
    "latency": ("predict",),
    "cost": ("predict",),
    "predictor": ("fit", "compare"),
    "selector": ("top_k",),
    "search": ("run",),
    "exporter": ("export",),
    "supernet": ("resolution", "load"),
    "classifier": ("fit", "scores"),
    "detector": ("detect",),
    "loss": ("logits", "__call__"),
    "teacher": ("__call__",),
    "experiment": ("cells", "measure", "report"),
    "transport": ("time", "send", "describe"),
}
"""Methods that the core cannot do without."""
