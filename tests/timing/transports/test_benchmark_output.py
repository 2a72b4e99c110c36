"""Output of releases that others published; numbers and lines as they stand there, shortened."""

# ruff: noqa: E501 - lines are as they were printed

from __future__ import annotations

import pytest

from nasface.devices.benchmark_output import read_log, read_logs, refine

OLD = """\
STARTING!
Log parameter values verbosely: [0]
Num threads: [4]
Graph: [./mobilenet_v1_1.0_224.tflite]
Enable op profiling: [1]
#threads used for CPU inference: [4]
Loaded model ./mobilenet_v1_1.0_224.tflite
The input model file size (MB): 16.9008
Initialized session in 17.187ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=1 curr=3512391

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=2990275 curr=2913402 min=2727568 max=3189954 avg=2.95034e+06 std=109798

Inference timings in us: Init: 17187, First inference: 3512391, Warmup (avg): 3.51239e+06, Inference (avg): 2.95034e+06
Memory footprint delta from the start of the tool (MB): init=4.21094 overall=46.0859
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t         AllocateTensors\t            0.000\t    1.356\t    1.356\t100.000%\t100.000%\t     0.000\t        1\tAllocateTensors/0

Timings (microseconds): count=1 curr=1356
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t            0.066\t   87.754\t   60.957\t  2.066%\t  2.066%\t     0.000\t        1\t[Conv2d_0/Relu6]:0
\t       DEPTHWISE_CONV_2D\t           61.033\t   53.628\t   49.870\t  1.691%\t  3.757%\t     0.000\t        1\t[Conv2d_1_depthwise/Relu6]:1

============================== Top by Computation Time ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t            0.066\t   87.754\t   60.957\t  2.066%\t  2.066%\t     0.000\t        1\t[Conv2d_0/Relu6]:0

Timings (microseconds): count=50 first=2989660 curr=2912978 min=2727203 max=3189476 avg=2.9499e+06 std=109770
"""

NEW = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [2]
INFO: Graph: [/data/local/tmp/mask_estimator_phy.tflite]
INFO: #threads used for CPU inference: [2]
INFO: Use gpu: [1]
INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.
INFO: Initialized session in 5664.36ms.
INFO: count=2 first=328140 curr=309932 min=309932 max=328140 avg=319036 std=9104 p5=309932 median=328140 p95=328140

INFO: count=50 first=307215 curr=309783 min=305938 max=333030 avg=309350 std=4411 p5=306372 median=307968 p95=315711

INFO: Inference timings in us: Init: 5664363, First inference: 328140, Warmup (avg): 319036, Inference (avg): 309350
"""

OLDEST = """\
STARTING!
Num threads: [2]
Graph: [/data/local/tmp/tflite/tfmodel/mobilenet_v1_1.0_224_quant.tflite]
nnapi error: unable to open library libneuralnetworks.so
count=13 first=39195 curr=37526 min=37464 max=39195 avg=37625.7 std=453

count=25 first=37601 curr=37528 min=37413 max=37608 avg=37528.1 std=40

Average inference timings in us: Warmup: 37625.7, Init: 4183, no stats: 37528.1
"""

REFUSED = "STARTING!\nGraph: [/tmp/broken]\nERROR: Failed to mmap model /tmp/broken.\nERROR: Benchmarking failed.\n"


@pytest.mark.parametrize(
    ("text", "graph", "threads", "summary"),
    [
        (OLD, "mobilenet_v1_1.0_224.tflite", 4, ((2950.34,), 50, 109.798)),
        (NEW, "mask_estimator_phy.tflite", 2, ((309.350,), 50, 4.411)),
        (OLDEST, "mobilenet_v1_1.0_224_quant.tflite", 2, ((37.5281,), 25, 0.040)),
    ],
)
def test_published_output(text: str, graph: str, threads: int, summary: tuple[tuple[float], int, float]) -> None:
    log = read_log(text)
    assert (log.graph, log.threads) == (graph, threads)
    assert log.sample is not None
    assert (log.sample.times_ms, log.sample.runs) == summary[:2]
    assert log.sample.std_ms == pytest.approx(summary[2])


def test_line_ends_of_old_phones() -> None:
    assert read_log(NEW.replace("\n", "\r\n")) == read_log(NEW)


def test_operators() -> None:
    sample = read_log(OLD).sample
    assert sample is not None
    expected = {"CONV_2D [Conv2d_0/Relu6]:0": 60.957, "DEPTHWISE_CONV_2D [Conv2d_1_depthwise/Relu6]:1": 49.870}
    assert sample.operators == expected
    pasted = read_log(OLD.replace("\t", "    ")).sample  # as terminals and web pages turn tabs into spaces
    assert pasted is not None
    assert pasted.operators == expected
    assert read_log(NEW).sample.operators == {}  # type: ignore[union-attr]


def test_several_starts_in_one_text() -> None:
    logs = read_logs(f"$ ./run.sh\n{OLD}{REFUSED}{NEW}")
    assert [log.graph for log in logs] == ["mobilenet_v1_1.0_224.tflite", "broken", "mask_estimator_phy.tflite"]
    assert [log.sample is None for log in logs] == [False, True, False]
    assert logs[1].reason == "ERROR: Failed to mmap model /tmp/broken"
    assert read_logs("perf lines\n") == []


@pytest.mark.parametrize("cut", ["Inference timings", "count=50"])
def test_output_that_breaks_off_has_no_sample(cut: str) -> None:
    assert read_log(OLD[: OLD.index(cut)]).sample is None


def test_a_single_run_and_equal_runs() -> None:
    one = read_log("STARTING!\ncount=0\ncount=1 curr=150\nInference timings in us: Init: 1").sample
    assert one is not None
    assert (one.times_ms, one.runs, one.std_ms) == ((0.150,), 1, None)
    same = read_log("STARTING!\ncount=3 curr=150(all same)\nInference timings in us: Init: 1").sample
    assert same is not None
    assert (same.times_ms, same.runs, same.std_ms) == ((0.150,), 3, 0.0)


LITERT = "INFO: STARTING!\nINFO: count=20 first=1 curr=1 min=1 max=9 avg=4700 std=21\n========== BENCHMARK RESULTS =========="


@pytest.mark.parametrize(
    "result",
    [
        b"",
        b"{",
        b'{"latency": {"avg_ms": "4.7"}, "num_runs": -1}',
        b'{"avg_ms": 1e999}',
        b'{"avg_ms": 9.9, "num_runs": 5}',  # of other runs
        b"[" * 100_000,
        bytes(range(256)),
        b"\x12\xff\xff\xff\xff\x0f",  # a part of four gigabytes
        b"\x12\x05\x0d\x00\x00\x80\x7f",  # infinite
        b"\x12\x05\x0d\x00\x00\xc0\x7f",  # not a number
        b"\xff" * 30,
    ],
)
def test_a_result_that_cannot_be_changes_nothing(result: bytes) -> None:
    log = read_log(LITERT)
    assert refine(log, result) == log.sample
