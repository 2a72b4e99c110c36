"""Timing in PyTorch on this machine: networks operation by operation (eager), and TorchScript files."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from nasface.errors import ModelRefused
from nasface.netspec import NetSpec, random_weights
from nasface.supernets.module import SpecModule
from nasface.timing.transports import Sample, Transport
from nasface.timing.transports.runner import cpu_fields


class TorchTransport(Transport):
    """PyTorch in this process, with channels last, batch normalisation folded and gradients off.

    Args:
        eager: Networks by model name that run operation by operation, with random weights; every other model is a
            TorchScript file.
        inputs: Resolution in pixels by model name.
    """

    def __init__(self, eager: Mapping[str, NetSpec], inputs: Mapping[str, int]) -> None:
        self._eager, self._inputs = eager, inputs
        self._models: dict[str, Path] = {}
        self._loaded: dict[str, torch.nn.Module] = {}
        self._threads = torch.get_num_threads()

    def __exit__(self, *error: object) -> None:
        torch.set_num_threads(self._threads)
        self._loaded.clear()

    def describe(self) -> Mapping[str, str]:
        """This machine's processor and torch's version."""
        processor = "".join(cpu_fields("model name")[:1]) or platform.processor() or platform.machine()
        return {"device": processor, "runtime": f"torch {torch.__version__}"}

    def send(self, models: Mapping[str, Path]) -> None:
        """Nothing to copy."""
        self._models |= models

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """One block of runs of one image."""
        torch.set_num_threads(threads)
        size = self._inputs[model]
        image = np.random.default_rng(0).standard_normal((1, 3, size, size), np.float32)
        x = torch.from_numpy(image).contiguous(memory_format=torch.channels_last)
        module, times = self._load(model), []
        try:
            with torch.inference_mode():
                for _ in range(warmup):
                    module(x)
                for _ in range(runs):
                    start = time.perf_counter()
                    module(x)
                    times.append(1e3 * (time.perf_counter() - start))
        except RuntimeError as error:
            raise ModelRefused(f"torch cannot run {model}: {str(error).splitlines()[0]}") from None
        return Sample(tuple(times), runs)

    def _load(self, model: str) -> torch.nn.Module:
        if model not in self._loaded:
            spec = self._eager.get(model)
            self._loaded[model] = folded(spec) if spec is not None else _open(self._models[model])
        return self._loaded[model]


def folded(spec: NetSpec) -> SpecModule:
    """The network with random weights, batch normalisation folded."""
    return SpecModule.from_weights(spec, random_weights(spec, np.random.default_rng(0)))


def write_torchscript(spec: NetSpec, path: Path) -> Path:
    """The network with random weights, traced and frozen, as a TorchScript file; its path."""
    image = torch.zeros(1, 3, *spec.input_shape[:2]).contiguous(memory_format=torch.channels_last)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # TorchScript is what phones' PyTorch runs, deprecated or not
        traced = torch.jit.freeze(torch.jit.trace(folded(spec), image).eval())  # type: ignore[no-untyped-call]
        torch.jit.save(traced, str(path))
    return path


def _open(path: Path) -> torch.nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            module: torch.nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            return module.eval()
    except RuntimeError as error:
        raise ModelRefused(f"{path} is not a TorchScript file ({str(error).splitlines()[0]}).") from None
