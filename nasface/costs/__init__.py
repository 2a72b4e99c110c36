"""Costs: what a network needs (latency, parameters, multiply-accumulates)."""

from nasface.costs._base import Cost, LayerCost, StageTables, Values
from nasface.costs.counts import Macs, Params
from nasface.costs.latency_lut import LutConfig, LutLatency

__all__ = ["Cost", "LayerCost", "LutConfig", "LutLatency", "Macs", "Params", "StageTables", "Values"]
