"""A phone behind the program adb.

Every command on the phone ends by printing its status, so that a connection that broke is not taken for a short answer.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from nasface.errors import DeviceLost, TransportError, listing

MOST_SAID: Final = 2**25
"""Bytes that one command may print; benchmark_model with all operators prints some thousands."""

_STATUS: Final = "nasface-status:"
_FULL: Final = ("No space left", "Permission denied", "Read-only file system", "couldn't create file")
_REMEDIES: Final = {
    "unauthorized": "allow USB debugging in the question on its screen",
    "authorizing": "allow USB debugging in the question on its screen",
    "offline": "connect it again, or run adb kill-server",
    "no permissions": "adb may not open the USB device; see https://developer.android.com/tools/device.html",
}


class Phone:
    """Commands on one phone, and files for it.

    Args:
        adb: The program.
        timeout: Seconds that one command may take.
    """

    def __init__(self, adb: str, timeout: float) -> None:
        self.adb, self.timeout, self.serial = adb, timeout, ""

    def choose(self, wanted: str | None) -> None:
        """Use the phone of this serial, or the only one; raises `TransportError` if it cannot be used."""
        said, _, attached = self._adb(["devices"])[0].partition("List of devices attached")
        lines = attached.splitlines()
        states = dict(line.split(None, 1) for line in lines if len(line.split()) > 1)
        if wanted is not None and wanted not in states:
            raise TransportError(f"adb sees no phone '{wanted}', but {listing(sorted(states)) or 'none at all'}.")
        if not states:
            complaint = "".join(line for line in said.splitlines() if not line.startswith("*"))
            why = f" ({_last(complaint)})" if complaint else ""
            raise TransportError(f"adb sees no phone{why}: connect one, with USB debugging on (developer options).")
        if wanted is None and len(states) > 1:
            first = min(states)
            raise TransportError(
                f"adb sees {len(states)} phones, {listing(sorted(states))}: choose one, e.g. transport.serial={first}."
            )
        serial = wanted or min(states)
        state = states[serial].strip()
        if state != "device":
            remedy = next((text for begin, text in _REMEDIES.items() if state.startswith(begin)), "connect it again")
            raise TransportError(f"The phone {serial} is '{state}': {remedy}.")
        self.serial = serial

    def push(self, path: Path, place: str) -> None:
        """Copy a file to the phone."""
        printed, failed = self._adb(["-s", self.serial, "push", str(path), place])
        if failed and any(words in printed for words in _FULL):
            raise TransportError(
                f"{path} cannot be copied to {self.serial}: {_last(printed)}; "
                "make room or give transport.folder=FOLDER."
            )
        if failed:
            raise self._lost(printed)

    def shell(self, command: str) -> str:
        """What a command printed that must succeed."""
        status, printed, _ = self.run(command)
        if status != 0:
            raise TransportError(f"{self.serial}: '{command}' failed: {printed.strip()[-200:] or f'status {status}'}.")
        return printed

    def run(self, command: str, after: str = ":") -> tuple[int, str, str]:
        """Status and output of a command on the phone, and the output of another one after it."""
        line = f"{command}; s=$?; echo; echo {_STATUS}$s; {after}"
        text, _ = self._adb(["-s", self.serial, "shell", line])
        printed, found, rest = text.rpartition(f"\n{_STATUS}")
        status, _, noted = rest.partition("\n")
        if not found or not status.isdigit():
            raise self._lost(text)
        return int(status), printed.removesuffix("\n"), noted

    def _adb(self, arguments: Sequence[str]) -> tuple[str, int]:
        """What adb printed, and its status."""
        try:
            process = subprocess.Popen(
                [self.adb, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TransportError(
                f"transport=adb needs the program '{self.adb}' ({error.strerror}): install Android's platform "
                "tools, or give transport.adb=PATH."
            ) from None
        with process:
            try:
                said = self._heard(process)
            finally:
                process.kill()  # it has ended by itself, unless it takes too long or says too much
        return said.decode(errors="replace").replace("\r", ""), process.returncode

    def _heard(self, process: subprocess.Popen[bytes]) -> bytes:
        """All that a program says until it ends."""
        last, said, out = time.monotonic() + self.timeout, bytearray(), process.stdout
        while out is not None and select.select([out], [], [], max(last - time.monotonic(), 0))[0]:
            more = os.read(out.fileno(), 1 << 16)
            if not more:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(last - time.monotonic(), 0.1))
                    return bytes(said)
                break
            said += more
            if len(said) > MOST_SAID:
                raise TransportError(
                    f"adb said more than {MOST_SAID / 1e6:.0f} MB; is there benchmark_model on the phone, and not "
                    "another program?"
                )
        raise TransportError(
            f"adb did not answer within {self.timeout:g} s; ask for fewer runs, or raise transport.timeout."
        )

    def _lost(self, printed: str) -> DeviceLost:
        return DeviceLost(
            f"The phone {self.serial} was lost: {_last(printed)}. Connect it and run the same command again to go on."
        )


def _last(printed: str) -> str:
    return (printed.strip().splitlines() or ["nothing was said"])[-1][:300].rstrip(".")
