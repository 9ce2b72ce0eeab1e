"""What publishers of 2.6 Mbit/s cost, next to nginx-rtmp and node-media-server.

A load client of ours publishes the same film to each server in turn, message by message in real
time, in chunks of 128 bytes as FFmpeg and GStreamer do, and of 4096 as OBS does. The CPU of all
threads and children of the server is counted while all publishers are on the air. Rounds alternate,
and figures are medians of paired ratios.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.bench.figures import Figure, Skipped
from scripts.bench.peer import Uneven, figure
from scripts.bench.process_cost import cpu_ns, resident_bytes
from scripts.bench.rtmp_clip import make_film
from scripts.bench.rtmp_load import Load, Report
from scripts.bench.rtmp_servers import PeerMissing, Server, nginx, node, ours
from scripts.node_packages import NodeUnavailable

_BENCH = "rtmp"
_ROUNDS = 3
# A second until the last publisher has begun; and a segment until its packager has.
_SETTLE_SECONDS = 1.2
_PACKAGING_SETTLE_SECONDS = 3.5
# Each publisher sends one keyframe, and its packager ends one segment.
_MEASURED_SECONDS = 2
_MANY, _FEW, _PACKAGED = 100, 10, 50
_SMALL, _LARGE = 128, 4096
_LATE_MS_MAX = 1_000
_BITS_A_SECOND = 2_600_000
_PACKAGED_SHARE_MIN = 0.4
_MIB = 1 << 20
# Between the largest and the smallest of an arm.
_NOISY = 1.3

_BARS = {
    "ingest_cpu_ratio_to_nginx": 3.0,
    "ingest_cpu_ratio_to_nginx_4096_byte_chunks": 3.0,
    "hls_cpu_ratio_to_nginx": 2.5,
    "ingest_cpu_ratio_to_node": 0.5,
    "cost_at_100_over_cost_at_10": 1.15,
    "rss_per_publisher_mib": 4.0,
}


class Overloaded(Exception):
    """The load client did not keep its pace, so the figures say nothing."""


@dataclass(frozen=True)
class Arm:
    """One load on one server. `server` names it for people."""

    server: str
    publishers: int
    chunk_bytes: int


@dataclass(frozen=True)
class Cost:
    """What a load has cost.

    Attributes:
        cpu_ms: for as much as one publisher sends in one second.
        resident: bytes of the whole server.
    """

    cpu_ms: float
    resident: int


OURS_FEW = Arm("ours", _FEW, _SMALL)
OURS = Arm("ours", _MANY, _SMALL)
OURS_LARGE = Arm("ours", _MANY, _LARGE)
OURS_HLS = Arm("ours hls", _PACKAGED, _SMALL)
NGINX = Arm("nginx", _MANY, _SMALL)
NGINX_LARGE = Arm("nginx", _MANY, _LARGE)
NGINX_HLS = Arm("nginx hls", _PACKAGED, _SMALL)
NODE = Arm("node", _MANY, _SMALL)
# What is compared stands next to each other in time.
_ARMS = (OURS_FEW, NGINX, OURS, NODE, OURS_LARGE, NGINX_LARGE, OURS_HLS, NGINX_HLS)


def run() -> list[Figure | Skipped]:
    """Measure; takes about two minutes."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        film = make_film(Path(directory))
        servers, missing = _start(Path(directory), stack)
        costs: dict[Arm, list[Cost]] = defaultdict(list)
        for _ in range(_ROUNDS):
            for arm in _ARMS:
                if arm.server in servers:
                    costs[arm].append(_measure(arm, servers[arm.server], film))
    for arm, measured in costs.items():
        name = f"{arm.server} x{arm.publishers}, chunks of {arm.chunk_bytes}"
        print(f"bench {_BENCH}: {name}: {_told(measured)}", flush=True)
    return [*_figures(costs), *(Skipped(_BENCH, name, why) for name, why in missing.items())]


def _start(
    directory: Path, stack: contextlib.ExitStack
) -> tuple[dict[str, Server], dict[str, str]]:
    """All servers that can be had, and which figures are missed for want of the others."""
    servers = {
        "ours": stack.enter_context(ours("ingest", directory / "ours")),
        "ours hls": stack.enter_context(ours("hls", directory / "ours-hls")),
    }
    missing: dict[str, str] = {}
    try:
        servers["nginx"], servers["nginx hls"] = stack.enter_context(nginx(directory / "nginx"))
    except PeerMissing as reason:
        missing |= {name: str(reason) for name in _BARS if "nginx" in name}
    try:
        servers["node"] = stack.enter_context(node(directory / "node"))
    except NodeUnavailable as reason:
        missing |= {name: str(reason) for name in _BARS if "node" in name}
    return servers, missing


def _measure(arm: Arm, server: Server, film: Path) -> Cost:
    with _publishing(arm, server, film) as client:
        time.sleep(_SETTLE_SECONDS if server.media is None else _PACKAGING_SETTLE_SECONDS)
        began_at, before, sent_before = time.time(), cpu_ns(server.pid), _report(client).bytes
        time.sleep(_MEASURED_SECONDS)
        spent, report = cpu_ns(server.pid) - before, _report(client)
        resident = resident_bytes(server.pid)
        sent = report.bytes - sent_before
        if report.late_ms > _LATE_MS_MAX:
            raise Overloaded(f"{arm}: a message was {report.late_ms} ms late")
        if server.media is not None:
            _check_packaged(arm, server.media, began_at, sent)
    # A busy machine's client is late, so what was sent counts and not the time that it took.
    return Cost(spent / 1e6 / (sent * 8 / _BITS_A_SECOND), resident)


def _check_packaged(arm: Arm, media: Path, since: float, sent: int) -> None:
    """Whether the server did what it was measured at: each publisher ends a segment in that time.

    Raises:
        Uneven: it wrote much less than it was sent.
    """
    files = (path.stat() for path in media.rglob("*") if path.is_file())
    written = sum(file.st_size for file in files if file.st_mtime >= since)
    if written < _PACKAGED_SHARE_MIN * sent:
        raise Uneven(f"{arm.server} packaged {written} of {sent} bytes")


@contextlib.contextmanager
def _publishing(arm: Arm, server: Server, film: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Publish for this block.

    Raises:
        Overloaded: that did not come about.
    """
    load = Load(server.port, server.app, str(film), arm.publishers, arm.chunk_bytes)
    command = (sys.executable, "-P", "-m", "scripts.bench.rtmp_load", json.dumps(asdict(load)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        if not client.stdout.readline():
            raise Overloaded(f"{arm} could not be published")
        try:
            yield client
        finally:
            client.stdin.close()


def _report(client: "subprocess.Popen[bytes]") -> Report:
    """How it is going."""
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"\n")
    client.stdin.flush()
    return Report(**json.loads(client.stdout.readline()))


def _figures(costs: dict[Arm, list[Cost]]) -> list[Figure]:
    compared = {
        "ingest_cpu_ratio_to_nginx": (OURS, NGINX),
        "ingest_cpu_ratio_to_nginx_4096_byte_chunks": (OURS_LARGE, NGINX_LARGE),
        "hls_cpu_ratio_to_nginx": (OURS_HLS, NGINX_HLS),
        "ingest_cpu_ratio_to_node": (OURS, NODE),
        "cost_at_100_over_cost_at_10": (OURS, OURS_FEW),
    }
    found = [
        figure(_BENCH, name, _ratios(costs[mine], costs[theirs]), _BARS[name])
        for name, (mine, theirs) in compared.items()
        if costs.get(theirs)
    ]
    # Later rounds find memory that the first one left.
    grown = (costs[OURS][0].resident - costs[OURS_FEW][0].resident) / (_MANY - _FEW) / _MIB
    return [
        *found,
        figure(_BENCH, "rss_per_publisher_mib", [grown], _BARS["rss_per_publisher_mib"]),
    ]


def _told(measured: list[Cost]) -> str:
    each = [cost.cpu_ms for cost in measured]
    noisy = " noisy" if max(each) > _NOISY * min(each) else ""
    return f"ms of CPU a second: {', '.join(f'{one:.3f}' for one in each)}{noisy}"


def _ratios(mine: list[Cost], theirs: list[Cost]) -> list[float]:
    return [one.cpu_ms / other.cpu_ms for one, other in zip(mine, theirs, strict=True)]


if __name__ == "__main__":
    for result in run():
        print(result.line())
