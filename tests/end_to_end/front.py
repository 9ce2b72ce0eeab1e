"""Debian's nginx with the configuration that we ship, in front of a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from api.certificate import own_certificate
from config.clock import SystemClock
from tests.end_to_end.cdn import free_address, listening
from tests.programs import program

_SHIPPED = Path(__file__).parents[2] / "scripts" / "deploy" / "nginx.conf"


@dataclass(frozen=True)
class Front:
    """Where the public comes in."""

    https_port: int
    http_port: int
    certificate: Path
    folder: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"


@contextlib.asynccontextmanager
async def front(server_port: int, folder: Path) -> AsyncIterator[Front]:
    """nginx in front of the server on this port, for this block."""
    folder.mkdir()
    certificate, key = own_certificate(folder, SystemClock())
    (_, https_port), (_, http_port) = free_address(), free_address()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _placed(
            {
                "http {": f"http {{ {_temporary(folder)}",
                "user www-data;": f"user {folder.owner()};",
                "/run/nginx.pid": f"{folder}/nginx.pid",
                "/var/log/nginx/": f"{folder}/",
                "/var/cache/nginx/tollcast": f"{folder}/cache",
                "127.0.0.1:8080": f"127.0.0.1:{server_port}",
                "listen 80;": f"listen 127.0.0.1:{http_port};",
                "listen 443 ssl": f"listen 127.0.0.1:{https_port} ssl",
                "listen [::]:80;": "",
                "listen [::]:443 ssl http2;": "",
                "/etc/letsencrypt/live/live.example.org/fullchain.pem": str(certificate),
                "/etc/letsencrypt/live/live.example.org/privkey.pem": str(key),
            }
        )
    )
    process = await asyncio.create_subprocess_exec(
        program("nginx"),
        *("-p", str(folder), "-c", str(configuration), "-e", str(folder / "start.log")),
        *("-g", "daemon off;"),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        await listening(https_port, process, folder)
        yield Front(https_port, http_port, certificate, folder)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _temporary(folder: Path) -> str:
    """Debian's own places for this are root's."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _placed(places: dict[str, str]) -> str:
    """The shipped file, for another place; each of these has to be in it."""
    text = _SHIPPED.read_text()
    for shipped, here in places.items():
        assert shipped in text, f"{shipped} is not in {_SHIPPED.name} any more"
        text = text.replace(shipped, here)
    return text
