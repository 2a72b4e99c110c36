"""Schedules, losses, teachers and devices of a plug-in that are YAML alone; one that is wrong stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from .conftest import Command, Done, install

PRESETS = {
    "nasface_presets/__init__.py": '"""YAML alone."""',
    "nasface_presets/conf/training/brief.yaml": """
# Two steps, to see whether all is there.
defaults: [/schema/training@_here_, _self_]
name: brief
plan: { brief: { steps: 2, learning_rate: 1e-3 } }
""",
    "nasface_presets/conf/loss/gentle.yaml": """
# ArcFace with a small margin.
defaults: [/schema/loss/arcface@_here_, _self_]
name: arcface
margin: 0.125
""",
    "nasface_presets/conf/teacher/quiet.yaml": """
# The largest network, hardly heard.
defaults: [/schema/teacher/largest@_here_, _self_]
weight: 0.25
""",
    "nasface_presets/conf/device/board.yaml": """
# @package device.board
lut: sd865
""",
}

CROOKED = {
    "nasface_crooked/__init__.py": '"""A preset with an option that its loss does not have."""',
    "nasface_crooked/conf/loss/crooked.yaml": """
# Cannot be.
defaults: [/schema/loss/arcface@_here_, _self_]
marggin: 0.125
""",
}


CHOSEN = ("training=brief", "loss=gentle", "teacher=quiet", "device=board")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("presets")
    install(folder, "presets", {name: text.lstrip() for name, text in PRESETS.items()})
    install(folder, "crooked", {name: text.lstrip() for name, text in CROOKED.items()})
    return folder


@pytest.fixture(scope="module")
def listed(command: Command, site: Path) -> Done:
    done = command("task=list", sites=[site])
    assert done.code == 0, done.err
    return done


def test_they_are_chosen_like_any_other(command: Command, site: Path) -> None:
    done = command("--cfg", "job", *CHOSEN, sites=[site])
    assert done.code == 0, done.err
    options = OmegaConf.create(done.out)
    assert options.training.plan.brief.steps == 2
    assert (options.loss.name, options.loss.margin, options.loss.scale) == ("arcface", 0.125, 64.0)
    assert (options.teacher.name, options.teacher.weight) == ("largest", 0.25)
    assert options.device == {"board": {"lut": "sd865"}}


@pytest.mark.parametrize(
    ("kind", "name", "summary"),
    [
        ("training", "brief", "Two steps, to see whether all is there."),
        ("loss", "gentle", "ArcFace with a small margin."),
        ("teacher", "quiet", "The largest network, hardly heard."),
    ],
)
def test_they_are_listed_with_their_origin(listed: Done, kind: str, name: str, summary: str) -> None:
    rows = {(row["kind"], row["name"]): row for row in listed.result["decision"]["components"]}
    assert (rows[kind, name]["summary"], rows[kind, name]["origin"]) == (summary, "nasface-presets")


def test_one_that_cannot_be_composed_is_listed_with_the_reason(listed: Done) -> None:
    (row,) = [row for row in listed.result["decision"]["components"] if row["name"] == "crooked"]
    assert row["origin"] == "nasface-crooked"
    assert "marggin" in row["summary"]
