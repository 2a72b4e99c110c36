"""Any Linux board with Python and ai-edge-litert, over ssh.

One connection does everything: a shell on the board makes a temporary folder and starts Python there, which reads the
runner from its standard input, then models and requests. When the connection ends, however it ends, the folder goes.
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nasface.configs import existing
from nasface.errors import DeviceLost, InvalidInput, NasfaceError, TransportError
from nasface.reading import read_bytes
from nasface.registry import register
from nasface.timing.transports._process import RUNNER, RunnerEnded, RunnerProcess
from nasface.timing.transports._runner import RunnerTransport

_BOOT: Final = "import sys; b = sys.stdin.buffer; exec(compile(b.read(int(b.readline())), 'runner.py', 'exec'))"
_NO_FOLDER: Final = 73
_NO_COMMAND: Final = 127
_NO_CONNECTION: Final = 255
_DEFAULTS: Final = ("BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=10", "ServerAliveCountMax=3")


@dataclass
class SshConfig:
    """A Linux board over ssh; it needs Python and ai-edge-litert.

    Attributes:
        name: What the transport is called.
        host: Name or address, or an alias of your ssh configuration.
        user: Null for what your ssh configuration says.
        port: Null for what your ssh configuration says.
        key: File of the private key; null for what your ssh configuration says.
        options: More options of ssh, e.g. ["StrictHostKeyChecking=accept-new", "ProxyJump=gate"].
        python: What starts Python there: "~/env/bin/python", or on chosen cores "taskset -c 4-7 python3".
        folder: Where the temporary folder is made; null for the system's.
        timeout: Seconds that one block of runs, or the copy of one model, may take.
    """

    name: str = "ssh"
    host: str = ""
    user: str | None = None
    port: int | None = None
    key: str | None = field(default=None, metadata=existing())
    options: list[str] = field(default_factory=list)
    python: str = "python3"
    folder: str | None = None
    timeout: float = 300.0


@register("transport", "ssh", config=SshConfig)
class SshTransport(RunnerTransport):
    """Models are copied into a temporary folder of the board; see `SshConfig`."""

    def __init__(self, config: SshConfig) -> None:
        super().__init__(config.timeout)
        if not config.host or config.host.startswith("-"):
            raise InvalidInput(
                f"transport.host='{config.host}' is no host; give e.g. transport.host=raspberrypi.local."
            )
        self.config = config
        self.device = f"{config.user}@{config.host}" if config.user else config.host

    def _start(self) -> RunnerProcess:
        if shutil.which("ssh") is None:
            raise TransportError("transport=ssh needs the program ssh; install OpenSSH's client.")
        code = RUNNER.read_bytes()
        return RunnerProcess(self._ssh(self._remote()), self.device, self._timeout, b"%d\n%b" % (len(code), code))

    def _ssh(self, command: str) -> list[str]:
        """The command line; the user's options come first because ssh takes the first of two."""
        config = self.config
        named = [("-p", config.port), ("-i", config.key and Path(config.key).expanduser()), ("-l", config.user)]
        flags = [text for flag, value in named if value is not None for text in (flag, str(value))]
        options = [text for option in (*config.options, *_DEFAULTS) for text in ("-o", option)]
        return ["ssh", "-T", *flags, *options, config.host, command]

    def _remote(self) -> str:
        """What the board's shell runs; every login shell understands it."""
        parent = _in_shell(self.config.folder) if self.config.folder else '"${TMPDIR:-/tmp}"'
        script = (
            f"d=$(mktemp -d {parent}/nasface.XXXXXX) || exit {_NO_FOLDER}; trap 'rm -rf \"$d\"' EXIT; "
            f'cd "$d" && {self.config.python} -c {shlex.quote(_BOOT)}; exit $?'
        )
        return f"exec sh -c {shlex.quote(script)}"

    def _put(self, runner: RunnerProcess, name: str, path: Path) -> None:
        content = read_bytes(path)
        runner.ask({"cmd": "put", "name": name, "bytes": len(content)}, content)

    def _place(self, model: str) -> str:
        return model

    def _signal(self, status: int) -> int:
        return status - 128 if 128 < status < _NO_CONNECTION else 0

    def _explained(self, ended: RunnerEnded) -> NasfaceError:
        said = ended.last_words or "no reason was given"
        if ended.status == _NO_COMMAND:
            return TransportError(
                f"{self.device} cannot run '{self.config.python}' ({said}); give transport.python=PATH."
            )
        if ended.status == _NO_FOLDER:
            return TransportError(f"{self.device} makes no temporary folder ({said}); give transport.folder=FOLDER.")
        if ended.status != _NO_CONNECTION:
            return ended
        if not self._about:
            return TransportError(
                f"Cannot connect to {self.device}: {said}. This must work without a question (known host, key, "
                f"ssh-agent): {shlex.join(self._ssh('true'))}"
            )
        return DeviceLost(f"The connection to {self.device} broke: {said}. Run the same command again to go on.")


def _in_shell(folder: str) -> str:
    """A folder for sh: quoted, except for the tilde of the home folder."""
    return f"~/{shlex.quote(folder[2:])}" if folder.startswith("~/") else shlex.quote(folder)
