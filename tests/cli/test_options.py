"""The command line's surface, frozen in options.txt: no option appears, changes its default, or goes by accident."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from nasface.options import config_directory, register_options
from nasface.registry import KINDS, REGISTRY
from nasface.settings import Settings
from nasface.tasks import all_tasks

from ._command import Command, python, restored_hydra

GOLDEN = Path(__file__).with_name("options.txt")
OTHERS = ("device", "training")
"""Groups that are not kinds of components."""
UPDATE = "from the repository root: python -m tests.cli.test_options > tests/cli/options.txt"


def surface() -> Iterator[str]:
    """One line per option: groups and what they can be, parameters with their defaults, then the root keys.

    What plug-ins bring is left out.
    """
    foreign = {(component.kind, component.name) for component in REGISTRY if component.origin != "nasface"}
    with tempfile.TemporaryDirectory() as home, _alone(home), restored_hydra():
        register_options()
        with initialize_config_dir(str(config_directory()), version_base="1.3"):
            usual = set(_flat(compose("config")))
            loader = GlobalHydra.instance().config_loader()
            for group in sorted(set(loader.list_groups("")) - {"hydra", "schema"}):
                for option in [name for name in loader.get_group_options(group) if (group, name) not in foreign]:
                    yield f"{group}={option}"
                    if group in ("experiment", "task", "teacher"):  # what it changes, in other groups too
                        chosen = set(_flat(compose("config", overrides=[f"{group}={option}"]))) - usual
                    else:
                        chosen = set(_flat(compose(overrides=[f"+{group}={option}"])))
                    yield from sorted(
                        f"  {line}" for line in chosen if not line.endswith((f".name={option}", f"task={option}"))
                    )
            plain = compose("config")
            groups = ({field.name for field in dataclasses.fields(Settings)} - {"experiment"}) & {*KINDS, *OTHERS}
            yield from sorted(_flat({key: value for key, value in plain.items() if key not in groups}))


@contextmanager
def _alone(home: str) -> Iterator[None]:
    """Without the latency tables and plug-ins of whoever runs this."""
    with mock.patch.dict(os.environ, {"NASFACE_HOME": home}), mock.patch("nasface.options.load_plugins", dict):
        yield


def _flat(node: Any, prefix: str = "") -> Iterator[str]:
    plain = OmegaConf.to_container(node) if OmegaConf.is_config(node) else node
    if isinstance(plain, dict) and plain:
        for key, value in plain.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield f"{prefix}={'null' if plain is None else plain}"


def test_options_are_frozen() -> None:
    found = "\n".join(surface()) + "\n"
    assert found == GOLDEN.read_text(encoding="utf-8"), f"if this change is wanted, update the list; {UPDATE}"


def test_every_component_is_an_option() -> None:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    core = [c for c in REGISTRY if c.origin == "nasface" and (c.config is not None or c.kind in ("task", "experiment"))]
    assert {f"{component.kind}={component.name}" for component in core} <= set(lines)


def test_help_loads_no_heavy_package(tmp_path: Path) -> None:
    done = python("-X", "importtime", "-m", "nasface", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert {"hydra", "nasface.cli"} <= imported
    heavy = {"torch", "lightgbm", "tensorflow", "keras", "ai_edge_litert", "PIL", "onnxruntime", "scipy", "pandas"}
    assert not heavy & imported
    assert "lightgbm_nac, lightgbm_ranker" in done.stdout
    assert all(text in done.stdout for text in ("Examples", "estimate_accuracy", "n_subnets: 500", "# "))
    assert list(tmp_path.iterdir()) == []


def test_configuration_is_shown_from_anywhere(tmp_path: Path) -> None:
    done = python("-m", "nasface", "predictor.penalty=7", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    defaults = {"name": "ridge", **_defaults("predictor", "ridge")}
    assert OmegaConf.create(done.stdout).predictor == defaults | {"penalty": 7.0}
    assert list(tmp_path.iterdir()) == []


def test_list_shows_every_component(cli: Command) -> None:
    done = cli("task=list")
    assert done.code == 0, done.err
    listed = {(row["kind"], row["name"]): row for row in done.result["decision"]["components"]}
    for component in (component for component in REGISTRY if component.kind not in ("task", "loss", "teacher")):
        row = listed[component.kind, component.name]
        assert (row["origin"], row["summary"]) == (component.origin, component.summary)
        assert row["parameters"] == _defaults(component.kind, component.name)
        assert component.name in done.out
    assert set(all_tasks()) == set(done.result["decision"]["tasks"])
    assert "estimated" in listed["device", "sd865"]["summary"]
    assert "measured" in listed["device", "i7_8700k"]["summary"]


def _defaults(kind: str, name: str) -> dict[str, Any]:
    return {key: value for key, value in REGISTRY.get(kind, name).defaults().items() if key != "name"}


if __name__ == "__main__":
    print("\n".join(surface()))  # noqa: T201
