"""The servers of the RTMP benchmark, each a process tree of its own on 127.0.0.1."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.node_packages import node_media_server

_START_SECONDS_MAX = 20
_STOP_SECONDS_MAX = 10
NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_NGINX = """\
load_module {module};
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        application live {{ live on; }}
        application hls {{
            live on;
            hls on;
            hls_path {directory}/hls;
            hls_fragment 2s;
        }}
    }}
}}
"""


class PeerMissing(Exception):
    """A program to compare with is not there."""


@dataclass(frozen=True)
class Server:
    """`app` is where to publish; `media` the directory that packaged media is written to."""

    pid: int
    port: int
    app: str = "live"
    media: Path | None = None


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[tuple[Server, Server]]:
    """nginx-rtmp with one worker, twice: it relays, and it writes fragments of 2 s as well.

    Raises:
        PeerMissing: it is not installed.
    """
    program = nginx_program()
    port = free_port()
    directory.mkdir()
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            module=NGINX_MODULE, user=user_line(directory), directory=directory, port=port
        )
    )
    with running((program, "-p", str(directory), "-c", str(configuration)), directory) as process:
        await_port(port)
        yield Server(process.pid, port), Server(process.pid, port, "hls", directory / "hls")


def nginx_program() -> str:
    """Its path. Raises: PeerMissing: it is not installed, or its RTMP module is not."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or not NGINX_MODULE.exists():
        raise PeerMissing("scripts/install_test_programs.sh brings nginx and its RTMP module")
    return program


def user_line(directory: Path) -> str:
    """nginx' worker gives up root, unless told not to: but the directory is root's."""
    return "user root;" if directory.owner() == "root" else ""


@contextlib.contextmanager
def node(directory: Path) -> Iterator[Server]:
    """node-media-server.

    Raises:
        NodeUnavailable: it cannot be installed.
    """
    port = free_port()
    directory.mkdir()
    command = (*node_media_server(), json.dumps({"rtmp": port}))
    with running(command, directory) as process:
        await_port(port)
        yield Server(process.pid, port)


@contextlib.contextmanager
def ours(mode: str, directory: Path) -> Iterator[Server]:
    """`scripts.bench.rtmp_subject`."""
    directory.mkdir()
    media = directory / "media"
    command = (sys.executable, "-P", "-m", "scripts.bench.rtmp_subject", mode, str(media))
    with running(command, Path.cwd()) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("our server did not start")
        yield Server(process.pid, int(line), media=media if mode == "hls" else None)


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: Path, log: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process for this block; the output of Python programs can be read.

    Args:
        log: where its complaints go; among our own when None.
    """
    with (
        contextlib.nullcontext() if log is None else log.open("wb") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if command[0] == sys.executable else subprocess.DEVNULL,
            stderr=errors,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_port(port: int) -> None:
    """Until somebody listens. Raises: OSError: nobody does in time."""
    deadline = time.monotonic() + _START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
