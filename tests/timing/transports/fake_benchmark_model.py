"""A fake `benchmark_model`: prints what a recent release does for files that begin like a model, or a FAKE_FAULT."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

PROFILE = """\
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t     TfLiteXNNPackDelegate\t    0.150\t    0.130\t 90.000%\t 90.000%\t     0.000\t        1\t[out]:3
\t                 SQUEEZE\t    0.013\t    0.017\t 10.000%\t100.000%\t     0.000\t        1\t[squeeze]:4

============================== Top by Computation Time ==============================
"""


def main(flags: dict[str, str]) -> int:
    fault, graph, runs = os.environ.get("FAKE_FAULT", ""), Path(flags["graph"]), int(flags["num_runs"])
    say(
        f"STARTING!\nLog parameter values verbosely: [0]\nMin num runs: [{runs}]\nNum threads: [{flags['num_threads']}]"
    )
    say(f"Min warmup runs: [{flags['warmup_runs']}]\nGraph: [{graph}]")
    if graph.read_bytes()[4:8] != b"TFL3":
        sys.stderr.write(f"ERROR: Failed to mmap model {graph}\nERROR: Benchmarking failed.\n")
        return 1
    if fault == "garbage":
        sys.stdout.buffer.write(bytes(range(256)))
        return 0
    if fault == "crash":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
    say(f"Loaded model {graph}\nInitialized session in 0.378ms.")
    if flags.get("use_gpu") == "true":
        applied = "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate."
        if fault != "cpu":
            applied = "Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 2 delegate kernels."  # noqa: E501
        say(applied)
    say(count(int(flags["warmup_runs"]), 900) + "\n")
    say(count(runs, 150) + "\n")
    say("Inference timings in us: Init: 378, First inference: 903, Warmup (avg): 900, Inference (avg): 150")
    if flags.get("enable_op_profiling") == "true":
        say(PROFILE)
    return 0


def count(runs: int, average: int) -> str:
    if runs < 2:
        return f"count={runs}" + (f" curr={average}" if runs else "")
    return f"count={runs} first={average + 3} curr={average - 1} min={average - 9} max={average + 9} avg={average} std=4 p5=1 median=2 p95=3"  # noqa: E501


def say(text: str) -> None:
    sys.stdout.write("".join(f"INFO: {line}\n" for line in text.split("\n", 1 if "====" in text else -1)))


if __name__ == "__main__":
    sys.exit(main(dict(flag.removeprefix("--").split("=", 1) for flag in sys.argv[1:])))
