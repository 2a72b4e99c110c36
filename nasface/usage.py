"""What `nasface --help` and `nasface TASK --help` show: examples, tasks, groups, and options with their comments.

Hydra's own help composes a run and lists groups several times over, which takes seconds and drops the comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nasface.costs import COSTS, LATENCY
from nasface.devices import user_luts
from nasface.options import config_directory, yaml_options
from nasface.registry import REGISTRY
from nasface.tasks.catalogue import OF_EVERY_TASK, OPTIONS, all_tasks

ABOUT = "The best face-recognition network for your phone, cut out of a trained supernet, with the evidence beside it."
PHOTOS = "data=image_folder data.root=PHOTOS"
EXAMPLES = {
    "search": (
        ("nasface device=sd865 constraints.latency_ms=12", "the main job: the best network within 12 ms"),
        (f"nasface device=sd865 {PHOTOS}", "the same, measured on photos: PHOTOS/PERSON/PHOTO.jpg"),
        ("nasface -m predictor=lightgbm_nac,ridge device=sd865,sd765", "a sweep, one table"),
    ),
    "evaluate": ((f"nasface evaluate model=FILE.tflite {PHOTOS}", "accuracy and thresholds of a model file"),),
    "": (
        ("nasface evaluate --help", "what a task does, and its options"),
        ("nasface list data=image_folder", "parameters of one component"),
        ("nasface --cfg job", "composed options, nothing is run"),
        ("nasface --hydra-help", "flags of Hydra, which composes options"),
    ),
}
"""By task; those of no task are of the command line itself."""

_NO_GROUPS = ("task", "cost", "metric", "runtime", "operation")
"""Tasks have a section of their own; costs and metrics stand in other options, runtimes in suffixes."""


def usage(task: str | None = None) -> str:
    """The text of `--help`, or of a task's, after `options.load_plugins`."""
    return _titled(_sections() if task is None else _task_sections(task))


def _sections() -> dict[str, str]:
    return {
        "nasface": ABOUT,
        "Examples": _columns(line for lines in EXAMPLES.values() for line in lines),
        "Tasks: nasface TASK (or task=TASK)": _columns(all_tasks().items()),
        "Groups: group=NAME": _columns((group, ", ".join(sorted(names))) for group, names in _groups().items()),
        "Options and their defaults: name.part=value": _config_text(),
    }


def _task_sections(task: str) -> dict[str, str]:
    """What a task does, then the groups and options that matter to it."""
    named = OPTIONS.get(task, ())
    groups = {group: ", ".join(sorted(names)) for group, names in _groups().items() if group in named}
    blocks = _blocks(_config_text())
    options = "\n".join(blocks[name] for name in (*named, *OF_EVERY_TASK) if name in blocks)
    chosen = _columns(groups.items()) + "\n\nnasface list GROUP=NAME shows the parameters of one." if groups else ""
    sections = {
        f"nasface {task}": all_tasks()[task],
        "Examples": _columns(EXAMPLES.get(task, ())),
        "Groups: group=NAME": chosen,
        "Options and their defaults: name.part=value": options,
    }
    return {title: text for title, text in sections.items() if text}


def _titled(sections: Mapping[str, str]) -> str:
    return "\n".join(f"{title}\n{'-' * len(title)}\n{text.strip()}\n" for title, text in sections.items())


def _config_text() -> str:
    """`config.yaml` without Hydra's part, with the bounds that stand for themselves in place of the line on them."""
    text = (config_directory() / "config.yaml").read_text(encoding="utf-8").partition("\nhydra:")[0]
    costs = [(f"  {name}:", REGISTRY.get("cost", name).summary) for name in COSTS if name != LATENCY]
    return re.sub(
        r"^  # NAME: .*$",
        _columns((f"{name} {{ max: null, ratio: null }}", f"# {said}") for name, said in costs),
        text,
        flags=re.M,
    )


def _blocks(config: str) -> dict[str, str]:
    """The lines of every entry of `config.yaml` by its name."""
    found: dict[str, str] = {}
    for line in config.splitlines():
        start = re.match(r"(\w+):", line)
        if start is not None:
            found[start[1]] = line
        elif found and line.startswith(" "):
            name = next(reversed(found))
            found[name] += f"\n{line}"
    return found


def _groups() -> dict[str, set[str]]:
    """Names by group, from components, YAML files and the user's own latency tables."""
    found: dict[str, set[str]] = {"device": set(user_luts())}
    for component in REGISTRY:
        if component.kind not in _NO_GROUPS:
            found.setdefault(component.kind, set()).add(component.name)
    for option in yaml_options():
        group, _, name = option.rpartition("/")
        if group and group not in _NO_GROUPS and not group.startswith("hydra"):
            found.setdefault(group, set()).add(name)
    return dict(sorted(found.items()))


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    pairs = list(rows)
    width = max((len(name) for name, _ in pairs), default=0) + 2
    return "\n".join(f"{name:{width}}{text}" for name, text in pairs)
