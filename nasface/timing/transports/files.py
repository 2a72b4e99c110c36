"""Somebody measures elsewhere: models, scripts and instructions go into a folder, and results are read from it.

FOLDER/models holds what is to be timed, FOLDER/results whatever came back: the runner's CSV, what `benchmark_model`
printed, or any list of times that `nasface.devices.importers` reads, by the models' names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from nasface.devices.measurements import Sample
from nasface.errors import InvalidInput, ModelRefused, NotMeasuredYet, TransportError, listing
from nasface.reading import read_bytes
from nasface.registry import register
from nasface.runs import atomic_write, write_text
from nasface.timing.transports._base import Transport, checked_models, sent
from nasface.timing.transports._process import RUNNER
from nasface.timing.transports._recorded import SUFFIX, RecordedBlock, read_results

_SCRIPT: Final = """\
#!/bin/sh
# Times models/* with the official benchmark_model into results/benchmark_model.txt, on the device itself:
#     sh benchmark_model.sh [PROGRAM [MORE FLAGS]]
cd "$(dirname "$0")" || exit 1
program=${{1:-/data/local/tmp/benchmark_model}}
[ $# -gt 0 ] && shift
round=1
while [ "$round" -le 5 ]; do
  for model in models/*; do
    "$program" --graph="$model" {flags} "$@"
  done
  round=$((round + 1))
done >>results/benchmark_model.txt 2>&1
"""
_README: Final = """\
Wanted: the time of every file in the folder models, one image at a time, with threads={threads}.

1. On a device with Python, copy this folder there, then

       python3 -m pip install ai-edge-litert numpy
       python3 runner.py {arguments}

   It may be interrupted and started again. Bring results/runner.csv back.

2. On an Android phone with the official benchmark_model in /data/local/tmp:

       adb push . /data/local/tmp/nasface
       adb shell sh /data/local/tmp/nasface/benchmark_model.sh
       adb pull /data/local/tmp/nasface/results .

3. In any other way: put a file into the folder results, either CSV with the header key,mean_ms,std_ms or lines
   "NAME RUNS MEAN STD", in milliseconds; a name is that of the file in the folder models.

The device should be idle, charged and cool. Then give the same nasface command again.
"""


@dataclass
class FilesConfig:
    """A folder for somebody who measures elsewhere; the next run imports the results.

    Attributes:
        name: What the transport is called.
        folder: Where models and scripts are written; results are read from the folder results in it.
        device: What it is measured on, where the results do not say.
        runtime: What runs the models, where the results do not say.
    """

    name: str = "files"
    folder: str = ""
    device: str = ""
    runtime: str = ""


@register("transport", "files", config=FilesConfig)
class FilesTransport(Transport):
    """Hands out blocks that were measured elsewhere; see `FilesConfig`."""

    live: ClassVar[bool] = False

    def __init__(self, config: FilesConfig) -> None:
        if not config.folder:
            raise InvalidInput("transport=files needs a folder to write to: give transport.folder=FOLDER.")
        self.config, self.folder = config, Path(config.folder).expanduser()
        self._models: dict[str, Path] = {}
        self._given: dict[str, int] = {}
        self._recorded: dict[int, dict[str, list[RecordedBlock]]] = {}
        self._others = 0

    def __exit__(self, *error: object) -> None:
        """The next time results are read again and handed out from the first; the folder stays."""
        self._given, self._recorded = {}, {}

    def describe(self) -> Mapping[str, str]:
        """What the results say, or else the options."""
        blocks = read_results(self.folder / "results")
        device = self._only("device", {block.device for block in blocks})
        runtime = self._only("runtime", {block.runtime for block in blocks})
        return {"device": device or "a device that was not named", "runtime": runtime or "a runtime that was not named"}

    def send(self, models: Mapping[str, Path]) -> None:
        """Copy models into the folder."""
        (self.folder / "results").mkdir(parents=True, exist_ok=True)
        for name, path in checked_models(models).items():
            content, place = read_bytes(path), self._place(name)
            if not place.is_file() or read_bytes(place) != content:
                with atomic_write(place) as temporary:
                    temporary.write_bytes(content)
            self._models[name] = path
        self._recorded = {}

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """The next recorded block of a model; how many runs it has, those decided who measured."""
        sent(self._models, model)
        if threads not in self._recorded:
            self._recorded[threads] = self._read(threads)
        blocks = self._recorded[threads]
        missing = [name for name, found in blocks.items() if not found]
        if missing:
            self._instruct(runs, warmup, threads)
            raise NotMeasuredYet(
                f"Waiting for {len(missing)} of {len(blocks)} models ({listing(missing, 3)}). Measure what is in "
                f"{self.folder / 'models'} as {self.folder / 'README.txt'} says, put the results into "
                f"{self.folder / 'results'}, and give the same command again.{self._left_out(threads)}"
            )
        samples = [block.sample for block in blocks[model] if block.sample is not None]
        if not samples:
            raise ModelRefused(f"The device does not run this model: {blocks[model][0].refused}.")
        number = self._given.get(model, 0)
        if number == len(samples):
            raise NotMeasuredYet(f"There are {number} blocks of {model} in {self.folder} and no more.")
        self._given[model] = number + 1
        return samples[number]

    def _read(self, threads: int) -> dict[str, list[RecordedBlock]]:
        """What was recorded of every model that was sent, as the file is now and with this number of threads."""
        names = {name.removesuffix(SUFFIX): name for name in self._models}
        hashes = {name: hashlib.sha256(read_bytes(path)).hexdigest() for name, path in self._models.items()}
        found: dict[str, list[RecordedBlock]] = {name: [] for name in self._models}
        self._others = 0
        for block in read_results(self.folder / "results"):
            name = names.get(block.model)
            if name and block.sha256 in ("", hashes[name]) and block.threads in (None, threads):
                found[name].append(block)
            elif name:
                self._others += 1
        return found

    def _left_out(self, threads: int) -> str:
        if not self._others:
            return ""
        return f" {self._others} blocks there are not of threads={threads}, or of other files of these names."

    def _only(self, what: str, found: set[str]) -> str:
        """The one value of all results that say it, or else the option's."""
        said = sorted(found - {""})
        if len(said) > 1:
            raise TransportError(
                f"{self.folder / 'results'} holds results of more than one {what}: {listing(said)}; keep those of one."
            )
        given: str = getattr(self.config, what)
        return given or "".join(said)

    def _place(self, name: str) -> Path:
        return self.folder / "models" / f"{name.removesuffix(SUFFIX)}{SUFFIX}"

    def _instruct(self, runs: int, warmup: int, threads: int) -> None:
        """Write the scripts and the instructions with the numbers that are asked for."""
        arguments = f"--threads {threads} --runs {runs} --warmup {warmup}"
        flags = f"--num_threads={threads} --num_runs={runs} --min_secs=0.005 --warmup_runs={warmup} --warmup_min_secs=0"
        write_text(self.folder / "runner.py", RUNNER.read_text(encoding="utf-8"))
        write_text(self.folder / "benchmark_model.sh", _SCRIPT.format(flags=flags))
        write_text(self.folder / "README.txt", _README.format(arguments=arguments, threads=threads))
