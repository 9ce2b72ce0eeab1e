"""Lines of a playlist as tags and URIs, with what can be said of each line alone."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.hls_validator import attributes
from tests.hls_validator.rule import Rule, Violation

_NUMBERS = {
    "EXT-X-VERSION": re.compile(r"\d+"),
    "EXT-X-TARGETDURATION": re.compile(r"\d+"),
    "EXT-X-MEDIA-SEQUENCE": re.compile(r"\d+"),
    "EXT-X-DISCONTINUITY-SEQUENCE": re.compile(r"\d+"),
    "EXT-X-BITRATE": re.compile(r"\d+"),
    "EXTINF": re.compile(r"\d+(\.\d+)?,.*"),
    "EXT-X-PLAYLIST-TYPE": re.compile(r"EVENT|VOD"),
    "EXT-X-BYTERANGE": re.compile(r"\d+(@\d+)?"),
    "EXT-X-PROGRAM-DATE-TIME": re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"
    ),
}
_BARE = frozenset(
    (
        *("EXTM3U", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-ENDLIST", "EXT-X-I-FRAMES-ONLY"),
        *("EXT-X-DISCONTINUITY", "EXT-X-GAP"),
    )
)
_MULTIVARIANT = frozenset(
    (
        *("EXT-X-MEDIA", "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF"),
        *("EXT-X-SESSION-KEY", "EXT-X-SESSION-DATA", "EXT-X-CONTENT-STEERING"),
    )
)
_EITHER = frozenset(("EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-START"))
_ONCE = frozenset(
    (
        *("EXTM3U", "EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE"),
        *("EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-PLAYLIST-TYPE", "EXT-X-ENDLIST"),
        *("EXT-X-PART-INF", "EXT-X-SERVER-CONTROL", "EXT-X-START", "EXT-X-SKIP"),
        *("EXT-X-I-FRAMES-ONLY", "EXT-X-INDEPENDENT-SEGMENTS"),
    )
)
_KNOWN = {*_NUMBERS, *_BARE, *attributes.FORMS, "EXT-X-SESSION-DATA", "EXT-X-CONTENT-STEERING"}


@dataclass(frozen=True, slots=True)
class Line:
    """A tag, or a URI when `tag` is empty.

    Attributes:
        value: behind the colon, or the URI.
        attributes: of a tag that has some.
        sound: whether the value is what such a tag has.
    """

    tag: str
    value: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sound: bool = True

    def string(self, name: str) -> str:
        return self.attributes.get(name, "").strip('"')


def is_multivariant(text: str) -> bool:
    return "#EXT-X-STREAM-INF" in text or "#EXT-X-I-FRAME-STREAM-INF" in text


def read_lines(text: str, where: str) -> tuple[list[Line], list[Violation]]:
    """All tags and URIs; comments and empty lines are left out."""
    broken: list[Violation] = []
    rows = text.split("\n")
    if rows[0].rstrip("\r") != "#EXTM3U":
        broken.append(Rule.FIRST_LINE.broken(where, rows[0][:40]))
    found: list[Line] = []
    for row in (row.rstrip("\r") for row in rows):
        if row.startswith("#EXT"):
            line, complaints = _tag(row, where)
            broken += complaints
            found.append(line)
        elif row and not row.startswith("#"):
            found.append(Line("", row))
    broken += _counted(found, where, multivariant=is_multivariant(text))
    return found, broken


def _tag(row: str, where: str) -> tuple[Line, list[Violation]]:
    name, _, value = row[1:].partition(":")
    if name not in _KNOWN:
        return Line(name, value, sound=False), [Rule.TAG_KNOWN.broken(where, name)]
    if name in _NUMBERS and not _NUMBERS[name].fullmatch(value):
        return Line(name, value, sound=False), [Rule.NUMBER.broken(where, row[:80])]
    if name not in attributes.FORMS:
        return Line(name, value), []
    found = attributes.read(value)
    if found is None:
        broken = Rule.ATTRIBUTE_SYNTAX.broken(where, row[:120])
        return Line(name, value, sound=False), [broken]
    complaints = list(attributes.check(name, found, where))
    return Line(name, value, found, sound=not complaints), complaints


def _counted(lines: list[Line], where: str, *, multivariant: bool) -> Iterator[Violation]:
    counts = Counter(line.tag for line in lines)
    for tag in _ONCE:
        if counts[tag] > 1:
            yield Rule.TAG_ONCE.broken(where, f"{counts[tag]} of {tag}")
    if not multivariant and not counts["EXT-X-TARGETDURATION"]:
        yield Rule.TAG_REQUIRED.broken(where, "no EXT-X-TARGETDURATION")
    for tag in counts.keys() - {""} - _EITHER:
        if tag in _KNOWN and (tag in _MULTIVARIANT) != multivariant:
            yield Rule.TAG_KIND.broken(where, tag)
