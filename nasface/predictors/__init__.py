"""Predictors: which of two networks is more accurate, and how accurate a network is."""

from nasface.predictors._base import Comparator, Groups, Scorer, Targets
from nasface.predictors.acquisition import Acquisition, AcquisitionRanker, acquire
from nasface.predictors.catboost import CatBoostNAC, CatBoostNACConfig, CatBoostRegressor, CatBoostRegressorConfig
from nasface.predictors.confidence import Confidence, fit_confidence
from nasface.predictors.gp import GP, GPConfig, GPStage, GPStageConfig
from nasface.predictors.intervals import Intervals, learn_intervals
from nasface.predictors.lightgbm_bradley_terry import BradleyTerry, BradleyTerryConfig, Stagewise, StagewiseConfig
from nasface.predictors.lightgbm_nac import LightGBMNAC, LightGBMNACConfig
from nasface.predictors.lightgbm_ranker import LightGBMRanker, LightGBMRankerConfig
from nasface.predictors.lightgbm_regressor import LightGBMRegressor, LightGBMRegressorConfig
from nasface.predictors.mlp_nac import MLPNAC, MLPNACConfig
from nasface.predictors.mlp_regressor import MLPRegressor, MLPRegressorConfig
from nasface.predictors.quality import QualityReport, quality
from nasface.predictors.ranker import Contest, Ranker, fit_ranker
from nasface.predictors.ridge import Ridge, RidgeConfig
from nasface.predictors.xgboost import XGBoostNAC, XGBoostNACConfig, XGBoostRegressor, XGBoostRegressorConfig

__all__ = [
    "GP",
    "MLPNAC",
    "Acquisition",
    "AcquisitionRanker",
    "BradleyTerry",
    "BradleyTerryConfig",
    "CatBoostNAC",
    "CatBoostNACConfig",
    "CatBoostRegressor",
    "CatBoostRegressorConfig",
    "Comparator",
    "Confidence",
    "Contest",
    "GPConfig",
    "GPStage",
    "GPStageConfig",
    "Groups",
    "Intervals",
    "LightGBMNAC",
    "LightGBMNACConfig",
    "LightGBMRanker",
    "LightGBMRankerConfig",
    "LightGBMRegressor",
    "LightGBMRegressorConfig",
    "MLPNACConfig",
    "MLPRegressor",
    "MLPRegressorConfig",
    "QualityReport",
    "Ranker",
    "Ridge",
    "RidgeConfig",
    "Scorer",
    "Stagewise",
    "StagewiseConfig",
    "Targets",
    "XGBoostNAC",
    "XGBoostNACConfig",
    "XGBoostRegressor",
    "XGBoostRegressorConfig",
    "acquire",
    "fit_confidence",
    "fit_ranker",
    "learn_intervals",
    "quality",
]
