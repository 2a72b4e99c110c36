"""`task=compare_predictors`: every predictor on the same networks of one table: learning curves with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from nasface.analysis import PredictorComparison
from nasface.analysis.predictor_trials import ALL
from nasface.errors import UnknownName
from nasface.experiments import Results, conduct, write_report
from nasface.experiments.predictors import PredictorTrials, TrialDesign, ceiling_text, fitting_sizes, near_budgets
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY
from nasface.reports.predictor_table import print_comparison, write_comparison
from nasface.runs import Json
from nasface.tasks.experiment import command
from nasface.tasks.following import following, repeated


def run(run: Run) -> Outcome:
    """Run the trials that the results file lacks, then show and write the comparison."""
    options, bench = run.settings.compare, run.workbench
    design = TrialDesign(
        {name: {"name": name} for name in _predictors(options.predictors)},
        fitting_sizes(options.sizes, len(bench.table), options.held_out),
        options.splits,
        options.held_out,
        near_budgets(bench, options.ratios),
        run.settings.predictor["name"],
    )
    trials = PredictorTrials(bench, design)
    path = run.folder / "compare.csv" if options.results is None else run.path(options.results)
    results = Results(path, trials.fingerprint, run.settings.share)
    rows, missing = conduct(trials, results, run.console, run.settings.share)
    comparison = PredictorComparison.of(rows, design.baseline)
    print_comparison(run.console, comparison)
    run.console.print(ceiling_text(bench), soft_wrap=True)
    title = f"{len(bench.table)} measured subnets, {options.splits} splits"
    write_comparison(run.folder / "report.html", comparison, title, repeated(run))
    page = write_report(path.parent, trials, rows, missing, command())
    shown = ", ".join(run.shown(file) for file in (results.path, page, run.folder / "report.html"))
    run.console.print(f"results and pages: {shown}", soft_wrap=True)
    tau = {str(summary.at["predictor"]): summary.mean["kendall_tau"] for summary in comparison.ranked(ALL)}
    decision: dict[str, Json] = {"subnets": len(bench.table), "sizes": list(design.sizes), "kendall_tau": tau}
    best = max((name for name in tau if name in REGISTRY.names("predictor")), key=lambda name: tau[name])
    return Outcome(decision, next=following(run, "search", {"predictor": best}))


def _predictors(names: Sequence[str] | None) -> list[str]:
    """The chosen ones, by default all that are installed."""
    known = REGISTRY.names("predictor")
    for name in names or ():
        if name not in known:
            raise UnknownName("predictor", name, known)
    return list(names or known)
