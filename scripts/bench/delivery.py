"""What a metered request for media costs, next to nginx that serves the same bytes to anybody.

Every request is of a real session with its own tokens, and what is new to a session is asked for
once: media that is *fresh*, as viewers ask for it, goes through the whole meter. `again` is media
that its session has paid for already. Our CPU is that of the process that serves, with all that it
does for the meter's store; that is a Postgres beside it, whose own CPU is not in these figures.
Arms take turns, and ratios are of turns next to each other.

`metering_tax` is of viewers who ask for a playlist and then for a segment of 2 s and 1.3 MB, over
the same without a meter; what it is with segments of 0.6 MB is told beside it.
"""

import contextlib
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scripts.bench.delivery_herd import idle_bytes, release_ms
from scripts.bench.delivery_servers import Server, Subject, database, nginx, ours, wrk
from scripts.bench.delivery_subject import PARTS, SEGMENTS
from scripts.bench.figures import Figure, Skipped
from scripts.bench.peer import figure
from scripts.bench.rtmp_servers import PeerMissing

_BENCH = "delivery"
_ROUNDS = 3
# Of two costs that are nearly the same: the machine's own noise is as large as their difference.
_TAX_ROUNDS = 9
_CONNECTIONS = 64
_SECONDS = 1
_HERD = 1_000
_IDLE = 4_000
_MANY, _FEW = 4_000, 100
_NOISY = 1.3
# What a viewer of a live asks for in a second, with parts of 200 ms.
_PARTS_PER_SECOND = 5

# Viewers of a turn: enough that nothing is asked for twice, in as many seconds.
_VIEWERS = {"playlist": 1_000, "part": 4_000, "segment": 2_000}
_VIEWERS |= {"mix": 4_000, "medium mix": 4_000}
_FILES = {"playlist": "playlist.m3u8", "part": "part.m4s", "segment": "segment.m4s"}
_BARS = {
    "playlist_cpu_ratio_to_nginx": 2.0,
    "part_60kb_cpu_ratio_to_nginx": 1.6,
    "part_60kb_again_cpu_ratio_to_nginx": 1.6,
    "segment_bits_per_cpu_ratio_to_nginx": 0.8,
    "metering_tax": 1.15,
    "reload_release_1000_ms": 15.0,
    "rss_per_idle_viewer_kib": 4.0,
    "cost_at_4000_over_cost_at_100": 1.2,
}


@dataclass(frozen=True)
class Rig:
    """What is measured with. `second` is metered as well: a process takes 20,000 sessions."""

    directory: Path
    metered: Subject
    second: Subject
    unmetered: Subject
    nginx: Server | None

    def fresh(self, subject: Subject, kind: str) -> Path:
        """Targets of new viewers."""
        path = self.directory / f"{kind}.targets"
        subject.order(do="open", count=_VIEWERS[kind], kind=kind, path=str(path))
        return path

    def same_file(self, kind: str, target: str) -> Path:
        """The target of nginx's copy of what ours answers there."""
        url = f"http://127.0.0.1:{self.metered.port}{target}"
        with urllib.request.urlopen(url) as answer:
            (self.directory / _FILES[kind]).write_bytes(answer.read())
        path = self.directory / f"{kind}.nginx"
        path.write_text(f"/{_FILES[kind]}\n")
        return path


def run() -> list[Figure | Skipped]:
    """Measure; takes about three minutes."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(directory / "postgres"))
        metered = stack.enter_context(ours(directory / "metered", url))
        second = stack.enter_context(ours(directory / "second", url))
        unmetered = stack.enter_context(ours(directory / "unmetered"))
        try:
            peer: Server | None = stack.enter_context(nginx(directory))
        except PeerMissing as missing:
            peer, why = None, str(missing)
        else:
            why = ""
        rig = Rig(directory, metered, second, unmetered, peer)
        try:
            return _measured(rig, why)
        except PeerMissing as missing:
            return [Skipped(_BENCH, name, str(missing)) for name in _BARS]


def _measured(rig: Rig, why: str) -> list[Figure | Skipped]:
    results: list[Figure | Skipped] = [_memory(rig), _release(rig)]
    if rig.nginx is None:
        results += [Skipped(_BENCH, name, why) for name in _BARS if "nginx" in name]
    else:
        results += _against_nginx(rig, rig.nginx)
    return [*results, _tax(rig), _scale(rig)]


def _against_nginx(rig: Rig, peer: Server) -> list[Figure]:
    ratios: dict[str, list[float]] = {name: [] for name in _BARS if "nginx" in name}
    for _ in range(_ROUNDS):
        for kind in _FILES:
            targets = rig.fresh(rig.metered, kind)
            if kind == "part":
                targets = _watching(rig.metered, targets)
            mine = _cost(kind, rig.metered, targets, fresh=kind != "playlist")
            same = rig.same_file(kind, targets.read_text().split()[0])
            theirs = _cost(f"{kind} nginx", peer, same)
            if kind == "playlist":
                ratios["playlist_cpu_ratio_to_nginx"].append(mine / theirs)
            elif kind == "segment":
                ratios["segment_bits_per_cpu_ratio_to_nginx"].append(theirs / mine)
            else:
                ratios["part_60kb_cpu_ratio_to_nginx"].append(mine / theirs)
                again = _cost("part again", rig.metered, _first_part_of_all(targets))
                ratios["part_60kb_again_cpu_ratio_to_nginx"].append(again / theirs)
    return [_figure(name, found) for name, found in ratios.items()]


def _watching(subject: Subject, targets: Path) -> Path:
    """The next parts of viewers who have had their first one, and of no more of them than can ask
    as often as a live's viewers do: what is saved of each once a second is saved with as many parts
    as it is then. Without that a fast machine would pay for it too seldom, and a slow one would
    mostly open sessions.
    """
    lines, count = targets.read_text().split(), _VIEWERS["part"]
    path = targets.with_suffix(".watching")
    path.write_text("\n".join(lines[:count]) + "\n")
    asked = wrk(subject, path, _CONNECTIONS, _SECONDS).requests
    viewers = max(_CONNECTIONS, min(count, asked, asked // _PARTS_PER_SECOND))
    parts = [lines[start : start + viewers] for start in range(count, len(lines), count)]
    path.write_text("\n".join(line for part in parts for line in part) + "\n")
    return path


def _first_part_of_all(targets: Path) -> Path:
    """What every viewer has had, once more."""
    lines = targets.read_text().split()
    path = targets.with_suffix(".again")
    path.write_text("\n".join(lines[: len(lines) // (PARTS - 1)]) + "\n")
    return path


def _tax(rig: Rig) -> Figure:
    def ratio(kind: str) -> float:
        mine = _cost(kind, rig.second, rig.fresh(rig.second, kind), fresh=True)
        free = rig.fresh(rig.unmetered, kind)
        return mine / _cost(f"{kind} unmetered", rig.unmetered, free, fresh=True)

    for_medium = median([ratio("medium mix") for _ in range(_ROUNDS)])
    print(f"bench {_BENCH}: info metering_tax of segments of 0.6 MB: {for_medium:.3f}", flush=True)
    return _figure("metering_tax", [ratio("mix") for _ in range(_TAX_ROUNDS)])


def _scale(rig: Rig) -> Figure:
    """Of playlists: what each viewer asks for most often."""
    ratios = []
    path = rig.directory / "scale.targets"
    rig.second.order(do="open", count=_MANY, kind="playlist", path=str(path))
    few = path.with_suffix(".few")
    few.write_text("\n".join(path.read_text().split()[:_FEW]) + "\n")
    for _ in range(_ROUNDS):
        cheap = _cost(f"playlist x{_FEW}", rig.second, few, connections=_FEW)
        dear = _cost(f"playlist x{_MANY}", rig.second, path, connections=_MANY, seconds=3)
        ratios.append(dear / cheap)
    return _figure("cost_at_4000_over_cost_at_100", ratios)


def _release(rig: Rig) -> Figure:
    path = rig.directory / "herd.targets"
    rig.metered.order(do="open", count=_HERD, kind="playlist", path=str(path))
    # The first frame of the last segment ends no part; each order ends one.
    found = [release_ms(rig.metered, path, SEGMENTS, part) for part in range(_ROUNDS)]
    return _figure("reload_release_1000_ms", found)


def _memory(rig: Rig) -> Figure:
    grown = idle_bytes(rig.metered, rig.directory / "idle.targets", _IDLE) / 1024
    return _figure("rss_per_idle_viewer_kib", [grown])


def _cost(
    name: str,
    server: Server,
    targets: Path,
    *,
    fresh: bool = False,
    connections: int = _CONNECTIONS,
    seconds: int = _SECONDS,
) -> float:
    load = wrk(server, targets, connections, seconds)
    known = len(targets.read_text().split())
    repeated = " noisy: some was asked for twice" if fresh and load.requests > known else ""
    print(f"bench {_BENCH}: {name}: {load.cpu_us:.2f} us x{load.requests}{repeated}", flush=True)
    return load.cpu_us


def _figure(name: str, found: Sequence[float]) -> Figure:
    noisy = " noisy" if max(found) > _NOISY * min(found) else ""
    if name != "segment_bits_per_cpu_ratio_to_nginx":
        result = figure(_BENCH, name, found, _BARS[name])
    else:
        print(f"bench {_BENCH}: {name}: {min(found):.3f} to {max(found):.3f}", flush=True)
        result = Figure(_BENCH, name, round(median(found), 4), _BARS[name], at_most=False)
    if noisy:
        print(f"bench {_BENCH}: {name}{noisy}", flush=True)
    return result


if __name__ == "__main__":
    for each in run():
        print(each.line())
