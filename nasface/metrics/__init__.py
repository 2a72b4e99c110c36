"""Metrics of face recognition and of ranking: a leaf of the package, numpy and scipy only."""

from nasface.metrics._checks import check_far, lowest_far, unit_rows
from nasface.metrics.all_pairs import AllPairs, evaluate_all_pairs
from nasface.metrics.bootstrap import bootstrap_difference, bootstrap_people
from nasface.metrics.groups import GroupRates, group_rates
from nasface.metrics.identification import LeaveOneOut, RandomGallery, identify, leave_one_out, random_gallery
from nasface.metrics.interval import mean_interval
from nasface.metrics.metric import (
    AUC,
    EER,
    METRICS,
    RATES,
    TABLE_RATES,
    Direction,
    Metric,
    all_metrics,
    curve_metric,
    direction_of,
    stated_metrics,
    supported_rates,
    tar_at,
)
from nasface.metrics.open_set import Identification, open_set
from nasface.metrics.pair_curves import PairCurves, false_accepts
from nasface.metrics.photo_set import PhotoSet, Similarities
from nasface.metrics.ranking import (
    RankingQuality,
    bias,
    comparison_accuracy,
    kendall_tau,
    ndcg,
    pair_accuracy,
    ranking_quality,
    rmse,
    spearman,
    top_k_regret,
)
from nasface.metrics.resampling import (
    Interval,
    bootstrap,
    deal,
    held_out,
    percentile_intervals,
    resamples,
    student_interval,
)
from nasface.metrics.roc import OperatingPoint, PairDistances, Roc
from nasface.metrics.sampling import ListedPairs, balanced_pairs
from nasface.metrics.verification import ValAtFar, Verification, evaluate_pairs, squared_distances

__all__ = [
    "AUC",
    "EER",
    "METRICS",
    "RATES",
    "TABLE_RATES",
    "AllPairs",
    "Direction",
    "GroupRates",
    "Identification",
    "Interval",
    "LeaveOneOut",
    "ListedPairs",
    "Metric",
    "OperatingPoint",
    "PairCurves",
    "PairDistances",
    "PhotoSet",
    "RandomGallery",
    "RankingQuality",
    "Roc",
    "Similarities",
    "ValAtFar",
    "Verification",
    "all_metrics",
    "balanced_pairs",
    "bias",
    "bootstrap",
    "bootstrap_difference",
    "bootstrap_people",
    "check_far",
    "comparison_accuracy",
    "curve_metric",
    "deal",
    "direction_of",
    "evaluate_all_pairs",
    "evaluate_pairs",
    "false_accepts",
    "group_rates",
    "held_out",
    "identify",
    "kendall_tau",
    "leave_one_out",
    "lowest_far",
    "mean_interval",
    "ndcg",
    "open_set",
    "pair_accuracy",
    "percentile_intervals",
    "random_gallery",
    "ranking_quality",
    "resamples",
    "rmse",
    "spearman",
    "squared_distances",
    "stated_metrics",
    "student_interval",
    "supported_rates",
    "tar_at",
    "top_k_regret",
    "unit_rows",
]
