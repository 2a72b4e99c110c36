"""What shells give is what arrives: paths need no quoting for Hydra's grammar."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from nasface.arguments import named_task, to_hydra
from nasface.errors import InvalidInput
from nasface.runs import write_json
from nasface.spaces.published import published_subnets

from ._command import Command

PATHS = (
    "Fotos_Müller",
    "人脸",
    "dataset (1)",
    "[v2]",
    "a#1",
    "it's",
    'a "b" c',
    "x=y",
    "R&D",
    "a,b",
    "f(1)",
    "{x}",
    "blank at the end ",
    "back\\slash",
    "50%",
    "epoch=3-step=10.ckpt",
    "2024",
    "null",
    "range(3)",
)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_arrives_as_it_is_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for written in (name, str(tmp_path / name)):
        (override,) = to_hydra([f"data.root={written}"])
        assert OverridesParser.create().parse_override(override).value() == written


def test_the_tilde_and_paths_that_are_not_there_arrive_as_well() -> None:
    for written in ("~/mine.pth", "typo (1)/ä.pth", "epoch=4.ckpt"):
        (override,) = to_hydra([f"supernet.checkpoint={written}"])
        assert OverridesParser.create().parse_override(override).value() == written


def test_lists_and_sweeps_of_paths_keep_their_parts() -> None:
    (listed,) = to_hydra(["model=[a (1).tflite, ü.onnx, plain.tflite]"])
    assert OverridesParser.create().parse_override(listed).value() == ["a (1).tflite", "ü.onnx", "plain.tflite"]
    _, swept = to_hydra(["-m", "supernet.checkpoint=epoch=3.ckpt,epoch=4.ckpt"])
    assert list(OverridesParser.create().parse_override(swept).sweep_string_iterator()) == [
        "'epoch=3.ckpt'",
        "'epoch=4.ckpt'",
    ]


@pytest.mark.parametrize(
    "override",
    ["seed=range(3)", "device=[sd865,sd765]", "model={a:1}", "accuracy.table=${oc.env:HOME}/x", "~teacher", "+a.b=1"],
)
def test_what_hydra_reads_is_left_alone(override: str) -> None:
    assert to_hydra(["-m", override]) == ["-m", override]


def test_words_folders_and_bounds() -> None:
    """Tasks by their names, a folder of YAML behind the options, a bound without .max."""
    assert to_hydra(["evaluate", "model=x", "--config-dir", "mine", "training=fast"]) == [
        *("--config-dir", "mine", "task=evaluate", "model=x", "training=fast")
    ]
    assert to_hydra(["constraints.latency_ms=12"]) == ["constraints.latency_ms.max=12"]
    with pytest.raises(InvalidInput, match=r"'serch' is neither a task nor an option\. Did you mean search"):
        to_hydra(["serch"])


@pytest.mark.parametrize("given", ["lut=3", "compare=[1]", "+constraints=[1]", "evaluation=null", "accuracy=mine.csv"])
def test_one_value_in_place_of_several_options_is_refused_with_its_name(given: str) -> None:
    name = given.lstrip("+").partition("=")[0]
    with pytest.raises(
        InvalidInput, match=rf"^{name} holds options of its own and cannot be .*; give {name}\.OPTION=VALUE"
    ):
        to_hydra([given])
    with pytest.raises(InvalidInput, match=r"^constraints\.latency_ms holds .*latency_ms\.max=NUMBER"):
        to_hydra(["constraints.latency_ms=[1]"])
    assert to_hydra(["constraints={latency_ms:{max:9}}"]) == ["constraints={latency_ms:{max:9}}"]
    assert to_hydra(["-m", "constraints.latency_ms=5,6"])[1] == "constraints.latency_ms.max=5,6"


def test_a_task_reads_a_file_with_a_difficult_name(cli: Command, tmp_path: Path) -> None:
    path = tmp_path / "Fotos (1) [v2] it's 人脸 x=y.json"
    write_json(path, published_subnets()[0].genotype)
    done = cli("inspect", f"genotype={path}")
    assert done.code == 0, done.err


def test_the_list_of_a_kind_and_the_help_of_a_task() -> None:
    assert to_hydra(["list", "search"]) == ["task=list", "show='search'"]
    assert to_hydra(["task=list", "predictor=ridge"]) == ["task=list", "show='predictor=ridge'"]
    assert to_hydra(["predictor=ridge"]) == ["predictor=ridge"]
    assert named_task(["-m", "evaluate", "--help"]) == named_task(["task=evaluate"]) == "evaluate"
    assert named_task(["device=sd865"]) is None
