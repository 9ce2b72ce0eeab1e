"""A local network as a real process, with its log and its state file."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLOSE_MS = 200
_START_SECONDS_MAX = 30
_STOP_SECONDS_MAX = 30


class RunningNetwork:
    """One `python -m metering.localnet` at a time, on one state file and one port."""

    def __init__(self, state: Path, close_ms: int = CLOSE_MS) -> None:
        self.state = state
        self.close_ms = close_ms
        self.port = 0
        self.passphrase = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.state.with_suffix(".log").read_text()

    def start(self) -> None:
        """Start it and wait until it listens."""
        arguments = ("--port", str(self.port), "--state", str(self.state))
        with self.state.with_suffix(".log").open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "metering.localnet", *arguments),
                    *("--close-milliseconds", str(self.close_ms)),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], _START_SECONDS_MAX)
        assert readable, "it did not say anything"
        line = self.process.stdout.readline()
        assert line, self.log
        told = json.loads(line)
        self.port, self.passphrase = told["port"], told["passphrase"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; returns its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        status = self.process.wait(_STOP_SECONDS_MAX)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@contextmanager
def running_network(state: Path, close_ms: int = CLOSE_MS) -> Iterator[RunningNetwork]:
    """A network that is up, and ended afterwards."""
    network = RunningNetwork(state, close_ms)
    network.start()
    try:
        yield network
    finally:
        network.stop(signal.SIGKILL)
