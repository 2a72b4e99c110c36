"""An Android phone: the official `benchmark_model`, started through adb."""

from __future__ import annotations

import base64
import logging
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from nasface.configs import existing
from nasface.devices.benchmark_output import CPU_INSTEAD, Log, read_log, refine
from nasface.devices.measurements import Sample
from nasface.errors import ModelRefused, NasfaceError, TransportError
from nasface.registry import register
from nasface.timing.transports._adb import Phone
from nasface.timing.transports._base import Transport, checked_models, checked_timeout, sent

log = logging.getLogger(__name__)

_PROPERTIES: Final = ("ro.product.manufacturer", "ro.product.model", "ro.board.platform", "ro.build.version.release")
_CLOCKS: Final = "cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq 2>/dev/null"
_HEAT: Final = "cat /sys/class/thermal/thermal_zone*/temp 2>/dev/null"
_LITERT: Final = "use_profiler"
"""Flag of the program that LiteRT builds."""

_RESULTS: Final = ("result_json", "result_file_path")
"""Its flags for a result in a file, the newer one first: JSON, a protobuf message."""

_TELLING_MS, _SAME = 1.0, 0.02
"""Models that take longer are faster with more threads by more than this share, if the program hears of them."""

_CANNOT_RUN: Final = (126, 127)
_HOTTEST_C: Final = 150.0
"""Sensors that claim more are not in thousandths of a degree."""


@dataclass
class AdbConfig:
    """An Android phone with the official benchmark_model, over adb.

    Attributes:
        name: What the transport is called.
        adb: The program.
        serial: Which phone, as `adb devices` lists it; null where there is one.
        binary: File of benchmark_model on this machine, which is copied to the phone; null where it is there already.
        benchmark_model: Where it is on the phone if it is not copied.
        folder: Folder of the phone under which a temporary one is made.
        gpu: Run on the GPU delegate; a model that it does not take is refused instead of being timed on the processor.
        profile: Time operators as well; that slows the runs a little.
        taskset: Mask of the cores to run on, e.g. f0; null for all.
        flags: More flags, e.g. ["--use_xnnpack=false", "--gpu_precision_loss_allowed=false"].
        timeout: Seconds that one block of runs, or the copy of one model, may take.
    """

    name: str = "adb"
    adb: str = "adb"
    serial: str | None = None
    binary: str | None = field(default=None, metadata=existing())
    benchmark_model: str = "/data/local/tmp/benchmark_model"
    folder: str = "/data/local/tmp"
    gpu: bool = False
    profile: bool = False
    taskset: str | None = None
    flags: list[str] = field(default_factory=list)
    timeout: float = 300.0


@register("transport", "adb", config=AdbConfig)
class AdbTransport(Transport):
    """Models are copied into a temporary folder of the phone; see `AdbConfig`."""

    def __init__(self, config: AdbConfig) -> None:
        self.config = config
        self.phone = Phone(config.adb, checked_timeout(config.timeout))
        self._models: dict[str, Path] = {}
        self._folder = self._program = ""
        self._about: dict[str, str] = {}
        self._flags: frozenset[str] = frozenset()
        self._threads_tried = False

    def __enter__(self) -> Self:
        """Choose the phone and make its folder."""
        self.phone.choose(self.config.serial)
        try:
            self._folder = self.phone.shell(f"mktemp -d {shlex.quote(self.config.folder)}/nasface.XXXXXX").strip()
            self._program = self._install()
            self._about = self._look()
        except NasfaceError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the folder."""
        if self._folder:
            with suppress(TransportError):  # what cannot be reached cannot be tidied either
                self.phone.shell(f"rm -rf {shlex.quote(self._folder)}")
        self._folder = ""

    def describe(self) -> Mapping[str, str]:
        """Maker, model and system of the phone, and how the program runs."""
        return self._about

    def send(self, models: Mapping[str, Path]) -> None:
        """Push models into the folder."""
        for name, path in checked_models(models).items():
            self.phone.push(path, f"{self._folder}/{name}")
            self._models[name] = path

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """Start the program once; it prints a mean and a deviation."""
        sent(self._models, model)
        sample = self._run(model, runs, warmup, threads)
        if threads > 1 and _LITERT in self._flags and not self._threads_tried and sample.times_ms[0] > _TELLING_MS:
            self._threads_tried = True
            alone = self._run(model, runs, warmup, 1).times_ms[0]
            if abs(sample.times_ms[0] / alone - 1) < _SAME:
                log.warning(
                    "%s takes %.3g ms with one thread and %.3g ms with %d: the program seems to leave --num_threads "
                    "unheard; these times are not of %d threads.",
                    model,
                    alone,
                    sample.times_ms[0],
                    threads,
                    threads,
                )
        return sample

    def _run(self, model: str, runs: int, warmup: int, threads: int) -> Sample:
        flags = [f"--graph={self._folder}/{model}", f"--num_threads={threads}"]
        flags += [f"--num_runs={runs}", "--min_secs=0", f"--warmup_runs={warmup}", "--warmup_min_secs=0"]
        flags += ["--use_gpu=true"] if self.config.gpu else []
        profile = "--use_profiler=true" if _LITERT in self._flags else "--enable_op_profiling=true"
        flags += [profile] if self.config.profile else []
        result = next((flag for flag in _RESULTS if flag in self._flags), "")
        place = shlex.quote(f"{self._folder}/result")
        flags += [f"--{result}={self._folder}/result"] if result else []
        mask = ["taskset", self.config.taskset] if self.config.taskset else []
        command = shlex.join([*mask, self._program, *flags, *self.config.flags])
        written = f"; echo {_RESULTS[0]}; base64 {place} 2>/dev/null; rm -f {place}" if result else ""
        status, printed, after = self.phone.run(f"{command} 2>&1", f"{_CLOCKS}; echo heat; {_HEAT}{written}")
        system, _, said = after.partition(_RESULTS[0])
        sample = self._checked(status, read_log(printed), _bytes(said))
        return replace(sample, notes={**sample.notes, **_notes(system)})

    def _checked(self, status: int, printed: Log, result: bytes) -> Sample:
        """The sample of a run that did what was asked."""
        sample = refine(printed, result)
        cpu = CPU_INSTEAD in printed.text or (sample is not None and _only_cpu(sample.notes.get("delegate", "")))
        if self.config.gpu and cpu:
            raise ModelRefused(f"The GPU of {self.phone.serial} does not run this model; its processor would.")
        if status > 128:
            raise ModelRefused(f"benchmark_model crashes on this model on {self.phone.serial} (signal {status - 128}).")
        if status in _CANNOT_RUN:
            raise TransportError(
                f"{self.phone.serial} cannot run {self._program}: {printed.reason}; "
                "is it benchmark_model for this phone (arm64)?"
            )
        if status != 0:
            raise ModelRefused(f"benchmark_model on {self.phone.serial} does not run this model: {printed.reason}.")
        if sample is None:
            raise TransportError(
                f"benchmark_model on {self.phone.serial} printed no times: {printed.reason}; "
                "is it the official program? Run it once by hand."
            )
        return sample

    def _install(self) -> str:
        """Where benchmark_model is on the phone."""
        config = self.config
        if config.binary is None:
            if self.phone.run(f"test -x {shlex.quote(config.benchmark_model)}")[0] != 0:
                raise TransportError(
                    f"There is no program {config.benchmark_model} on {self.phone.serial}: fetch benchmark_model "
                    "for Android (see https://ai.google.dev/edge/litert) and give transport.binary=FILE."
                )
            return config.benchmark_model
        local = Path(config.binary).expanduser()
        if not local.is_file():
            raise TransportError(f"There is no file {local}; transport.binary names benchmark_model for Android.")
        self.phone.push(local, f"{self._folder}/benchmark_model")
        self.phone.shell(f"chmod 755 {shlex.quote(self._folder)}/benchmark_model")
        return f"{self._folder}/benchmark_model"

    def _look(self) -> dict[str, str]:
        """Phone, system and the program's checksum."""
        asked = "; ".join(f"getprop {name}" for name in _PROPERTIES)
        maker, model, platform, release = self.phone.shell(asked).split("\n")[: len(_PROPERTIES)]
        checksum = self.phone.shell(f"md5sum {shlex.quote(self._program)}").partition(" ")[0]
        shown = self.phone.run(f"{shlex.quote(self._program)} --help 2>&1")[1]
        self._flags = frozenset(name for name in (_LITERT, *_RESULTS) if f"--{name}" in shown)
        tool = "LiteRT's benchmark_model" if _LITERT in self._flags else "benchmark_model"
        pinned = f"taskset {self.config.taskset}" if self.config.taskset else ""
        ways = ["GPU delegate" if self.config.gpu else "CPU", pinned, "profiled" if self.config.profile else ""]
        runtime = ", ".join(way for way in [f"{tool} {checksum[:8]}", *ways, *self.config.flags] if way)
        found = {"device": f"{maker} {model}".strip(), "runtime": runtime}
        return found | {"platform": platform, "system": f"Android {release}"}


def _bytes(text: str) -> bytes:
    """What `base64` printed, or nothing."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return b""


def _only_cpu(delegates: str) -> bool:
    """Whether of the delegates that are named none is another than the processor's."""
    return bool(delegates) and all("xnnpack" in part.lower() for part in delegates.split(", "))


def _notes(text: str) -> dict[str, str]:
    """Fastest clock and hottest sensor, from what the system's files say."""
    clocks, _, heat = text.partition("heat")
    found = {"clock_mhz": _thousandths(clocks), "temperature_c": [t for t in _thousandths(heat) if t < _HOTTEST_C]}
    return {key: f"{max(values):.4g}" for key, values in found.items() if values}


def _thousandths(text: str) -> list[float]:
    return [int(word) / 1e3 for word in text.split() if word.isdigit()]
