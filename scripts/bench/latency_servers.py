"""The servers of the latency benchmark, and the small web server that has its page."""

import contextlib
import functools
import http.server
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench.rtmp_servers import (
    NGINX_MODULE,
    PeerMissing,
    await_port,
    free_port,
    nginx_program,
    running,
    user_line,
)
from scripts.node_packages import NodeUnavailable, player_files

_PAGE = Path(__file__).with_name("latency_page.html")
_ANSWER_SECONDS_MAX = 20
_SEGMENTS_AT_FIRST = 4
# Without open_file_cache (its default), since that serves playlists of before.
_NGINX = """\
load_module {module};
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{rtmp};
        application hls {{
            live on;
            hls on;
            hls_path {directory}/hls;
            hls_fragment 2s;
        }}
    }}
}}
http {{
    access_log off;
    open_file_cache off;
    tcp_nodelay on;
    types {{
        application/vnd.apple.mpegurl m3u8;
        video/mp2t ts;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {directory}/hls;
            add_header Access-Control-Allow-Origin *;
            add_header Cache-Control no-cache;
        }}
    }}
}}
"""


class Unanswered(Exception):
    """Our server did not do what it was asked."""


@dataclass(frozen=True)
class Ours:
    """The whole server as a process."""

    announced: dict[str, Any]

    def new_source(self, name: str) -> str:
        """Where to publish to it."""
        made = self._post("/api/v1/sources", {"name": name, "reconnectSeconds": 0})
        return f"{made['source']['rtmpUrl']}/{made['streamKey']}"

    def playback_url(self, name: str) -> str:
        """Of a session that is new. The owner's costs nothing."""
        session = self._post("/api/v1/streaming/start", {"contentId": name})
        return f"{self.announced['http_url']}{session['playbackUrl']}"

    def await_live(self, name: str) -> None:
        """Until it can be watched. Raises: Unanswered: it cannot in time."""
        deadline = time.monotonic() + _ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(Unanswered):
                content = self._ask(f"/api/v1/content/{name}")
                if content["state"] == "live" and content["playable"]:
                    return
            time.sleep(0.1)
        raise Unanswered(f"{name} is not live")

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask(path, json.dumps(body).encode())

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.announced['http_url']}{path}",
            body,
            {
                "Authorization": f"Bearer {self.announced['creator_token']}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS_MAX) as answer:
                return json.load(answer)
        except OSError as reason:
            raise Unanswered(f"{path}: {reason}") from reason


@contextlib.contextmanager
def ours(directory: Path) -> Iterator[Ours]:
    """Raises: Unanswered: it did not start."""
    directory.mkdir()
    command = (
        *(sys.executable, "-P", "-m", "api.cli", "up", "--json", "--demo=off"),
        *("--http.port=0", "--rtmp.port=0", f"--data_directory={directory / 'data'}"),
    )
    with running(command, Path.cwd(), directory / "log") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Unanswered(f"our server did not start: {(directory / 'log').read_text()[-2000:]}")
        yield Ours(json.loads(line))


@dataclass(frozen=True)
class Nginx:
    """nginx-rtmp that packages fragments of two seconds and serves them."""

    rtmp_url: str
    url: str

    def await_live(self) -> None:
        """Until there are as many segments as players want. Raises: Unanswered: not in time."""
        deadline = time.monotonic() + _ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=5) as got:
                if got.read().count(b"#EXTINF") >= _SEGMENTS_AT_FIRST:
                    return
            time.sleep(0.1)
        raise Unanswered("nginx packages nothing")


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[Nginx]:
    """Raises: PeerMissing: it is not installed."""
    program = nginx_program()
    port, rtmp = free_port(), free_port()
    directory.mkdir()
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            module=NGINX_MODULE,
            user=user_line(directory),
            directory=directory,
            port=port,
            rtmp=rtmp,
        )
    )
    with running((program, "-p", str(directory), "-c", str(configuration)), directory):
        await_port(rtmp)
        yield Nginx(f"rtmp://127.0.0.1:{rtmp}/hls/clock", f"http://127.0.0.1:{port}/clock.m3u8")


@contextlib.contextmanager
def page(directory: Path) -> Iterator[str]:
    """The address of the page with hls.js.

    Raises:
        PeerMissing: hls.js cannot be had.
    """
    try:
        hls_js = player_files()["hls.min.js"]
    except NodeUnavailable as reason:
        raise PeerMissing(str(reason)) from reason
    directory.mkdir()
    for file in (hls_js, _PAGE):
        (directory / file.name).write_bytes(file.read_bytes())
    handler = functools.partial(_Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{_PAGE.name}"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def publisher(*urls: str, width: int, height: int) -> Iterator[None]:
    """Publish the clock for this block.

    Raises:
        Unanswered: that did not come about.
    """
    order = json.dumps({"urls": urls, "width": width, "height": height})
    command = (sys.executable, "-P", "-m", "scripts.bench.latency_publisher", order)
    with running(command, Path.cwd()) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise Unanswered("nothing can be published")
        yield
