"""Times .tflite files where it runs: one file that needs Python, numpy and ai-edge-litert, and nothing else of nasface.

`python runner.py` answers requests, one JSON object a line, on standard input and output:

    {"cmd": "describe"}                                               -> {"describe": {"device": ..., "runtime": ...}}
    {"cmd": "put", "name": NAME, "bytes": N}, then N bytes            -> {"put": NAME}, in the working directory
    {"cmd": "time", "path": P, "runs": R, "warmup": W, "threads": T}  -> {"times_ms": [...], "notes": {...}}

A model that the runtime does not run is answered by {"refused": WHY}, a missing package by {"missing": NAME}, anything
else by {"error": WHY}. It ends when its input ends.

`python runner.py --threads 1 --runs 10` times all files of the folder models beside it, in interleaved rounds, and adds
a line per block to results/runner.csv. Run it again after an interruption: it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
import random
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

CPUS = Path("/sys/devices/system/cpu")
THERMAL = Path("/sys/class/thermal")


COLUMNS = (
    "model",
    "sha256",
    "threads",
    "times_ms",
    "refused",
    "clock_mhz",
    "temperature_c",
    "load",
    "device",
    "runtime",
)


def serve() -> None:
    """Answer until the input ends; what native code prints goes to the standard error, not into the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = sys.stdin.buffer
    for line in iter(source.readline, b""):
        answers.write(json.dumps(answer(json.loads(line), source)).encode() + b"\n")
        answers.flush()


def answer(request: dict[str, Any], source: BinaryIO) -> dict[str, Any]:
    """The answer to one request; `source` gives the bytes that follow it."""
    try:
        if request["cmd"] == "describe":
            return {"describe": describe()}
        if request["cmd"] == "put":
            content = source.read(request["bytes"])
            Path(request["name"]).write_bytes(content)
            return {"put": request["name"]}
        return time_model(request["path"], request["runs"], request["warmup"], request["threads"])
    except ModuleNotFoundError as error:
        return {"missing": str(error.name).replace("_", "-")}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def time_model(path: str, runs: int, warmup: int, threads: int, least_ms: float = 0.0) -> dict[str, Any]:
    """Milliseconds of single runs of one model on one fixed random image, and what the system says about itself.

    There are `runs` of them, or more where these take less than `least_ms` together.
    """
    from ai_edge_litert.interpreter import Interpreter

    model = Path(path).read_bytes()  # a file that is not there is not a refused model
    try:
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], random_input(detail))
        for _ in range(warmup):
            interpreter.invoke()
        times: list[float] = []
        while len(times) < runs or sum(times) < least_ms:
            times.append(time_once(interpreter))
    except (ValueError, RuntimeError) as error:
        return {"refused": " ".join(str(error).split())}
    return {"times_ms": times, "notes": notes()}


def time_once(interpreter: Any) -> float:
    """Milliseconds of one run."""
    start = time.perf_counter()
    interpreter.invoke()
    return 1e3 * (time.perf_counter() - start)


def random_input(detail: dict[str, Any]) -> Any:
    """Normal floats, or small integers."""
    import numpy as np

    rng = np.random.default_rng(0)
    if np.issubdtype(detail["dtype"], np.floating):
        return rng.standard_normal(detail["shape"]).astype(detail["dtype"])
    return rng.integers(0, 127, detail["shape"]).astype(detail["dtype"])


def describe() -> dict[str, str]:
    """Board or processor, cores, system, runtime."""
    import ai_edge_litert.interpreter  # noqa: F401 - a broken installation shows here
    import numpy as np

    found = {
        "device": text(Path("/proc/device-tree/model"))
        or "".join(cpu_fields("model name")[:1])
        or platform.processor(),
        "cores": str(os.cpu_count()),
        "machine": platform.machine(),
        "system": platform.platform(),
        "runtime": f"ai-edge-litert {metadata.version('ai-edge-litert')}{chosen_cores()}",
        "python": f"{platform.python_version()}, numpy {np.__version__}",
        "governor": text(CPUS / "cpu0/cpufreq/scaling_governor"),
    }
    found["device"] = found["device"] or platform.machine()
    return {key: value for key, value in found.items() if value}


def chosen_cores() -> str:
    """The cores that this process is confined to, if it is."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return f" on cores {','.join(map(str, cores))}" if cores and len(cores) < (os.cpu_count() or 1) else ""


def notes() -> dict[str, str]:
    """The fastest core's clock, the hottest sensor, the load: as far as the system tells."""
    clocks = [int(text(path)) / 1e3 for path in CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq") if text(path)]
    clock = max(clocks or map(float, cpu_fields("cpu MHz")), default=0.0)
    heat = max((int(text(path)) / 1e3 for path in THERMAL.glob("thermal_zone*/temp") if text(path)), default=0.0)
    found = {"clock_mhz": clock, "temperature_c": heat, "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0}
    return {key: f"{value:.4g}" for key, value in found.items() if value > 0}


def cpu_fields(name: str) -> list[str]:
    """A field of /proc/cpuinfo, one entry a core."""
    lines = (line.partition(":") for line in text(Path("/proc/cpuinfo")).splitlines())
    return [value.strip() for key, _, value in lines if key.strip() == name]


def text(path: Path) -> str:
    """What a file of the system says; nothing where there is none, or none that may be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""


def measure_folder(folder: Path, options: argparse.Namespace) -> None:
    """Blocks of every model of a folder until each has as many as there are rounds."""
    (folder / "results").mkdir(exist_ok=True)
    path = folder / "results" / "runner.csv"
    about = {key: value for key, value in describe().items() if key in COLUMNS}
    hashes = {model: hashlib.sha256(model.read_bytes()).hexdigest() for model in sorted(folder.glob("models/*"))}
    blocks = [(model, block) for block in range(options.rounds) for model in hashes]
    random.Random(0).shuffle(blocks)
    blocks.sort(key=lambda entry: entry[1])  # rounds one after another, in random order within each
    done = recorded(path, options.threads)
    for number, (model, block) in enumerate(blocks):
        name, sha256 = model.name, hashes[model]
        if done.get((name, sha256), 0) <= block:
            found = time_model(str(model), options.runs, options.warmup, options.threads, options.least_ms)
            row = {"model": name, "sha256": sha256, "threads": options.threads, **about, **found.get("notes", {})}
            row |= {"refused": found.get("refused", ""), "times_ms": " ".join(map(str, found.get("times_ms", [])))}
            add(path, row)
        sys.stderr.write(f"\r{number + 1} of {len(blocks)} blocks")
    sys.stderr.write(f"\n{path} is complete\n")


def recorded(path: Path, threads: int) -> dict[tuple[str, str], int]:
    """How many blocks of each model, by name and hash, stand in a file."""
    found: dict[tuple[str, str], int] = {}
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["threads"] == str(threads):
                    found[row["model"], row["sha256"]] = found.get((row["model"], row["sha256"]), 0) + 1
    return found


def add(path: Path, row: dict[str, Any]) -> None:
    """Add a line to a file, which is there from now on whatever happens."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if fresh:
            writer.writeheader()
        writer.writerow(row)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Answer requests, or time a folder if there are arguments."""
    if len(sys.argv) < 2:
        serve()
        return
    parser = argparse.ArgumentParser(description="Times models/* into results/runner.csv.")
    for name, value in (("rounds", 5), ("runs", 10), ("warmup", 2), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default {value}")
    parser.add_argument("--least-ms", type=float, default=5.0, help="more runs where they take less; default 5")
    measure_folder(Path(__file__).resolve().parent, parser.parse_args())


if __name__ == "__main__":
    main()
