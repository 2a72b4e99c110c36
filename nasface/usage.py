"""What `python -m nasface --help` shows: examples, tasks, what every group can be, and the options with their comments.

Hydra's own help composes a run and lists groups several times over, which takes seconds and drops the comments.
"""

from __future__ import annotations

from collections.abc import Iterable

from nasface.devices import user_luts
from nasface.options import config_directory, yaml_options
from nasface.registry import REGISTRY
from nasface.tasks import all_tasks

EXAMPLES = """\
python -m nasface predictor=lightgbm_nac device=sd865                           the main job
python -m nasface -m predictor=lightgbm_nac,mlp_regressor device=sd865,sd765    a sweep, one table
python -m nasface task=list                                                     every component and its parameters
python -m nasface --cfg job                                                     composed options, nothing is run
python -m nasface --hydra-help                                                  flags of Hydra, which composes options
"""

_NO_GROUPS = ("task", "cost", "metric", "runtime")
"""Tasks have a section of their own; costs and metrics stand in other options, runtimes in suffixes."""


def usage() -> str:
    """The text of `--help`, after `options.register_options`."""
    options = (config_directory() / "config.yaml").read_text(encoding="utf-8").partition("\nhydra:")[0]
    sections = {
        "Examples": EXAMPLES,
        "Tasks: task=NAME": _columns(all_tasks().items()),
        "Groups: group=NAME": _columns((group, ", ".join(sorted(names))) for group, names in _groups().items()),
        "Options and their defaults: name.part=value": options,
    }
    return "\n".join(f"{title}\n{'-' * len(title)}\n{text.strip()}\n" for title, text in sections.items())


def _groups() -> dict[str, set[str]]:
    """Names by group, from components, YAML files and the user's own latency tables."""
    found: dict[str, set[str]] = {"device": set(user_luts())}
    for component in REGISTRY:
        if component.kind not in _NO_GROUPS:
            found.setdefault(component.kind, set()).add(component.name)
    for option in yaml_options():
        group, _, name = option.rpartition("/")
        if group and not group.startswith("hydra"):
            found.setdefault(group, set()).add(name)
    return dict(sorted(found.items()))


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    pairs = list(rows)
    width = max(len(name) for name, _ in pairs) + 2
    return "\n".join(f"{name:{width}}{text}" for name, text in pairs)
