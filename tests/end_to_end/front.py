"""Debian's nginx and Caddy with the configurations that we ship, in front of a server."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.certificate import own_certificate
from config.clock import SystemClock
from tests.end_to_end.cdn import free_address, listening
from tests.programs import program

_SHIPPED = Path(__file__).parents[2] / "scripts" / "deploy"


@dataclass(frozen=True)
class Front:
    """Where the public comes in.

    Attributes:
        sends_on: the status with which it sends plain HTTP on.
    """

    name: str
    https_port: int
    http_port: int
    certificate: Path
    folder: Path
    sends_on: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"


@contextlib.asynccontextmanager
async def nginx(server_port: int, folder: Path) -> AsyncIterator[Front]:
    """nginx in front of the server on this port, for this block."""
    place = _Place.make(folder)
    configuration = _placed(
        "nginx.conf",
        folder,
        {
            "http {": f"http {{ {_temporary(folder)}",
            "user www-data;": f"user {folder.owner()};",
            "/run/nginx.pid": f"{folder}/nginx.pid",
            "/var/log/nginx/": f"{folder}/",
            "/var/cache/nginx/tollcast": f"{folder}/cache",
            "127.0.0.1:8080": f"127.0.0.1:{server_port}",
            "listen 80;": f"listen 127.0.0.1:{place.http_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{place.https_port} ssl",
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "/etc/letsencrypt/live/live.example.org/fullchain.pem": str(place.certificate),
            "/etc/letsencrypt/live/live.example.org/privkey.pem": str(place.key),
        },
    )
    command = ("-p", folder, "-c", configuration, "-e", folder / "start.log", "-g", "daemon off;")
    async with _running(place, program("nginx"), *map(str, command)):
        yield place.front("nginx", 301)


@contextlib.asynccontextmanager
async def caddy(server_port: int, folder: Path) -> AsyncIterator[Front]:
    """Caddy in front of the server on this port, for this block."""
    place = _Place.make(folder)
    own = f"tls {place.certificate} {place.key}"
    ports = f"http_port {place.http_port}\n https_port {place.https_port}"
    configuration = _placed(
        "Caddyfile",
        folder,
        {
            "\nlive.example.org {": f"{{\n admin off\n default_bind 127.0.0.1\n {ports}\n}}\n"
            f"localhost {{\n {own}",
            "127.0.0.1:8080": f"127.0.0.1:{server_port}",
        },
    )
    command = ("run", "--adapter", "caddyfile", "--config", str(configuration))
    async with _running(place, program("caddy"), *command):
        yield place.front("caddy", 308)


@dataclass(frozen=True)
class _Place:
    """Where a front is put up."""

    folder: Path
    certificate: Path
    key: Path
    https_port: int
    http_port: int

    @classmethod
    def make(cls, folder: Path) -> "_Place":
        folder.mkdir()
        certificate, key = own_certificate(folder, SystemClock())
        (_, https_port), (_, http_port) = free_address(), free_address()
        return cls(folder, certificate, key, https_port, http_port)

    def front(self, name: str, sends_on: int) -> Front:
        ports = (self.https_port, self.http_port)
        return Front(name, *ports, self.certificate, self.folder, sends_on)


@contextlib.asynccontextmanager
async def _running(place: _Place, *command: str) -> AsyncIterator[None]:
    with (place.folder / "start.log").open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "HOME": str(place.folder), **_own_folders(place.folder)},
        )
    try:
        await listening(place.https_port, process, place.folder)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _own_folders(folder: Path) -> dict[str, str]:
    """Caddy keeps what it made for itself here, and not in the home of whoever runs the tests."""
    return {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "DATA")}


def _temporary(folder: Path) -> str:
    """Debian's own places for this are root's."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _placed(name: str, folder: Path, places: Mapping[str, str]) -> Path:
    """The shipped file, for another place; each of these has to be in it."""
    text = (_SHIPPED / name).read_text()
    for shipped, here in places.items():
        assert shipped in text, f"{shipped} is not in {name} any more"
        text = text.replace(shipped, here)
    placed = folder / name
    placed.write_text(text)
    return placed
