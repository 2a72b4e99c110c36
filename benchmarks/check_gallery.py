"""What a large gallery's file costs: `python benchmarks/check_gallery.py`.

10^5 descriptors of 1536 numbers, one per person, as float16. Writing, and reading with one probe and one enrolment,
each in a process of its own; core-seconds, and the largest resident memory so far of a process that begins with 50 MB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _sizes import size

from nasface.recognition.gallery import Gallery, Way
from nasface.recognition.gallery_file import GalleryFile

N, WIDTH = size(full=100_000, small=1_000), 1536
WAY = Way("", "box", None, "none")


def told(step: str, work: Callable[[], object]) -> object:
    """The result of some work, after a line on what it took."""
    started = time.process_time()
    result = work()
    seconds, status = time.process_time() - started, Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(f"| {step} | {seconds:.2f} | {peak * 1024 / 1e6:.0f} |")
    return result


def write(file: GalleryFile) -> None:
    rng, rows = np.random.default_rng(0), np.empty((N, WIDTH), np.float16)
    for start in range(0, N, 1000):
        block = rng.standard_normal((min(1000, N - start), WIDTH), np.float32)
        rows[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    gallery = Gallery(tuple(f"{row:06d}" for row in range(N)), rows, np.arange(N, dtype=np.int32), WAY)
    with file.changing() as keep:
        told("write", lambda: keep(gallery))


def use(file: GalleryFile) -> None:
    gallery = told("read", file.read)
    assert isinstance(gallery, Gallery)
    probe = gallery.descriptors[N // 3][None].astype(np.float32)
    probe /= np.linalg.norm(probe)
    nearest = told("one probe", lambda: gallery.nearest(probe))
    assert np.argmin(nearest) == N // 3
    told("enrol one more", lambda: gallery.enrolled("new", probe, WAY))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", choices=("write", "use"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--encrypted", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step is not None:
        file = GalleryFile(given.file, lambda: "passphrase", encrypt=given.encrypted)
        (write if given.step == "write" else use)(file)
        return
    for options in ([], ["--encrypted"]):
        print(f"{'encrypted' if options else 'plain'}\n\n| step | core-seconds | peak, MB |\n|---|---|---|", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            for step in ("write", "use"):
                words = ["--step", step, "--file", f"{folder}/a.gallery", *options]
                subprocess.run([sys.executable, __file__, *words], check=True)
        print()


if __name__ == "__main__":
    main()
