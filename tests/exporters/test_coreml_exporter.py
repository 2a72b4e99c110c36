"""The coreml exporter: what stands in the package, read without Core ML, and what its program computes."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from networks import every_operation

from nasface.errors import ExportError, InvalidInput, MissingDependency
from nasface.exporters import CoreMLConfig, CoreMLExporter, read_metadata
from nasface.exporters.coreml import PROGRAM, WEIGHTS, coreml_operations
from nasface.exporters.metadata import replace_metadata
from nasface.netspec import INPUT, NetBuilder, random_weights
from nasface.reading import read_contents
from nasface.reports.snippets import write_snippets
from nasface.runtimes import check_parity, open_model, runtimes
from nasface.runtimes.coreml import load_program
from nasface.supernets import SpecModule

pytestmark = pytest.mark.skipif(find_spec("coremltools") is None, reason="needs coremltools (extra [coreml])")


@pytest.fixture(scope="module")
def small():
    """A convolution, h_swish, a mean and a matrix; their weights; and the package, written once."""
    net = NetBuilder("small", (8, 8, 3))
    with net.layer("Layer"):
        x = net.activation(net.conv(INPUT, "stem.conv", channels=8, kernel=3, stride=2, bias=True), "h_swish")
        net.linear(net.global_avg_pool(x, "mean"), "fc", features=5)
    spec = net.build()
    return spec, random_weights(spec, np.random.default_rng(0))


@pytest.fixture(scope="module")
def package(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("coreml") / "model.mlpackage"
    return CoreMLExporter(CoreMLConfig()).export(*small, path, {"thresholds": "none"}).path


def test_the_package_holds_the_network(small, package, images, reference, caplog):
    spec, weights = small
    program, sides = load_program(package)
    assert sides == [8, 8]
    assert program.operations == ("conv", "sigmoid_hard", "mul", "reduce_mean", "conv", "reshape")
    for name, value in weights.items():
        found = program.constants[f"{name.replace('.', '_')}_0"].numpy()
        assert np.array_equal(found.reshape(value.shape), value), f"{name} is not the network's, to the bit"
    x = images(spec, 3)
    np.testing.assert_allclose(open_model(package).embed(x), reference(spec, weights, x), rtol=1e-5, atol=1e-6)
    assert "Core ML runs on Apple systems only" in caplog.text, "nobody takes this for a run of the file"
    assert runtimes()[".mlpackage"].stands_in, "and nothing is timed"


def test_equal_networks_give_equal_packages_which_are_written_over(small, package, tmp_path):
    path = tmp_path / "other.mlpackage"
    (path / "Data").mkdir(parents=True)
    (path / "Data" / "former").write_text("x")
    again = CoreMLExporter(CoreMLConfig()).export(*small, path, {"thresholds": "none"})
    data = read_contents(package)
    assert (again.bytes, again.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == ["other.mlpackage"]
    assert {file.name for file in path.rglob("*") if file.is_file()} == {"Manifest.json", "model.mlmodel", "weight.bin"}
    replace_metadata(path, {**read_metadata(path), "purpose": "another"})
    assert read_metadata(path)["purpose"] == "another"
    assert coreml_operations((path / PROGRAM).read_bytes())["conv"] == 2


def test_it_says_how_it_is_used(package):
    found = read_metadata(package)
    assert found["input"] == {"name": "input", "shape": [1, 3, 8, 8], "layout": "NCHW", "type": "float32"}
    assert (found["output"]["name"], found["output"]["shape"], found["precision"]) == ("descriptor", [1, 5], "float32")
    manifest = json.loads((package / "Manifest.json").read_text())
    for item in manifest["itemInfoEntries"].values():
        assert (package / "Data" / item["path"]).exists()
    assert manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["name"] == "model.mlmodel"
    script, swift = (file.read_text() for file in write_snippets(package))
    assert "import CoreML\n" in swift
    assert "$" not in swift.replace("$0", "").replace("$1", "")
    compile(script, "use_model.py", "exec")


@pytest.mark.parametrize("part", [PROGRAM, WEIGHTS])
def test_damaged_packages_are_refused(package, tmp_path, part):
    path = tmp_path / "damaged.mlpackage"
    for name in (PROGRAM, WEIGHTS):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes((package / name).read_bytes())
    whole = (package / part).read_bytes()
    for content in (b"", b"not a model", whole[: len(whole) // 2], None):
        (path / part).unlink() if content is None else (path / part).write_bytes(content)
        with pytest.raises(InvalidInput, match=r"damaged\.mlpackage"):
            open_model(path).embed(np.zeros((1, 8, 8, 3), np.float32))
    if part == PROGRAM:
        with pytest.raises(ExportError, match="cannot be read"):
            read_metadata(path)


def test_weights_beyond_float16_are_refused(small, tmp_path):
    spec, weights = small
    large = {**weights, "fc.bias": np.full(5, 1e5, np.float32)}
    with pytest.raises(ExportError, match="precision=float32"):
        CoreMLExporter(CoreMLConfig("coreml", "float16")).export(spec, large, tmp_path / "net.mlpackage", {})
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_said(small, tmp_path, monkeypatch):
    for name in ("coremltools", *(name for name in sys.modules if name.startswith("coremltools."))):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=r"pip install 'nasface\[coreml\]'"):
        CoreMLExporter(CoreMLConfig()).export(*small, tmp_path / "net.mlpackage", {})


@pytest.mark.slow
def test_several_outputs(pyramid, images, reference_maps, tmp_path):
    spec, weights = pyramid
    path = CoreMLExporter(CoreMLConfig()).export(spec, weights, tmp_path / "net.mlpackage", {}).path
    x = images(spec, 1)
    program, _ = load_program(path)
    import torch

    found = program(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    names = [output["name"] for output in read_metadata(path)["outputs"]]
    assert set(names) == set(found)
    for name, value in zip(names, reference_maps(spec, weights, x).values(), strict=True):
        np.testing.assert_allclose(found[name].permute(0, 2, 3, 1), value, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", CoreMLExporter.precisions)
def test_every_operation(precision, images, tmp_path):
    import torch

    spec = every_operation((16, 16, 3))
    weights, x = random_weights(spec, np.random.default_rng(0)), images(spec, 2)
    path = CoreMLExporter(CoreMLConfig(precision=precision)).export(spec, weights, tmp_path / "a.mlpackage", {}).path
    with torch.no_grad():
        expected = SpecModule.from_weights(spec, weights)(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
    check_parity(expected, open_model(path).embed(x), path, {"float32": 1e-5, "float16": 5e-3}[precision])
