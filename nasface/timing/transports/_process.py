"""The runner in a child process: requests and answers as JSON lines, a time limit for each, a clean end."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from nasface.devices.measurements import Sample
from nasface.errors import DeviceLost, ModelRefused, TransportError
from nasface.reading import parse_json
from nasface.timing.transports._answers import description, sample

RUNNER: Final = Path(__file__).with_name("runner.py")
LONGEST_ANSWER: Final = 2**20
"""Bytes of an answer; the longest ones hold the times of some thousand runs."""

MOST_UNASKED: Final = 64
"""Lines that wait to be read; a runner answers each request with one."""

LAST_WORDS: Final = 2**16
"""Bytes that are kept of standard error."""

_GRACE_S = 5.0


class RunnerEnded(DeviceLost):
    """The runner, or the connection to it, ended without an answer.

    Attributes:
        status: Exit status of the child process; negative for a signal.
        last_words: The last line of its standard error.
    """

    def __init__(self, message: str, status: int, last_words: str) -> None:
        self.status, self.last_words = status, last_words
        super().__init__(message)


class RunnerProcess:
    """A child process that speaks the runner's protocol.

    Args:
        command: What to start.
        device: For messages, e.g. "pi@10.0.0.7".
        timeout: Seconds after which an answer is no longer waited for; may be set at any time.
        preamble: Bytes written before the first request.
    """

    def __init__(self, command: Sequence[str], device: str, timeout: float, preamble: bytes = b"") -> None:
        self._device, self.timeout = device, timeout
        # A session of its own: Ctrl-C on the terminal ends nasface, which then ends the child.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._answers: queue.Queue[bytes] = queue.Queue(MOST_UNASKED)
        self._errors = b""
        self._listeners = [threading.Thread(target=listen, daemon=True) for listen in (self._listen, self._overhear)]
        for listener in self._listeners:
            listener.start()
        try:
            self._write(preamble)
        except TransportError:
            self.close()
            raise

    def ask(self, request: Mapping[str, object], content: bytes = b"") -> dict[str, Any]:
        """The answer to one request.

        Raises:
            RunnerEnded: There is none, because the process ended.
            TransportError: There is none within the time limit, it is no JSON object, or it is an error.
            ModelRefused: The runtime does not run the model.
        """
        if not self._answers.empty():
            line = self._answers.get()
            raise self._foreign(line) if line else self._ended()
        self._write(json.dumps(request).encode() + b"\n" + content)
        return self._checked(self._answer())

    def time(self, path: str, runs: int, warmup: int, threads: int) -> Sample:
        """One block of runs of a model."""
        answer = self.ask({"cmd": "time", "path": path, "runs": runs, "warmup": warmup, "threads": threads})
        return sample(answer, runs, self._device)

    def describe(self) -> dict[str, str]:
        """What the device says about itself."""
        return description(self.ask({"cmd": "describe"}).get("describe"), self._device)

    @property
    def status(self) -> int | None:
        """Exit status; None as long as it can be asked."""
        return self._process.poll()

    def close(self) -> None:
        """End the process: by the end of its input, or by force when that does not help."""
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._kill()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _listen(self) -> None:
        """Hand lines over as they come, as long as they are answers; an empty one says that no more will."""
        stream = self._process.stdout
        if stream is not None:
            with stream, suppress(OSError, queue.Full):
                for line in iter(lambda: stream.readline(LONGEST_ANSWER), b""):
                    self._answers.put_nowait(line)
        with suppress(queue.Full):
            self._answers.put_nowait(b"")

    def _overhear(self) -> None:
        """Keep the end of what is said on standard error."""
        stream = self._process.stderr
        if stream is not None:
            with stream, suppress(OSError):
                for line in iter(lambda: stream.readline(LAST_WORDS), b""):
                    self._errors = (self._errors + line)[-LAST_WORDS:]

    def _write(self, content: bytes) -> None:
        """Write within the time limit: who does not read would keep us for ever."""
        failed: list[OSError] = []

        def write() -> None:
            try:
                self._stdin.write(content)
                self._stdin.flush()
            except OSError as error:
                failed.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(self.timeout)
        if writer.is_alive():
            self._kill()
            raise TransportError(
                f"{self._device} did not read {len(content)} bytes within {self.timeout:g} s; "
                "look at its load and its connection, or raise transport.timeout."
            )
        if failed:
            raise self._ended()

    def _answer(self) -> bytes:
        try:
            line = self._answers.get(timeout=self.timeout)
        except queue.Empty:
            self._kill()
            raise TransportError(
                f"{self._device} did not answer within {self.timeout:g} s; "
                "ask for fewer runs, or raise transport.timeout."
            ) from None
        if not line:
            raise self._ended()
        return line

    def _checked(self, line: bytes) -> dict[str, Any]:
        try:
            answer = parse_json(line.decode())
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._foreign(line)
        if "refused" in answer:
            raise ModelRefused(f"{self._device} does not run this model: {str(answer['refused']).rstrip('.')}.")
        if "missing" in answer:
            raise TransportError(
                f"{self._device} lacks the Python package {answer['missing']}: "
                "run `python3 -m pip install ai-edge-litert numpy` there."
            )
        if "error" in answer:
            raise TransportError(f"{self._device} failed: {str(answer['error']).rstrip('.')}.")
        return answer

    def _foreign(self, line: bytes) -> TransportError:
        self._kill()
        return TransportError(
            f"{self._device} answered {line[:80]!r}, which is not the runner's language; "
            "does a start-up file of its shell print something?"
        )

    def _ended(self) -> RunnerEnded:
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            status = self._kill()
        self._listeners[1].join(_GRACE_S)
        words = self._errors.decode(errors="replace").strip().splitlines()[-1:] or [""]
        said = words[0].strip().rstrip(".")[:300]
        message = f"{self._device}: the runner ended with status {status}{f': {said}' if said else ''}."
        return RunnerEnded(message, status, said)

    def _kill(self) -> int:
        self._process.kill()
        return self._process.wait()
