"""Times .tflite files where it runs: one file that needs Python, numpy and ai-edge-litert, and nothing else of nasface.

`python runner.py` answers requests, one JSON object a line, on standard input and output:

    {"cmd": "describe"}                                               -> {"describe": {"device": ..., "runtime": ...}}
    {"cmd": "put", "name": NAME, "bytes": N}, then N bytes            -> {"put": NAME}, in the working directory
    {"cmd": "time", "path": P, "runs": R, "warmup": W, "threads": T}  -> {"times_ms": [...], "notes": {...}}

A model that the runtime does not run is answered by {"refused": WHY}, a missing package by {"missing": NAME}, anything
else by {"error": WHY}. It ends when its input ends.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

CPUS = Path("/sys/devices/system/cpu")
THERMAL = Path("/sys/class/thermal")


def main() -> None:
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


def time_model(path: str, runs: int, warmup: int, threads: int) -> dict[str, Any]:
    """Milliseconds of single runs of one model on one fixed random image, and what the system says about itself."""
    from ai_edge_litert.interpreter import Interpreter

    model = Path(path).read_bytes()  # a file that is not there is not a refused model
    try:
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], random_input(detail))
        for _ in range(warmup):
            interpreter.invoke()
        times = [time_once(interpreter) for _ in range(runs)]
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
        "runtime": f"ai-edge-litert {metadata.version('ai-edge-litert')}",
        "python": f"{platform.python_version()}, numpy {np.__version__}",
        "governor": text(CPUS / "cpu0/cpufreq/scaling_governor"),
    }
    found["device"] = found["device"] or platform.machine()
    return {key: value for key, value in found.items() if value}


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


if __name__ == "__main__":
    main()
