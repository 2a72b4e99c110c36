"""Costs: what a network needs (latency, energy, parameters, multiply-accumulates, memory)."""

from nasface.costs._base import Cost, Extreme, LayerCost, ReferenceCost, StageTables, Values, significant
from nasface.costs.counts import Macs, Params
from nasface.costs.energy import EnergyMJ
from nasface.costs.latency_analytic import AnalyticConfig, AnalyticLatency
from nasface.costs.latency_learned import LearnedConfig, LearnedLatency
from nasface.costs.latency_lut import LutConfig, LutLatency, sum_of_rows
from nasface.costs.memory import ModelMB, PeakMemoryMB
from nasface.costs.table import COSTS, LATENCY, CostKind, network_costs

__all__ = [
    "COSTS",
    "LATENCY",
    "AnalyticConfig",
    "AnalyticLatency",
    "Cost",
    "CostKind",
    "EnergyMJ",
    "Extreme",
    "LayerCost",
    "LearnedConfig",
    "LearnedLatency",
    "LutConfig",
    "LutLatency",
    "Macs",
    "ModelMB",
    "Params",
    "PeakMemoryMB",
    "ReferenceCost",
    "StageTables",
    "Values",
    "network_costs",
    "significant",
    "sum_of_rows",
]
