"""What `python -m nasface --help` shows: examples, tasks, what every group can be, and the options with their comments.

Hydra's own help composes a run and lists groups several times over, which takes seconds and drops the comments.
"""

from __future__ import annotations

from collections.abc import Iterable

from nasface.data import DATA
from nasface.devices import user_luts
from nasface.options import config_directory, yaml_options
from nasface.registry import REGISTRY
from nasface.supernets import SUPERNETS
from nasface.tasks import TASKS
from nasface.timing.transports import TRANSPORTS

EXAMPLES = """\
python -m nasface predictor=lightgbm_nac device=sd865                           the main job
python -m nasface -m predictor=lightgbm_nac,mlp_regressor device=sd865,sd765    a sweep, one table
python -m nasface task=list                                                     every component and its parameters
python -m nasface --cfg job                                                     composed options, nothing is run
python -m nasface --hydra-help                                                  flags of Hydra, which composes options
"""


def usage() -> str:
    """The text of `--help`, after `options.register_options`."""
    options = (config_directory() / "config.yaml").read_text(encoding="utf-8").partition("\nhydra:")[0]
    sections = {
        "Examples": EXAMPLES,
        "Tasks: task=NAME": _columns(TASKS.items()),
        "Groups: group=NAME": _columns((group, ", ".join(sorted(names))) for group, names in _groups().items()),
        "Options and their defaults: name.part=value": options,
    }
    return "\n".join(f"{title}\n{'-' * len(title)}\n{text.strip()}\n" for title, text in sections.items())


def _groups() -> dict[str, set[str]]:
    """Names by group, from components, tables of names, YAML files and the user's own latency tables."""
    found: dict[str, set[str]] = {"data": set(DATA), "supernet": set(SUPERNETS), "device": set(user_luts())}
    found["transport"] = set(TRANSPORTS)
    for component in REGISTRY:
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
