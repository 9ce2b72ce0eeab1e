"""Debian's nginx as a CDN: it caches what is public, and logs where each answer came from."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.programs import program

_START_SECONDS_MAX = 60
_CONFIGURATION = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format fate '$upstream_cache_status $status $request_uri';
    access_log {folder}/access.log fate;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=media:1m max_size=100m;
    server {{
        listen 127.0.0.1:{port};
        location /media/ {{
            proxy_pass {origin};
            proxy_cache media;
            proxy_cache_key $uri;
            proxy_cache_lock on;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Cdn:
    """`url` is of another origin than the server's, as browsers see it."""

    url: str
    folder: Path

    def answered(self, part: str = "") -> list[tuple[str, str]]:
        """What was asked for so far, and whether it was a HIT or a MISS; nothing went wrong.

        Args:
            part: only what has it in its address.
        """
        lines = (self.folder / "access.log").read_text().splitlines()
        fields = [line.split() for line in lines]
        assert {status for _, status, _ in fields} <= {"200", "206"}, lines
        return [(uri, fate) for fate, _, uri in fields if part in uri]


def free_address() -> tuple[str, int]:
    """For a server that has to be told where another one will be before that has begun."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        host, port = reserved.getsockname()
        return host, port


@contextlib.asynccontextmanager
async def cdn(port: int, origin: str, folder: Path) -> AsyncIterator[Cdn]:
    """nginx on this port, in front of a server, for this block."""
    folder.mkdir()
    # Its worker gives up root, unless told not to; but the folder is root's.
    user = "user root;" if folder.owner() == "root" else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(user=user, folder=folder, port=port, origin=origin)
    )
    process = await asyncio.create_subprocess_exec(
        program("nginx"),
        *("-p", str(folder), "-c", str(configuration), "-e", str(folder / "start.log")),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        await listening(port, process, folder)
        yield Cdn(f"http://127.0.0.1:{port}", folder)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def listening(port: int, process: asyncio.subprocess.Process, folder: Path) -> None:
    """Return when nginx accepts connections."""
    async with asyncio.timeout(_START_SECONDS_MAX):
        while True:
            assert process.returncode is None, (folder / "start.log").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
