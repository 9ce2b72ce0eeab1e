"""Reads playlists into values, and says what is wrong with them as texts."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tests.hls_validator.lines import Line, read_lines
from tests.hls_validator.playlist import (
    Control,
    Entry,
    Hint,
    Key,
    Map,
    MediaPlaylist,
    Multivariant,
    Part,
    Report,
    Segment,
)
from tests.hls_validator.rule import Rule, Violation

# Section 8: the version from which on a tag may be used.
_VERSIONS = {
    "EXT-X-BYTERANGE": 4,
    "EXT-X-I-FRAMES-ONLY": 4,
    "EXT-X-MAP": 6,
    "EXT-X-GAP": 8,
    "EXT-X-SKIP": 9,
}
_VERSION_OF_KEY_FORMAT, _VERSION_OF_IV, _VERSION_OF_FRACTION = 5, 2, 3


def read_media_playlist(text: str, where: str) -> tuple[MediaPlaylist, list[Violation]]:
    lines, broken = read_lines(text, where)
    reader = _Reader(where, broken)
    for line in lines:
        if line.sound:
            reader.take(line)
    _check_version(lines, where, broken)
    return reader.playlist(), broken


def read_multivariant(text: str, where: str) -> tuple[Multivariant, list[Violation]]:
    lines, broken = read_lines(text, where)
    version = next((int(line.value) for line in lines if line.tag == "EXT-X-VERSION"), 1)
    found = Multivariant(version, any(x.tag == "EXT-X-INDEPENDENT-SEGMENTS" for x in lines))
    for line, following in zip(lines, [*lines[1:], Line("end", "")], strict=True):
        attributes = dict(line.attributes)
        if line.tag == "EXT-X-MEDIA":
            found.media.append(Entry(attributes, line.string("URI")))
        elif line.tag == "EXT-X-I-FRAME-STREAM-INF":
            found.iframes.append(Entry(attributes, line.string("URI")))
        elif line.tag == "EXT-X-STREAM-INF":
            uri = "" if following.tag else following.value
            found.variants.append(Entry(attributes, uri))
    return found, broken


def _check_version(lines: list[Line], where: str, broken: list[Violation]) -> None:
    version = next((int(x.value) for x in lines if x.tag == "EXT-X-VERSION" and x.sound), 1)
    needed = {_VERSIONS.get(line.tag, 1): line.tag for line in lines}
    for line in lines:
        if "KEYFORMAT" in line.attributes:
            needed[_VERSION_OF_KEY_FORMAT] = "KEYFORMAT"
        if "IV" in line.attributes:
            needed[_VERSION_OF_IV] = "IV"
        if line.tag == "EXTINF" and "." in line.value:
            needed[_VERSION_OF_FRACTION] = "EXTINF with a fraction"
    highest = max(needed, default=1)
    if highest > version:
        broken.append(Rule.VERSION.broken(where, f"{needed[highest]} in version {version}"))


@dataclass
class _Pending:
    """What was said of the segment that is still to be named."""

    duration: Decimal | None = None
    discontinuity: bool = False
    gap: bool = False
    date: datetime | None = None
    byte_range: str = ""
    parts: list[Part] = field(default_factory=list)
    tags_late: bool = False

    def told(self) -> None:
        """A tag has come that has to be before all parts."""
        self.tags_late |= bool(self.parts)


class _Reader:
    def __init__(self, where: str, broken: list[Violation]) -> None:
        self._where = where
        self._broken = broken
        self._numbers = {"EXT-X-VERSION": 1}
        self._type = ""
        self._flags: set[str] = set()
        self._start: Decimal | None = None
        self._control = Control()
        self._part_target: Decimal | None = None
        self._skipped = 0
        self._segments: list[Segment] = []
        self._hints: list[Hint] = []
        self._reports: list[Report] = []
        self._pending = _Pending()
        self._discontinuities = 0
        self._map: Map | None = None
        self._key: Key | None = None

    def take(self, line: Line) -> None:
        take = {
            "": self._uri,
            "EXTINF": self._extinf,
            "EXT-X-DISCONTINUITY-SEQUENCE": self._sequence,
            "EXT-X-MEDIA-SEQUENCE": self._sequence,
            "EXT-X-DISCONTINUITY": self._discontinuity,
            "EXT-X-GAP": self._gap,
            "EXT-X-PROGRAM-DATE-TIME": self._date,
            "EXT-X-MAP": self._take_map,
            "EXT-X-KEY": self._take_key,
            "EXT-X-BYTERANGE": self._byte_range,
            "EXT-X-PART": self._part,
        }.get(line.tag, self._whole)
        take(line)

    def playlist(self) -> MediaPlaylist:
        return MediaPlaylist(
            version=self._numbers["EXT-X-VERSION"],
            target_duration=self._numbers.get("EXT-X-TARGETDURATION", 0),
            media_sequence=self._numbers.get("EXT-X-MEDIA-SEQUENCE", 0),
            type=self._type,
            ended="EXT-X-ENDLIST" in self._flags,
            iframes_only="EXT-X-I-FRAMES-ONLY" in self._flags,
            independent="EXT-X-INDEPENDENT-SEGMENTS" in self._flags,
            start=self._start,
            control=self._control,
            part_target=self._part_target,
            skipped=self._skipped,
            segments=tuple(self._segments),
            parts=tuple(self._pending.parts),
            hints=tuple(self._hints),
            reports=tuple(self._reports),
        )

    def _whole(self, line: Line) -> None:
        """Tags of the playlist as a whole."""
        match line.tag:
            case "EXT-X-VERSION" | "EXT-X-TARGETDURATION":
                self._numbers[line.tag] = int(line.value)
            case "EXT-X-PLAYLIST-TYPE":
                self._type = line.value
            case "EXT-X-START":
                self._start = Decimal(line.attributes["TIME-OFFSET"])
            case "EXT-X-PART-INF":
                self._part_target = Decimal(line.attributes["PART-TARGET"])
            case "EXT-X-SERVER-CONTROL":
                self._control = _control(line)
            case "EXT-X-SKIP":
                self._skipped = int(line.attributes["SKIPPED-SEGMENTS"])
            case "EXT-X-PRELOAD-HINT":
                self._hints.append(Hint(line.attributes["TYPE"], line.string("URI")))
            case "EXT-X-RENDITION-REPORT":
                self._reports.append(_report(line))
            case _:
                self._flags.add(line.tag)

    def _sequence(self, line: Line) -> None:
        if self._segments:
            self._broken.append(Rule.TAG_ORDER.broken(self._where, line.tag))
        self._numbers[line.tag] = int(line.value)
        if line.tag == "EXT-X-DISCONTINUITY-SEQUENCE":
            self._discontinuities = int(line.value)

    def _extinf(self, line: Line) -> None:
        self._pending.duration = Decimal(line.value.partition(",")[0])

    def _discontinuity(self, line: Line) -> None:
        self._pending.told()
        self._pending.discontinuity = True

    def _gap(self, line: Line) -> None:
        self._pending.gap = True

    def _date(self, line: Line) -> None:
        self._pending.told()
        self._pending.date = datetime.fromisoformat(line.value)

    def _byte_range(self, line: Line) -> None:
        self._pending.byte_range = line.value

    def _take_map(self, line: Line) -> None:
        self._pending.told()
        self._map = Map(line.string("URI"), self._key)

    def _take_key(self, line: Line) -> None:
        self._pending.told()
        method, uri = line.attributes["METHOD"], line.string("URI")
        if (method == "NONE") == bool(uri):
            self._broken.append(Rule.KEY_COMPLETE.broken(self._where, line.value))
        known = line.string("KEYFORMAT") or "identity"
        key = Key(method, uri, line.attributes.get("IV"), known)
        self._key = None if method == "NONE" else key

    def _part(self, line: Line) -> None:
        attributes = line.attributes
        self._pending.parts.append(
            Part(
                line.string("URI"),
                Decimal(attributes["DURATION"]),
                independent="INDEPENDENT" in attributes,
                gap="GAP" in attributes,
            )
        )

    def _uri(self, line: Line) -> None:
        pending, self._pending = self._pending, _Pending()
        if pending.duration is None:
            self._broken.append(Rule.EXTINF_REQUIRED.broken(self._where, line.value))
        self._discontinuities += pending.discontinuity
        first = self._numbers.get("EXT-X-MEDIA-SEQUENCE", 0) + self._skipped
        self._segments.append(
            Segment(
                sequence=first + len(self._segments),
                uri=line.value,
                duration=pending.duration or Decimal(0),
                discontinuity=pending.discontinuity,
                discontinuities=self._discontinuities,
                gap=pending.gap,
                date=pending.date,
                map=self._map,
                key=self._key,
                byte_range=pending.byte_range,
                parts=tuple(pending.parts),
                tags_late=pending.tags_late,
            )
        )


def _control(line: Line) -> Control:
    def seconds(name: str) -> Decimal | None:
        return Decimal(line.attributes[name]) if name in line.attributes else None

    return Control(
        can_skip_until=seconds("CAN-SKIP-UNTIL"),
        hold_back=seconds("HOLD-BACK"),
        part_hold_back=seconds("PART-HOLD-BACK"),
        can_block="CAN-BLOCK-RELOAD" in line.attributes,
    )


def _report(line: Line) -> Report:
    part = line.attributes.get("LAST-PART")
    return Report(
        line.string("URI"),
        int(line.attributes["LAST-MSN"]),
        None if part is None else int(part),
    )
