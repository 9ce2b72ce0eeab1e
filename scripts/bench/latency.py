"""How old pictures are when a viewer sees them, next to nginx-rtmp's HLS of the same source.

A publisher draws the time of day into its pictures and pushes them to both servers at once; a page
in headless Chromium plays them by hls.js and reads that time from every picture it shows. Rounds
alternate between the two.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from scripts.bench.figures import Figure, Skipped
from scripts.bench.latency_servers import Nginx, Ours, nginx, ours, page, publisher
from scripts.bench.latency_viewer import Seen, Viewer, viewer
from scripts.bench.rtmp_servers import PeerMissing

_BENCH = "latency"
_ROUNDS = 3
_SECONDS, _PEER_SECONDS = 8.0, 4.0
_JOINS = 9
_COPIED, _ENCODED = (640, 360), (960, 540)
# What `api/web/src/player/hls-settings.ts` sets for a live.
SETTINGS: dict[str, Any] = {
    "enableWorker": False,
    "lowLatencyMode": True,
    "maxBufferLength": 4,
    "maxMaxBufferLength": 12,
    "maxBufferSize": 0,
    "maxLiveSyncPlaybackRate": 1,  # the page does it
}
# Players that fetch fragments of two seconds keep three of them ahead.
PEER_SETTINGS: dict[str, Any] = {}

_BARS = {
    "age_p50_ms": 1_300.0,
    "age_p95_ms": 1_600.0,
    "age_ratio_to_nginx_hls": 0.2,
    "first_picture_ms": 500.0,
    "stalls": 0.0,
    "age_of_encoded_over_copied_ms": 150.0,
}


def run() -> list[Figure | Skipped]:
    """Measure; takes about two minutes."""
    try:
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
            folder = Path(directory)
            watcher = stack.enter_context(viewer(stack.enter_context(page(folder / "page"))))
            server = stack.enter_context(ours(folder / "ours"))
            return [
                *_copied(watcher, server, folder / "nginx"),
                _encoded(watcher, server),
            ]
    except PeerMissing as reason:
        return [Skipped(_BENCH, name, str(reason)) for name in _BARS]


def _copied(watcher: Viewer, server: Ours, folder: Path) -> Iterator[Figure | Skipped]:
    """One source that nobody encodes again, at both servers."""
    with contextlib.ExitStack() as stack:
        peer, missing = _peer(folder, stack)
        urls = [server.new_source("copied"), *([peer.rtmp_url] if peer else [])]
        stack.enter_context(publisher(*urls, width=_COPIED[0], height=_COPIED[1]))
        server.await_live("copied")
        if peer:
            peer.await_live()
        mine: list[Seen] = []
        theirs: list[Seen] = []
        for _ in range(_ROUNDS):
            mine.append(watcher.watch(server.playback_url("copied"), SETTINGS, _SECONDS))
            if peer:
                theirs.append(watcher.watch(peer.url, PEER_SETTINGS, _PEER_SECONDS))
        joins = [watcher.join(server.playback_url("copied"), SETTINGS) for _ in range(_JOINS)]
    yield from _ages(mine)
    yield _most("first_picture_ms", [seen.first_ms for seen in joins])
    if peer:
        ratios = [
            a.percentile_ms(50) / b.percentile_ms(50) for a, b in zip(mine, theirs, strict=True)
        ]
        print(f"bench {_BENCH}: nginx HLS: {_told([each.percentile_ms(50) for each in theirs])} ms")
        yield _most("age_ratio_to_nginx_hls", ratios)
    else:
        yield Skipped(_BENCH, "age_ratio_to_nginx_hls", missing)


def _peer(folder: Path, stack: contextlib.ExitStack) -> tuple[Nginx | None, str]:
    try:
        return stack.enter_context(nginx(folder)), ""
    except PeerMissing as reason:
        return None, str(reason)


def _ages(mine: list[Seen]) -> Iterator[Figure]:
    for seen in mine:
        told = f"{len(seen.ages_ms)} pictures, first after {seen.first_ms:.0f} ms"
        print(f"bench {_BENCH}: ours: {told}, {seen.stalls} stalls, {seen.errors}", flush=True)
    for percent in (50, 95):
        yield _most(f"age_p{percent}_ms", [seen.percentile_ms(percent) for seen in mine])
    yield Figure(_BENCH, "stalls", sum(seen.stalls for seen in mine), _BARS["stalls"], at_most=True)


def _encoded(watcher: Viewer, server: Ours) -> Figure:
    """By how much later the parts come of a rendition that is encoded, of the same source."""
    width, height = _ENCODED
    url = server.new_source("encoded")
    later: list[float] = []
    with publisher(url, width=width, height=height):
        server.await_live("encoded")
        for _ in range(_ROUNDS):
            copied, encoded = (
                watcher.watch(server.playback_url("encoded"), SETTINGS, _PEER_SECONDS, level)
                for level in (height, 360)
            )
            later.append(encoded.delivery_ms - copied.delivery_ms)
    return _most("age_of_encoded_over_copied_ms", later)


def _most(name: str, values: list[float]) -> Figure:
    """The median, which may be at most the bar."""
    print(f"bench {_BENCH}: {name}: {_told(values)}", flush=True)
    return Figure(_BENCH, name, round(median(values), 4), _BARS[name], at_most=True)


def _told(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


if __name__ == "__main__":
    for result in run():
        print(result.line())
