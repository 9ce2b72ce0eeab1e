"""The servers of the delivery benchmark, and wrk, which asks them."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from scripts.bench.process_cost import cpu_ns
from scripts.bench.rtmp_servers import (
    PeerMissing,
    await_port,
    free_port,
    nginx_program,
    running,
    user_line,
)

_STOP_SECONDS_MAX = 10
_WRK_SECONDS_MAX = 60
_THREADS = 1
# nginx at its best: nothing is logged, files stay open, connections live for ever.
_NGINX = """\
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100 inactive=1h;
    types {{ video/mp4 m4s; application/vnd.apple.mpegurl m3u8; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {directory};
    }}
}}
"""
_SCRIPT = """\
local requests, count, place = {}, 0, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    count = count + 1
    requests[count] = wrk.format("GET", line)
  end
end
function request()
  place = place % count + 1
  return requests[place]
end
"""


class Failed(Exception):
    """Requests were answered with errors, so their cost says nothing."""


@dataclass(frozen=True)
class Server:
    pid: int
    port: int


@dataclass(frozen=True)
class Subject(Server):
    """Ours."""

    process: "subprocess.Popen[bytes]"

    def order(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return _answer(self.process)


@dataclass(frozen=True)
class Load:
    """What wrk did to a server. `cpu_us` is the server's, of one request."""

    requests: int
    cpu_us: float


def _answer(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Failed("our server has ended")
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextlib.contextmanager
def ours(directory: Path, *database: str) -> Iterator[Subject]:
    """`scripts.bench.delivery_subject`; metered with the URL of a database."""
    module = "scripts.bench.delivery_subject"
    command = (sys.executable, "-P", "-m", module, str(directory), *database)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Subject(process.pid, _answer(process)["port"], process)
        finally:
            _end(process)


@contextlib.contextmanager
def database(directory: Path) -> Iterator[str]:
    """A Postgres with our tables; its URL. It is no child of the servers that are measured."""
    server = EmbeddedPostgres(directory)

    async def start() -> str:
        url = await server.start()
        database = await Database.connect(url)
        await migrate(database)
        await database.close()
        return url

    try:
        yield asyncio.run(start())
    finally:
        asyncio.run(server.stop())


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[Server]:
    """One worker that serves the files of a directory.

    Raises:
        PeerMissing: it is not installed.
    """
    program, port, user = nginx_program(), free_port(), user_line(directory)
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(user=user, directory=directory, port=port))
    with running((program, "-p", str(directory), "-c", str(configuration)), directory) as process:
        await_port(port)
        yield Server(process.pid, port)


def wrk(server: Server, targets: Path, connections: int, seconds: int) -> Load:
    """Ask for each target in turn, each connection as soon as it has its answer.

    Raises:
        PeerMissing: wrk is not installed.
        Failed: an answer was an error.
    """
    program = shutil.which("wrk")
    if program is None:
        raise PeerMissing("scripts/install_test_programs.sh brings wrk")
    script = targets.with_name("targets.lua")
    script.write_text(_SCRIPT)
    options = (f"-t{_THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s")
    url = f"http://127.0.0.1:{server.port}/"
    command = (program, *options, "-s", str(script), url, "--", str(targets))
    before = cpu_ns(server.pid)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_WRK_SECONDS_MAX, check=False
    )
    spent = cpu_ns(server.pid) - before
    count = re.search(r"(\d+) requests in", done.stdout)
    if count is None or "Non-2xx" in done.stdout:
        raise Failed(done.stdout + done.stderr)
    return Load(int(count[1]), spent / 1e3 / int(count[1]))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
