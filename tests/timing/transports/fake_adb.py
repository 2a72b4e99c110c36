"""A fake `adb` with a phone of any serial, from the documented formats; `python fake_adb.py STATE ARGUMENTS...`.

STATE is a folder: `devices` holds what `adb devices` lists, `faults.json` what goes wrong with which model, `phone` the
phone's files. Commands on the phone are run by this machine's shell, with the phone's /data/local/tmp, `getprop` and
`benchmark_model` in their places.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

GETPROP = """#!/bin/sh
case $1 in
ro.product.manufacturer) echo Fake ;;
ro.product.model) echo "Phone ${FAKE_SERIAL#FAKE000}" ;;
*) echo "$1" ;;
esac
"""


def install(state: Path, python: str = sys.executable) -> Path:
    """Make a phone with benchmark_model on it, and the program adb; returns adb."""
    (state / "bin").mkdir(parents=True)
    (state / "phone/data/local/tmp").mkdir(parents=True)
    (state / "devices").write_text("FAKE0001\tdevice\n")
    (state / "faults.json").write_text("{}")
    scripts = {"adb": f'#!/bin/sh\nexec {python} {__file__} {state} "$@"\n', "bin/getprop": GETPROP}
    benchmark = Path(__file__).with_name("fake_benchmark_model.py")
    scripts["phone/data/local/tmp/benchmark_model"] = f'#!/bin/sh\nexec {python} {benchmark} "$@"\n'
    for name, text in scripts.items():
        (state / name).write_text(text)
        (state / name).chmod(0o755)
    return state / "adb"


def main(state: Path, arguments: list[str]) -> int:
    devices = (state / "devices").read_text()
    if arguments[0] == "devices":
        sys.stdout.write(f"* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
                         f"List of devices attached\n{devices}\n")  # fmt: skip
        return 0
    if arguments[0] != "-s" or f"{arguments[1]}\tdevice" not in devices:
        sys.stderr.write(f"error: device '{arguments[1]}' not found\n")
        return 1
    if arguments[2] == "push":
        return push(Path(arguments[3]), Path(f"{state}/phone{arguments[4]}"))
    return shell(state, arguments[1], arguments[3])


def push(source: Path, target: Path) -> int:
    if not target.parent.is_dir():
        sys.stderr.write(f"adb: error: failed to copy '{source}' to '{target}': remote couldn't create file\n")
        return 1
    shutil.copy(source, target)
    target.chmod(0o644)
    sys.stdout.write(f"{source}: 1 file pushed, 0 skipped. 25.9 MB/s ({source.stat().st_size} bytes in 0.001s)\n")
    return 0


def shell(state: Path, serial: str, command: str) -> int:
    """Run it, unless something is to go wrong with the model that it names."""
    faults: dict[str, str] = json.loads((state / "faults.json").read_text())
    fault = next((kind for name, kind in faults.items() if f"/{name} " in command), "")
    if fault == "drop":
        (state / "devices").write_text("")
        sys.stdout.write("INFO: STARTING!\nINFO: Log parameter val")
        return 1
    if fault == "offline":
        sys.stderr.write("error: device offline\n")
        return 1
    while fault == "endless":
        sys.stdout.write("INFO: STARTING!\n" * 1000)
    if fault == "hang":
        time.sleep(20)
    environment = os.environ | {"FAKE_FAULT": fault, "FAKE_SERIAL": serial}
    environment["PATH"] = f"{state}/bin:{environment['PATH']}"
    phone = f"{state}/phone"
    done = subprocess.run(
        ["sh", "-c", command.replace("/data/", f"{phone}/data/")], env=environment, stdout=subprocess.PIPE, check=False
    )
    sys.stdout.buffer.write(
        done.stdout.replace(phone.encode(), b"").replace(b"\n", b"\r\n")
    )  # as adb without a modern shell protocol does
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
