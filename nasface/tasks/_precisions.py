"""`search.precisions`: after a search for a front, the same for the other precisions, and one front of all files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nasface.analysis.precisions import DEMO_INT8, NONE, Effect, JointFront, join_fronts
from nasface.composition import Workbench
from nasface.devices import FLOAT32
from nasface.errors import InvalidInput
from nasface.jobs import Run
from nasface.predictors import Ranker
from nasface.strategies import Constraint, ParetoFront


def other_benches(run: Run) -> dict[str, Workbench]:
    """The parts for every other precision of `search.precisions`; none where it is not given.

    Raises:
        InvalidInput: The exporter's own precision is not among them, or a device's latencies in one are not known.
        UnknownName: The exporter has none such.
    """
    bench, given = run.workbench, list(run.settings.search.get("precisions") or ())
    if not given:
        return {}
    if bench.precision not in given or run.settings.exporter["name"] == "none":
        raise InvalidInput(
            f"search.precisions={given} needs exporter.precision among them, of which the model is written; it is "
            f"{bench.precision}."
        )
    others = {name: bench.in_precision(name) for name in given if name != bench.precision}
    for name in given:
        _effect(run, name)
    benches = {each.precision: each for each in (bench, *others.values())}  # says which precisions there are not
    for name, each in benches.items():
        for entry in each.devices:
            known = FLOAT32 if entry.device.lut is None else entry.device.lut.provenance.precision
            if known != each.computes:
                raise InvalidInput(
                    f"search.precisions={given}: the latencies of {name} files on {entry.device.name} are not known; "
                    f"measure them with nasface build_lut lut.name={entry.device.name}_{each.computes} "
                    f"exporter.precision={name}."
                )
    return others


def joint_front(
    run: Run,
    own: ParetoFront | None,
    others: dict[str, Workbench],
    ranker: Ranker,
    constraints: Sequence[Constraint],
) -> JointFront | None:
    """One front over all precisions under the same bounds; None where it is not asked for.

    Args:
        run: Options.
        own: The front of the exporter's precision.
        others: See `other_benches`.
        ranker: Of the search.
        constraints: Of the search; their bounds hold for every precision's own costs.
    """
    if own is None or not others:
        return None
    fronts = {run.workbench.precision: own}
    for name, bench in others.items():
        with run.console.status(f"front of {name} files"):
            front = bench.search(ranker, constraints=_moved(constraints, bench)).front
        if front is not None:
            fronts[name] = front
    return join_fronts(fronts, {name: _effect(run, name) for name in fronts}, ranker)


def _moved(constraints: Sequence[Constraint], bench: Workbench) -> list[Constraint]:
    """The same bounds on another precision's costs."""
    costs = {(cost.name, cost.label): cost for cost in bench.costs}
    return [replace(c, cost=costs.get((c.cost.name, c.cost.label), c.cost)) for c in constraints]


def _effect(run: Run, precision: str) -> Effect:
    """What a precision does to accuracies.

    Raises:
        InvalidInput: Nobody measured it for this supernet and metric.
    """
    if precision != "int8":
        return NONE
    given = run.settings.search["int8_effect"]
    if given is not None:
        if len(given) != 2 or given[1] < 0:
            raise InvalidInput(f"search.int8_effect={list(given)}; give the mean and the deviation, e.g. [0.0,0.0003].")
        return Effect(float(given[0]), float(given[1]), "search.int8_effect")
    if run.workbench.source.embedded and run.settings.accuracy.metric == "auc":
        return DEMO_INT8
    raise InvalidInput(
        "What int8 does to the accuracies of this supernet is not known: measure it (experiment=quantisation) and give "
        "search.int8_effect=[MEAN,DEVIATION]."
    )
