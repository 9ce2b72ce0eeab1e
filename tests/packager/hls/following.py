"""A player that remembers what a live playlist said, and what must not change of that."""

import re
from dataclasses import dataclass, field
from fractions import Fraction

_URI = re.compile(r'URI="([^"]+)"')
_DURATION = re.compile(r"DURATION=([0-9.]+)")
_AT_THE_END = ("#EXT-X-RENDITION-REPORT", "#EXT-X-ENDLIST")


@dataclass
class Listed:
    """A segment as a playlist lists it.

    Attributes:
        parts: (URI, duration, missing).
        duration: None while it is not complete.
    """

    sequence: int
    parts: list[tuple[str, Fraction, bool]] = field(default_factory=list)
    duration: Fraction | None = None
    uri: str = ""
    gap: bool = False
    tags: list[str] = field(default_factory=list)


@dataclass
class Read:
    """A playlist, taken apart."""

    head: dict[str, str]
    segments: list[Listed]
    skipped: int
    hint: str | None
    ended: bool


def read(text: str) -> Read:
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    number = next(int(line.split(":")[1]) for line in lines if "MEDIA-SEQUENCE" in line)
    now = Read({}, [], 0, None, "#EXT-X-ENDLIST" in lines)
    listed = Listed(number)
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name == "#EXT-X-SKIP":
            now.skipped = int(value.split("=")[1])
            listed.sequence += now.skipped
        elif name == "#EXT-X-PRELOAD-HINT":
            now.hint = _found(_URI, line)
        elif not line.startswith("#"):
            listed.uri = line
            now.segments.append(listed)
            listed = Listed(listed.sequence + 1)
        elif not (_describes(listed, name, line) or name in _AT_THE_END):
            assert not now.segments, f"{name} is of the whole playlist"
            now.head[name] = value
    if listed.parts:
        now.segments.append(listed)
    return now


def _describes(listed: Listed, name: str, line: str) -> bool:
    """Whether a line is of a segment."""
    match name:
        case "#EXT-X-PART":
            duration = Fraction(_found(_DURATION, line))
            listed.parts.append((_found(_URI, line), duration, "GAP=YES" in line))
        case "#EXTINF":
            listed.duration = Fraction(line.removeprefix("#EXTINF:").rstrip(","))
        case "#EXT-X-GAP":
            listed.gap = True
        case "#EXT-X-MAP" | "#EXT-X-DISCONTINUITY" | "#EXT-X-PROGRAM-DATE-TIME":
            assert not listed.parts, "before a segment's first part (rfc8216bis, 4.4.4.9)"
            listed.tags.append(line)
        case _:
            return False
    return True


def _found(pattern: re.Pattern[str], line: str) -> str:
    found = pattern.search(line)
    assert found is not None
    return found[1]


class Follower:
    """Looks at one playlist again and again."""

    def __init__(self) -> None:
        self.seen: dict[int, Listed] = {}
        self.hints: list[str] = []
        self._first = 0
        self._discontinuities = 0

    def look(self, text: str) -> Read:
        now = read(text)
        first = int(now.head["#EXT-X-MEDIA-SEQUENCE"])
        discontinuities = int(now.head["#EXT-X-DISCONTINUITY-SEQUENCE"])
        assert first >= self._first
        assert discontinuities >= self._discontinuities
        self._first, self._discontinuities = first, discontinuities
        assert [each.duration is None for each in now.segments[:-1]].count(True) == 0
        for listed in now.segments:
            self._compare(listed)
        if now.hint is not None and now.hint not in self.hints[-1:]:
            assert now.hint not in self.hints, "a hint is not taken back"
            self.hints.append(now.hint)
        self._check_target(now)
        return now

    def _compare(self, now: Listed) -> None:
        before = self.seen.get(now.sequence)
        if before is not None and before.duration is not None:
            assert (now.uri, now.duration, now.gap) == (before.uri, before.duration, before.gap)
            assert now.parts in ([], before.parts)
        elif before is not None and now.parts:
            assert now.parts[: len(before.parts)] == before.parts
            new = [uri for uri, _, missing in now.parts[len(before.parts) :] if not missing]
            assert not new or new[0] in self.hints, "what comes next was hinted"
        if before is None or now.parts or now.duration is None:
            self.seen[now.sequence] = now

    def _check_target(self, now: Read) -> None:
        target = int(now.head["#EXT-X-TARGETDURATION"])
        for listed in now.segments:
            if listed.duration is not None:
                assert int(listed.duration + Fraction(1, 2)) <= target
        if "#EXT-X-PART-INF" not in now.head:
            return
        longest = Fraction(now.head["#EXT-X-PART-INF"].split("=")[1])
        end = sum((duration for each in now.segments for duration in [_duration(each)]), Fraction())
        position = Fraction()
        for listed in now.segments:
            for _, duration, _ in listed.parts:
                assert duration <= longest
            # One part of tolerance: the segment that is open ends within it.
            assert not listed.parts or end - position <= 3 * target
            position += _duration(listed)


def _duration(listed: Listed) -> Fraction:
    if listed.duration is not None:
        return listed.duration
    return sum((duration for _, duration, _ in listed.parts), Fraction())
