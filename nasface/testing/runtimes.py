"""What every runtime must do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.errors import NasfaceError
from nasface.reading import read_contents
from nasface.runtimes import Images, Model, Runtime


class RuntimeConformance:
    """Give the fixtures `runtime` and `file`, a model of `side` pixels with one of its suffixes."""

    side = 32

    @pytest.fixture
    def runtime(self) -> Runtime:
        raise NotImplementedError("give the fixture `runtime`")

    @pytest.fixture
    def file(self) -> Path:
        raise NotImplementedError("give the fixture `file`")

    @pytest.fixture
    def images(self) -> Images:
        return np.random.default_rng(0).standard_normal((5, self.side, self.side, 3), np.float32)

    def test_suffixes(self, runtime: Runtime, file: Path) -> None:
        assert runtime.suffixes
        for suffix in runtime.suffixes:
            assert suffix.startswith("."), f"'{suffix}' is no suffix: write '.{suffix}'"
            assert suffix == suffix.lower(), "suffixes are compared in lower case"
        assert file.suffix in runtime.suffixes

    def test_a_file_is_opened(self, runtime: Runtime, file: Path) -> None:
        model = runtime.open(file, self.side, 1, None)
        assert isinstance(model, Model)
        assert model.size == self.side

    def test_descriptors(self, runtime: Runtime, file: Path, images: Images) -> None:
        model, kept = runtime.open(file, self.side, 1, None), images.copy()
        found = model.embed(images)
        assert found.dtype == np.float32
        assert found.ndim == 2
        assert len(found) == len(images), "one descriptor an image"
        np.testing.assert_array_equal(images, kept, "embed changed its images")
        np.testing.assert_array_equal(model.embed(images), found, "embed must repeat itself")
        single = np.concatenate([model.embed(images[row : row + 1]) for row in range(len(images))])
        scale = np.abs(found).max()
        np.testing.assert_allclose(single / scale, found / scale, atol=1e-4, err_msg="batches must give what rows give")
        assert not np.allclose(found[0] / scale, found[1] / scale, atol=1e-4), "different images, one descriptor"

    def test_threads_change_nothing(self, runtime: Runtime, file: Path, images: Images) -> None:
        one, two = (runtime.open(file, self.side, threads, None).embed(images) for threads in (1, 2))
        scale = np.abs(one).max()
        np.testing.assert_allclose(two / scale, one / scale, atol=1e-4)

    def test_damaged_files_are_refused(self, runtime: Runtime, file: Path, tmp_path: Path) -> None:
        data = read_contents(file)
        for number, damaged in enumerate((b"", b"not a model", data[: len(data) // 2])):
            path = tmp_path / f"damaged{number}{file.suffix}"
            path.write_bytes(damaged)
            with pytest.raises(NasfaceError):
                runtime.open(path, self.side, 1, None).embed(np.zeros((1, self.side, self.side, 3), np.float32))
