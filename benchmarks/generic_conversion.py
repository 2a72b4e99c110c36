"""The default exporter against a generic conversion of the torch network by litert-torch: same nets, interleaved.

litert-torch brings JAX and several gigabytes, so it is no dependency of nasface: make a venv of its own, run
`pip install '.[all,test]' litert-torch`, then `python benchmarks/generic_conversion.py [--rounds 30]`. It prints
Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from bench_export import GENOTYPES, face_net, interleave, summary, tflite_runner, torch_runner

from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import NetSpec, Weights
from nasface.runtimes import run_tflite
from nasface.supernets.module import SpecModule

RESOLUTIONS = (112, 224)


def convert(spec: NetSpec, weights: Weights, folder: Path) -> dict[str, Path]:
    """Files of the generic conversion: input as torch has it (NCHW), and transposed at the border (NHWC)."""
    import litert_torch

    module = SpecModule.from_weights(spec, weights)
    image = torch.randn(1, 3, *spec.input_shape[:2])
    sources = {
        "litert-torch NCHW": (module, image),
        "litert-torch NHWC": (litert_torch.to_channel_last_io(module, args=[0]), image.permute(0, 2, 3, 1)),
    }
    paths = {}
    for name, (source, sample) in sources.items():
        paths[name] = folder / f"{name}.tflite"
        litert_torch.convert(source.eval(), (sample,)).export(str(paths[name]))
    return paths


def check(ours: Path, generic: Path, shape: tuple[int, ...]) -> None:
    """Stop unless both files compute the same."""
    images = np.random.default_rng(1).standard_normal((1, *shape), np.float32)
    expected = run_tflite(ours, images)
    difference = np.abs(run_tflite(generic, images) - expected).max() / np.linalg.norm(expected)
    if difference > 1e-3:
        raise SystemExit(f"{generic.name} differs by {difference:.2g} of the norm.")


def compare(name: str, resolution: int, folder: Path, rounds: int) -> Iterator[str]:
    """Rows of the table for one network."""
    spec, weights = face_net(name, resolution)
    paths = {
        key: TFLiteExporter(TFLiteConfig(split_depthwise=split)).export(spec, weights, folder / key, {}).path
        for key, split in (("tflite", True), ("tflite whole 7x7", False))
    }
    generic = convert(spec, weights, folder)
    check(paths["tflite"], generic["litert-torch NHWC"], spec.input_shape)
    runners = {key: tflite_runner(path) for key, path in (paths | generic).items()}
    runners["torch"] = torch_runner(spec, weights)
    for key, text in summary(interleave(runners, rounds), "tflite").items():
        yield f"| {name} | {resolution} | {key} | {text} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print("| net | pixels | route | processor time of one image, one thread |\n|---|---|---|---|")
    for name in GENOTYPES:
        for resolution in RESOLUTIONS:
            with tempfile.TemporaryDirectory() as folder:
                for row in compare(name, resolution, Path(folder), rounds):
                    print(row, flush=True)


if __name__ == "__main__":
    main()
