"""Parts of all kinds of streams divide segments, and playlists keep their word."""

from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from media.transcode.rendition import Rendition
from media.units import MediaKind, Packet, Track
from packager.hls.assembly import AssembledSegment, Assembly
from packager.hls.playlist_terms import PlaylistTerms
from tests.packager.hls.following import Follower

SECOND = 90_000
RATE = 48_000
VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", SECOND, b"\1", 64, 36, (25, 1))
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", RATE, b"\1", channels=2, sample_rate=RATE)

type Part = tuple[int, int, bytes]


class Stage:
    """An assembly, and what a player who looks after each packet has seen of it."""

    def __init__(self, *names: str, part_ms: int = 200) -> None:
        self.made = Assembly(2000, PlaylistTerms(3, 6), part_ms=part_ms)
        self.followers = {name: Follower() for name in names}
        self.parts: dict[str, dict[tuple[int, int], Part]] = {name: {} for name in names}
        self.segments: dict[str, list[AssembledSegment]] = {name: [] for name in names}
        self.places: dict[str, tuple[int, tuple[int, int]]] = {}
        self.begin(*names)

    def begin(self, *names: str) -> None:
        self._take(self.made.finish())
        renditions = [
            Rendition(name, AUDIO if name == "audio" else VIDEO, 0, False) for name in names
        ]
        self.made.begin(renditions, [b"init"] * len(names))
        self.look()

    def packet(self, name: str, packet: Packet) -> None:
        self._take(self.made.packet(name, packet, 0))
        self.look()

    def finish(self) -> None:
        self._take(self.made.finish())
        self.look()

    def _take(self, done: list[AssembledSegment]) -> None:
        for each in done:
            self.segments[each.rendition].append(each)

    def look(self) -> None:
        for name, live in self.made.renditions.items():
            if self.places.get(name) == (live.newest, live.next_place):
                continue
            self.places[name] = live.newest, live.next_place
            sequence, count = live.next_place
            for number in range(count):
                self._remember(name, sequence, number)
            for number in range(100):
                if not self._remember(name, live.newest, number):
                    break
            if live.has_segments:
                text = live.playlist((), skip=False).fill(lambda _: b"-").decode()
                self.followers[name].look(text)

    def _remember(self, name: str, sequence: int, number: int) -> bool:
        found = self.made.renditions[name].part(sequence, number)
        if found is None:
            return False
        part, body = found
        known = self.parts[name].setdefault((sequence, number), (part.start, part.end, body))
        assert known == (part.start, part.end, body), "what was published never changes"
        return True

    def check(self) -> None:
        """Parts divide each segment's time and bytes."""
        for name, segments in self.segments.items():
            for segment in segments:
                sequence = segment.interval.sequence
                numbers = sorted(n for s, n in self.parts[name] if s == sequence)
                assert numbers == list(range(len(numbers)))
                parts = [self.parts[name][sequence, number] for number in numbers]
                assert b"".join(body for _, _, body in parts) == segment.body
                times = [segment.interval.start, *(end for _, end, _ in parts)]
                assert [start for start, _, _ in parts] == times[:-1]
                assert times[-1] == segment.interval.end
                assert all(start < end for start, end in pairwise(times))
            intervals = [each.interval for each in segments]
            for (sequence, _), (start, end, _) in self.parts[name].items():
                interval = self.made.boundaries.begun(sequence)
                assert interval is not None
                assert interval.start <= start < end <= interval.end
            assert [each.sequence for each in intervals] == sorted(
                {each.sequence for each in intervals}
            )


def video(random: Random, seconds: int) -> list[Packet]:
    """Groups of pictures, in decoding order, as irregular as they come."""
    step = random.choice([3600, 3000, 1500, 3003, 18000])
    jitter = random.choice([0, 0, 90, 2000])
    reordered = random.choice([0, 0, 2])
    times: list[tuple[int, bool]] = []
    now, keyframe_at = 10 * SECOND, 0
    while now < (10 + seconds) * SECOND:
        keyframe = now >= keyframe_at
        if keyframe:
            keyframe_at = now + random.choice([1, 2, 2, 2, 5]) * SECOND
        times.append((now, keyframe))
        hole = random.choice([0] * 200 + [SECOND, 5 * SECOND])
        now += max(1, step + random.randint(-jitter, jitter)) + hole
    shown = [time for time, _ in times]
    order = sorted(range(len(times)), key=lambda i: (i + (-2 if _is_anchor(times, i) else 0), i))
    order = order if reordered else list(range(len(times)))
    delay = reordered * step
    packets = []
    last = 0
    for place, index in enumerate(order):
        dts = max(last + 1, shown[place] - delay)
        last = dts
        pts, keyframe = times[index]
        packets.append(
            Packet(dts, max(pts, dts), 0, keyframe, random.randbytes(3), boundary=keyframe)
        )
    return packets


def _is_anchor(times: list[tuple[int, bool]], index: int) -> bool:
    """Every third picture after a keyframe, and a keyframe, is decoded before the two before it."""
    since = 0
    while not times[index - since][1]:
        since += 1
    return since % 3 == 0 and since > 0


def audio(random: Random, seconds: int) -> list[Packet]:
    packets = []
    dts = 10 * RATE - random.randint(0, 2000)
    while dts < (10 + seconds) * RATE:
        packets.append(Packet(dts, dts, 1024, True, random.randbytes(2)))
        dts += 1024 + random.choice([0] * 300 + [RATE // 2, 3 * RATE])
    return packets


def with_replays(random: Random, packets: list[Packet]) -> list[Packet]:
    """Encoders crash, and their successors begin again, as before or a little otherwise."""
    sent: list[Packet] = []
    for index, packet in enumerate(packets):
        sent.append(packet)
        if random.random() < 0.01:
            keyframes = [i for i in range(index + 1) if packets[i].boundary][-2:]
            if keyframes:
                again = packets[random.choice(keyframes) : index + 1]
                other = random.random() < 0.4
                sent += [
                    replace(each, pts=each.pts + (other and not each.boundary), data=b"other")
                    for each in again
                ]
    return sent


def interleaved(random: Random, feeds: dict[str, list[Packet]]) -> list[tuple[str, Packet]]:
    """By decoding time, each track some way behind the others."""
    timed: list[tuple[float, int, str, Packet]] = []
    for name, packets in feeds.items():
        lag = random.choice([0, 0, 0.1, 0.5, 2])
        scale = RATE if name == "audio" else SECOND
        newest = 0.0
        for packet in packets:
            newest = max(newest, packet.dts / scale)
            timed.append((newest + lag, len(timed), name, packet))
    return [(name, packet) for _, _, name, packet in sorted(timed, key=lambda each: each[:2])]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([("360p",), ("audio",), ("360p", "720p", "audio")]))
def test_parts_divide_whatever_comes(seed: int, names: tuple[str, ...]) -> None:
    random = Random(seed)
    stage = Stage(*names, part_ms=random.choice([100, 200, 500]))
    pictures = video(random, 12)
    feeds = {
        name: audio(random, 12) if name == "audio" else with_replays(random, pictures)
        for name in names
    }
    for name, packet in interleaved(random, feeds):
        stage.packet(name, packet)
    stage.finish()
    stage.check()
    assert any(stage.parts.values())
