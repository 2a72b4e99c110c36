"""The tabulator key goes on with tasks, groups, components and parameters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nasface.arguments import completion
from nasface.tasks import all_tasks


@pytest.mark.parametrize(
    ("line", "tasks", "rest"),
    [
        ("nasface meas", ["measure_latency"], "nasface meas"),
        ("nasface measure_latency timing.ru", [], "nasface task=measure_latency timing.ru"),
        ("nasface predictor=li", [], "nasface predictor=li"),
        ("nasface seed=1 inspec", ["inspect"], "nasface seed=1 inspec"),
        ("nasface search sea", [], "nasface task=search sea"),
    ],
)
def test_tasks_are_completed_as_words(line: str, tasks: list[str], rest: str) -> None:
    assert completion(line) == (tasks, rest)


def test_every_task_is_offered_at_the_beginning() -> None:
    assert set(completion("nasface ").tasks) == set(all_tasks())


@pytest.mark.slow
def test_bash_completes_tasks_components_and_parameters(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    asked = {"nasface meas": "measure_latency", "nasface predictor=ridg": "predictor=ridge"}
    asked["nasface search search.generat"] = "search.generations="
    lines = [
        f'COMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; words=($COMP_LINE); COMP_CWORD=$((${{#words[@]}} - 1)); '
        'hydra_bash_completion; echo "${COMPREPLY[*]}"'
        for line in asked
    ]
    script = "\n".join(['eval "$(nasface -sc install=bash)"', *lines])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [bash, "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    found = done.stdout.splitlines()
    assert len(found) == len(asked), done.stderr
    assert all(word in answer.split() for word, answer in zip(asked.values(), found, strict=True)), found
