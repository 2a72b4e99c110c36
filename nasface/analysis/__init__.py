"""What is computed about a result: comparison, standing, layer times, summaries over seeds. `reports` shows it."""

from nasface.analysis.comparison import Compared, Comparison, CostColumn, compare
from nasface.analysis.facts import SearchFacts
from nasface.analysis.layer_times import (
    LayerTime,
    LayerTimes,
    StageTimes,
    layer_text,
    layer_times,
    layers_of,
    stage_times,
)
from nasface.analysis.outcome import (
    Beside,
    Delivered,
    Measured,
    SearchOutcome,
    Seconds,
    VerifiedNetwork,
    constraints_json,
)
from nasface.analysis.predictor_trials import PredictorComparison
from nasface.analysis.standing import Expectation, Neighbour, Reach, Rival, Standing, standing
from nasface.analysis.summaries import Row, Summary, Value, summarise

__all__ = [
    "Beside",
    "Compared",
    "Comparison",
    "CostColumn",
    "Delivered",
    "Expectation",
    "LayerTime",
    "LayerTimes",
    "Measured",
    "Neighbour",
    "PredictorComparison",
    "Reach",
    "Rival",
    "Row",
    "SearchFacts",
    "SearchOutcome",
    "Seconds",
    "StageTimes",
    "Standing",
    "Summary",
    "Value",
    "VerifiedNetwork",
    "compare",
    "constraints_json",
    "layer_text",
    "layer_times",
    "layers_of",
    "stage_times",
    "standing",
    "summarise",
]
