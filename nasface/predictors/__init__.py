"""Predictors: which of two networks is more accurate, and how accurate a network is."""

from nasface.predictors._base import Comparator, Groups, Scorer, Targets
from nasface.predictors.lightgbm_nac import LightGBMNAC, LightGBMNACConfig
from nasface.predictors.mlp_regressor import MLPRegressor, MLPRegressorConfig
from nasface.predictors.quality import QualityReport, quality
from nasface.predictors.ranker import Contest, Ranker, fit_ranker

__all__ = [
    "Comparator",
    "Contest",
    "Groups",
    "LightGBMNAC",
    "LightGBMNACConfig",
    "MLPRegressor",
    "MLPRegressorConfig",
    "QualityReport",
    "Ranker",
    "Scorer",
    "Targets",
    "fit_ranker",
    "quality",
]
