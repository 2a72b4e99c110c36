"""Parts that a plug-in may bring and the core has none of: through the real command line."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest

from nasface.costs import Macs
from nasface.exporters import Examples, Exported, Exporter, Metadata, describe, write_model
from nasface.netspec import NetSpec, Weights
from nasface.registry import REGISTRY
from nasface.spaces.ofa_mbv3 import OfaMbv3
from nasface.testing.synthetic import Stageless

from ._command import Command, replace_component

REMARK = "smallest and largest are the networks of fewest and most multiply-accumulates that a short search found"


class WithoutStages(Stageless, OfaMbv3):
    """The face space, of whose stages nobody knows."""


def test_extremes_of_a_space_without_stages_are_said_to_be_found(
    cli: Command, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_component(monkeypatch, "space", "ofa_mbv3_face", WithoutStages)
    done = cli(*tiny, "exporter=none")
    assert done.code == 0, done.err
    words = " ".join(done.out.split())
    assert REMARK in words
    assert REMARK in str(done.result["decision"])
    assert REMARK in (done.folder / "report.html").read_text(encoding="utf-8")


class Unread(Exporter):
    """Its files have a suffix that no runtime reads."""

    suffix = ".unread"

    def __init__(self, config: object) -> None:
        pass

    def export(
        self, spec: NetSpec, weights: Weights, path: Path, metadata: Metadata, examples: Examples | None = None
    ) -> Exported:
        return write_model(path, describe(spec, "float32", metadata))


def test_a_file_that_no_runtime_reads_is_said_to_be_unchecked(
    cli: Command, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_component(monkeypatch, "exporter", "onnx", Unread)
    done = cli(*tiny, "exporter=onnx", "accuracy.calibration_photos=4")
    assert done.code == 0, done.err
    said = "not checked: no runtime reads .unread files"
    assert said in done.out
    assert said in (done.folder / "report.html").read_text(encoding="utf-8")
    assert done.result["measurements"]["parity"] == {}
    following = next(line for line in done.out.splitlines() if line.startswith("next: "))
    assert cli(*shlex.split(following.partition("nasface ")[2])).code == 0


class Misnamed(Macs):
    """Calls itself otherwise than it is registered."""

    name = "speed"

    def __init__(self, config: object = None, *, space: object, device: object = None) -> None:
        super().__init__(space)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "name"), [("cost", "macs_m"), ("latency", "analytic")])
def test_a_cost_that_calls_itself_otherwise_is_refused(
    cli: Command, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    foreign = dataclasses.replace(REGISTRY.get(kind, name), factory=Misnamed, origin="nasface-foreign")
    monkeypatch.setitem(REGISTRY._components, (kind, name), foreign)
    done = cli(f"+cost.{name}.name={name}" if kind == "cost" else f"latency={name}", "exporter=none")
    assert done.code == 2, done.err
    assert f"{name} of nasface-foreign calls itself 'speed'" in done.text
