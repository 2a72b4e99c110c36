"""Types of the options in `conf/config.yaml`. Defaults live there and in the components' dataclasses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf


@dataclass
class Bound:
    """A bound on one cost: absolute in the cost's unit, or relative to EfficientNet-B0; at most one of the two."""

    max: float | None = MISSING
    ratio: float | None = MISSING


@dataclass
class Constraints:
    """Bounds on what the network may need."""

    latency_ms: Bound = field(default_factory=Bound)
    params_m: Bound = field(default_factory=Bound)
    macs_m: Bound = field(default_factory=Bound)
    default_latency_ratio: float | None = MISSING


@dataclass
class Accuracy:
    """The accuracy table and how it is made."""

    table: str | None = MISSING
    metric: str = MISSING
    n_subnets: int = MISSING
    calibration_photos: int = MISSING


@dataclass
class Evaluation:
    """How descriptors are judged."""

    far: list[float] | None = MISSING
    bootstrap: int = MISSING


@dataclass
class Measure:
    """Timing of the exported model on this machine."""

    runs: int = MISSING
    threads: int = MISSING


@dataclass
class Lut:
    """A latency table measured elsewhere, for `task=import_lut`."""

    name: str | None = MISSING
    file: str | None = MISSING
    arch2info: str | None = MISSING
    runtime: str | None = MISSING
    threads: int | None = MISSING
    kind: str = MISSING


@dataclass
class Assets:
    """What `task=build_assets` rebuilds, from which sources, into which folder."""

    sources: str | None = MISSING
    out: str | None = MISSING
    parts: list[str] = MISSING


@dataclass
class Settings:
    """One composed run. Component groups stay dictionaries: the registry checks them against their dataclasses."""

    task: str = MISSING
    seed: int = MISSING
    constraints: Constraints = field(default_factory=Constraints)
    accuracy: Accuracy = field(default_factory=Accuracy)
    evaluation: Evaluation = field(default_factory=Evaluation)
    measure: Measure = field(default_factory=Measure)
    genotype: str | None = MISSING
    model: Any = MISSING
    sweep: str | None = MISSING
    lut: Lut = field(default_factory=Lut)
    assets: Assets = field(default_factory=Assets)
    space: dict[str, Any] = MISSING
    supernet: dict[str, Any] = MISSING
    latency: dict[str, Any] = MISSING
    device: dict[str, Any] = MISSING
    predictor: dict[str, Any] = MISSING
    selector: dict[str, Any] = MISSING
    search: dict[str, Any] = MISSING
    exporter: dict[str, Any] = MISSING
    data: dict[str, Any] = MISSING
    training: dict[str, Any] = MISSING
    loss: dict[str, Any] = MISSING
    teacher: dict[str, Any] = MISSING

    @classmethod
    def of(cls, config: DictConfig) -> Settings:
        """Check the types of a composed config and resolve it; raises OmegaConf's ValidationError."""
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        merged = OmegaConf.merge(OmegaConf.structured(cls), plain)
        settings = OmegaConf.to_object(merged)
        if not isinstance(settings, cls):
            raise TypeError(f"expected {cls.__name__}, not {type(settings).__name__}")
        return settings

    def fingerprint(self) -> str:
        """Short hash of all options."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]
