"""`task=replay`: an accuracy table as an offline benchmark of one predictor, in seconds, without photos or torch."""

from __future__ import annotations

from rich.table import Table

from nasface.analysis import PredictorComparison, Summary
from nasface.analysis.predictor_trials import ALL
from nasface.experiments import Results, conduct
from nasface.experiments.predictors import PredictorTrials, TrialDesign, ceiling_text, fitting_sizes, within_budgets
from nasface.jobs import Outcome, Run
from nasface.reports.cells import mean_text
from nasface.runs import Json
from nasface.tasks.following import following

REGRETS = ("regret_1", "regret_5")


def run(run: Run) -> Outcome:
    """Fit the predictor on random parts of the table; how well does it rank, and choose within budgets, the rest?"""
    options, predictor, bench = run.settings.compare, run.settings.predictor, run.workbench
    sizes = fitting_sizes([], len(bench.table), options.held_out)
    regions = within_budgets(bench, options.ratios)
    design = TrialDesign(
        {predictor["name"]: predictor}, sizes, options.splits, options.held_out, regions, predictor["name"]
    )
    trials = PredictorTrials(bench, design)
    rows, _ = conduct(trials, Results(run.folder / "replay.csv", trials.fingerprint), run.console)
    comparison = PredictorComparison.of(rows, design.baseline)
    metric = run.settings.accuracy.metric
    run.console.print(_table(comparison, f"{metric} of {len(bench.table)} subnets, {options.splits} splits"))
    run.console.print(
        f"loss at a budget: best measured {metric} among the held-out networks that meet it, minus that of the "
        "predictor's choice, or of the best among its first five. Mean ± 95 % interval over splits.",
        soft_wrap=True,
    )
    run.console.print(ceiling_text(bench), soft_wrap=True)
    scores = {str(summary.at["predictor"]): summary.mean for summary in comparison.ranked(ALL)}
    losses = {
        region: {str(s.at["predictor"]): _regrets(s) for s in comparison.ranked(region)}
        for region in comparison.regions
    }
    tau = scores[predictor["name"]]["kendall_tau"]
    everywhere = {name: {k: v for k, v in values.items() if not k.endswith(_TIMES)} for name, values in scores.items()}
    times = {name: {k: v for k, v in values.items() if k.endswith(_TIMES)} for name, values in scores.items()}
    decision: dict[str, Json] = {"scores": everywhere, "losses": losses, "summary": {"kendall_tau": tau}}
    return Outcome(decision, times, tau, next=following(run, "search"))


def _regrets(summary: Summary) -> dict[str, float]:
    return {name: summary.mean[name] for name in REGRETS if name in summary.mean}


_TIMES = ("fit_seconds", "predict_us")


def _table(comparison: PredictorComparison, title: str) -> Table:
    """One line per predictor and floor, the best ranking first."""
    budgets = [region for region in comparison.regions if region != ALL]
    header = [f"loss {budget}{words}" for budget in budgets for words in ("", ", of 5")]
    table = Table("predictor", "Kendall tau", "pairs right", *header, "fit s", title=title)
    for entry in comparison.ranked(ALL):
        name = str(entry.at["predictor"])
        within = {s.at["region"]: s for s in comparison.summaries if s.at["predictor"] == name}
        losses = [mean_text(within[budget], regret) for budget in budgets for regret in REGRETS]
        ranks = [mean_text(entry, column) for column in ("kendall_tau", "pair_accuracy")]
        table.add_row(name, *ranks, *losses, mean_text(entry, "fit_seconds"))
    return table
