"""What every exporter must do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import ExportError, MissingDependency
from nasface.exporters import Exported, Exporter, weight_shapes
from nasface.netspec import NetSpec, Weights
from nasface.reading import read_contents
from nasface.spaces import OfaMbv3, OfaMbv3Config


class ExporterConformance:
    """Give the fixture `exporter`, and `suffix` if file names matter. What the file computes is not judged here."""

    suffix = ".bin"

    @pytest.fixture
    def exporter(self) -> Exporter:
        raise NotImplementedError("give the fixture `exporter`")

    @pytest.fixture
    def spec(self) -> NetSpec:
        space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, depths=[1], descriptor=16))
        return space.build(space.sample(np.random.default_rng(0), 1)[0])

    @pytest.fixture
    def weights(self, spec: NetSpec) -> Weights:
        rng = np.random.default_rng(1)
        return {
            name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in sorted(weight_shapes(spec).items())
        }

    def test_equal_arguments_give_equal_bytes(
        self, exporter: Exporter, spec: NetSpec, weights: Weights, tmp_path: Path
    ) -> None:
        kept = {name: value.copy() for name, value in weights.items()}
        paths = [tmp_path / f"{name}{self.suffix}" for name in ("one", "two")]
        for path in paths:
            self._check(path, _export(exporter, spec, weights, path))
        assert read_contents(paths[0]) == read_contents(paths[1])
        assert sorted(tmp_path.iterdir()) == sorted(paths), "nothing may be left beside the files"
        for name, value in weights.items():
            np.testing.assert_array_equal(value, kept[name], "export changed its weights")

    def test_metadata_is_in_the_file(self, exporter: Exporter, spec: NetSpec, weights: Weights, tmp_path: Path) -> None:
        files = []
        for number, purpose in enumerate(("conformance", "something else")):
            files.append(tmp_path / f"{number}{self.suffix}")
            _export(exporter, spec, weights, files[-1], purpose)
        assert read_contents(files[0]) != read_contents(files[1]), "the metadata was dropped"

    def _check(self, path: Path, exported: Exported) -> None:
        data = read_contents(path)
        assert exported == Exported(path, len(data), hashlib.sha256(data).hexdigest())

    def test_bad_weights_are_refused(self, exporter: Exporter, spec: NetSpec, weights: Weights, tmp_path: Path) -> None:
        name = min(weights)
        missing = {key: value for key, value in weights.items() if key != name}
        misshapen = {**weights, name: np.zeros(3, np.float32)}
        infinite = {**weights, name: np.full_like(weights[name], np.inf)}
        for bad in (missing, misshapen, infinite):
            with pytest.raises(ExportError):
                _export(exporter, spec, bad, tmp_path / f"bad{self.suffix}")
        assert list(tmp_path.iterdir()) == [], "nothing half-written may stay"


def _export(exporter: Exporter, spec: NetSpec, weights: Weights, path: Path, purpose: str = "conformance") -> Exported:
    try:
        return exporter.export(spec, weights, path, {"purpose": purpose})
    except MissingDependency as error:
        pytest.skip(str(error))
