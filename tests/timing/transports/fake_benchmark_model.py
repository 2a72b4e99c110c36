"""A fake `benchmark_model`: prints what a recent release does for files that begin like a model, or a FAKE_FAULT.

With FAKE_LITERT it is the one that LiteRT builds (`litert/tools/benchmark_litert_model.h`): `BENCHMARK RESULTS` in
place of `Inference timings in us:`, `--use_profiler`, with FAKE_LITERT=json `--result_json`, with
FAKE_LITERT=protobuf `--result_file_path` alone.
"""

# ruff: noqa: E501 - lines are as they are printed

from __future__ import annotations

import json
import os
import signal
import struct
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


def litert(flags: dict[str, str], kind: str) -> int:
    unheard = int(os.environ.get("FAKE_UNHEARD_THREADS", "0"))
    runs, average = int(flags["num_runs"]), 4703.2 / (1 if unheard else int(flags["num_threads"]))
    delegate = os.environ.get("FAKE_DELEGATE", "TfLiteXNNPackDelegate")
    say(f"STARTING!\nNum threads: [{flags['num_threads']}]\nLoading model from: {flags['graph']}")
    sys.stderr.write(
        f"VERBOSE: Replacing 470 out of 476 node(s) with delegate ({delegate}) node, yielding 3 partitions.\n"
    )
    if kind != "rounded":
        say(count(int(flags["warmup_runs"]), 9000) + "\n")
        say(f"count={runs} first=1 curr=1 min=1 max=9 avg={average:g} std=21 p5=1 median=2 p95=3\n")
    say("\n========== BENCHMARK RESULTS ==========\nModel initialization: 12.34 ms\nWarmup (first):       9.00 ms")
    say(
        f"Warmup (avg):         9.00 ms ({flags['warmup_runs']} runs)\nInference (avg):      {average / 1e3:.2f} ms ({runs} runs)"
    )
    say(
        "Inference (min):      4.00 ms\nInference (max):      9.00 ms\nInference (std):      0.02\nThroughput:           1.00 MB/s"
    )
    if "result_file_path" in flags:
        latency = struct.pack("<BfBf", 1 << 3 | 5, average / 1e3, 4 << 3 | 5, 0.0213)
        misc = bytes([2 << 3 | 0, runs & 0x7F | 0x80, runs >> 7])
        message = b"".join(bytes([n << 3 | 2, len(part)]) + part for n, part in ((2, latency), (4, misc)))
        Path(flags["result_file_path"]).write_bytes(message)
    if "result_json" in flags:
        latency = {"avg_ms": average / 1e3, "median_ms": 4.7, "p5_ms": 4.6, "p95_ms": 4.9, "stddev_ms": 0.0213}
        Path(flags["result_json"]).write_text(
            json.dumps({"latency": latency, "num_runs": runs, "fully_accelerated": False})
        )
    return 0


def main(flags: dict[str, str]) -> int:
    if "help" in flags:
        modern = os.environ.get("FAKE_LITERT")
        known = [
            "graph",
            "num_runs",
            *(["use_profiler"] if modern else ["enable_op_profiling"]),
            *({"json": ["result_json", "result_file_path"], "protobuf": ["result_file_path"]}.get(modern or "", [])),
        ]
        say("usage: benchmark_model <flags>\n" + "\n".join(f"\t--{name}=x" for name in known))
        return 1
    if os.environ.get("FAKE_LITERT"):
        unheard = {"json": [], "protobuf": ["result_json"]}.get(
            os.environ["FAKE_LITERT"], ["result_json", "result_file_path"]
        )
        unknown = {"enable_op_profiling", *unheard} & set(flags)
        if unknown:
            sys.stderr.write(f"ERROR: Unconsumed cmdline flags: {unknown}\n")
            return 1
        return litert(flags, os.environ["FAKE_LITERT"])
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
            applied = "Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 2 delegate kernels."
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
    return f"count={runs} first={average + 3} curr={average - 1} min={average - 9} max={average + 9} avg={average} std=4 p5=1 median=2 p95=3"


def say(text: str) -> None:
    sys.stdout.write("".join(f"INFO: {line}\n" for line in text.split("\n", 1 if "====" in text else -1)))


if __name__ == "__main__":
    sys.exit(main(dict(flag.removeprefix("--").partition("=")[::2] for flag in sys.argv[1:])))
