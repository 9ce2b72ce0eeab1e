"""Looks through the index of an MP4 before libav does.

libav makes 36 bytes of each sample that an index claims, and an index of 200 bytes can claim four
billion. Nor does it say that a file was cut off before its index, or that its media is elsewhere.
"""

import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from config.limits import (
    FILE_BOX_DEPTH_MAX,
    FILE_BOXES_MAX,
    FILE_BYTES_PER_BOX,
    FILE_EDITS_MAX,
    FILE_FRAGMENT_INDEX_BYTES_MAX,
    FILE_LISTED_STREAMS_MAX,
    FILE_PACKETS_MAX,
    FILE_TABLE_BYTES_MAX,
)
from media.file.iso_box import BOX_HEADER_BYTES, box_at
from media.file.refusal import RefusalCode, Refused

type Read = Callable[[int, int], bytes]
"""So many bytes from an offset on; fewer at the end."""

# libav follows boxes wherever they are, so all that it looks into are looked into here.
_CONTAINERS = frozenset(
    {
        b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta", b"mvex", b"moof",
        b"traf", b"wave", b"sinf", b"schi", b"tref", b"clip", b"gmhd", b"tapt", b"rmda",
    }
)  # fmt: skip
_TABLES = frozenset(
    {b"hdlr", b"elst", b"dref", b"stsd", b"stts", b"stsc", b"stsz", b"stz2", b"stco", b"co64"}
)
_MEDIA = (b"vide", b"soun")
_ENCRYPTED = frozenset({b"encv", b"enca", b"drms", b"drmi"})
_SELF_CONTAINED = 1  # ISO/IEC 14496-12, 8.7.2: the flag of a data reference
# libav lists blocks of so many samples of PCM instead of single ones.
_PCM_BLOCK_SAMPLES = 1_024


def check_movie(read: Read, size: int) -> None:
    """Look through a file of `size` bytes.

    Raises:
        Refused: it is cut off, protected or media is missing from it, or it claims too much.
    """
    movie = _Movie(read, FILE_BOXES_MAX + size // FILE_BYTES_PER_BOX)
    movie.walk(0, size)
    if not movie.found:
        raise Refused(RefusalCode.UNFINISHED)


@dataclass(frozen=True, slots=True)
class _Table:
    """A box of a track; numbers are those of its content."""

    content: bytes

    def number(self, at: int) -> int:
        return int.from_bytes(self.content[at : at + 4], "big")


@dataclass(slots=True)
class _Track:
    tables: dict[bytes, _Table] = field(default_factory=dict)

    def put(self, kind: bytes, content: bytes) -> None:
        if kind == b"hdlr" and content[8:12] not in _MEDIA:
            return  # QuickTime has a second one, for how its data is stored
        if kind in self.tables:
            raise Refused(RefusalCode.DAMAGED)
        self.tables[kind] = _Table(content)

    def check(self) -> int:
        """How many entries libav's index of it will have."""
        if self._number(b"elst", 4) > FILE_EDITS_MAX:
            raise Refused(RefusalCode.TOO_DEMANDING)
        if b"hdlr" in self.tables:
            if self._content(b"stsd")[12:16] in _ENCRYPTED:
                raise Refused(RefusalCode.ENCRYPTED)
            _check_references(self._content(b"dref"))
        if any(kind in self._content(b"stsd") for kind in (b"stsz", b"stz2", b"elst", b"dref")):
            raise Refused(RefusalCode.DAMAGED)
        return self._listed_samples()

    def _listed_samples(self) -> int:
        is_sound = self._content(b"hdlr")[8:12] == b"soun"
        if is_sound and self._number(b"stts", 4) == 1 and self._number(b"stts", 12) == 1:
            return self._listed_blocks()
        return self._number(b"stsz", 8) + self._number(b"stz2", 8)

    def _listed_blocks(self) -> int:
        chunks = self._number(b"stco", 4) + self._number(b"co64", 4)
        runs = self._number(b"stsc", 4)
        if runs * 12 > FILE_TABLE_BYTES_MAX:
            raise Refused(RefusalCode.TOO_DEMANDING)
        table = array("I", self._content(b"stsc")[8 : 8 + runs * 12].ljust(runs * 12, b"\0"))
        if sys.byteorder == "little":
            table.byteswap()
        firsts, sizes = table[::3], table[1::3]
        return sum(
            max(0, min(end, chunks + 1) - first) * (size // _PCM_BLOCK_SAMPLES + 1)
            for first, end, size in zip(firsts, [*firsts[1:], chunks + 1], sizes, strict=False)
        )

    def _content(self, kind: bytes) -> bytes:
        return self.tables[kind].content if kind in self.tables else b""

    def _number(self, kind: bytes, at: int) -> int:
        return self.tables[kind].number(at) if kind in self.tables else 0


@dataclass(slots=True)
class _Movie:
    read: Read
    boxes_left: int
    found: bool = False
    tracks: int = 0
    samples: int = 0

    def walk(self, start: int, end: int, depth: int = 0, track: _Track | None = None) -> None:
        """Look into the boxes between two places, as far as they make sense."""
        while start < end:
            box = box_at(self.read(start, BOX_HEADER_BYTES), start)
            self.boxes_left -= 1
            if box is None:
                return
            if self.boxes_left < 0:
                raise Refused(RefusalCode.TOO_DEMANDING)
            start = end if box.end is None else box.end
            if start > end and box.kind == b"moov":
                raise Refused(RefusalCode.UNFINISHED)
            self._look(box.kind, box.start, min(start, end), depth, track)

    def _look(self, kind: bytes, start: int, end: int, depth: int, track: _Track | None) -> None:
        if kind in _REFUSED:
            raise Refused(*_REFUSED[kind])
        if kind in _CONTAINERS and depth < FILE_BOX_DEPTH_MAX:
            self._enter(kind, start, end, depth, track)
        elif kind in _TABLES and track is not None:
            track.put(kind, self.read(start, min(end - start, _needed_bytes(kind))))
        elif kind == b"trun":
            self._count(int.from_bytes(self.read(start + 4, 4), "big"))

    def _enter(self, kind: bytes, start: int, end: int, depth: int, track: _Track | None) -> None:
        if kind == b"moof":
            self._enter_fragment(start, end)
            return
        self.found |= kind == b"moov"
        if kind != b"trak":
            self.walk(start, end, depth + 1, track)
            return
        self.tracks += 1
        if self.tracks > FILE_LISTED_STREAMS_MAX:
            raise Refused(RefusalCode.TOO_MANY_STREAMS, "more than 128")
        entered = _Track()
        self.walk(start, end, depth + 1, entered)
        self._count(entered.check())

    def _enter_fragment(self, start: int, end: int) -> None:
        """A day has 100,000 of them, so each is read at once."""
        if end - start > FILE_FRAGMENT_INDEX_BYTES_MAX:
            raise Refused(RefusalCode.TOO_DEMANDING)
        content = self.read(start, end - start)
        inside = _Movie(lambda at, count: content[at : at + count], self.boxes_left)
        inside.walk(0, len(content))
        self.boxes_left = inside.boxes_left
        self._count(inside.samples)

    def _count(self, samples: int) -> None:
        self.samples += samples
        if self.samples > FILE_PACKETS_MAX:
            raise Refused(RefusalCode.TOO_DEMANDING)


_REFUSED = {
    b"rmra": (RefusalCode.EXTERNAL_MEDIA, ""),
    b"cmov": (RefusalCode.UNSUPPORTED_CONTAINER, "QuickTime with a packed index"),
}


def _check_references(content: bytes) -> None:
    """libav follows aliases only; an address that is none may mean the file itself."""
    position = 8
    while (box := box_at(content[position : position + BOX_HEADER_BYTES], position)) is not None:
        end = len(content) if box.end is None else box.end
        flags = int.from_bytes(content[box.start : box.start + 4], "big")
        elsewhere = box.kind != b"url " or b"://" in content[box.start : end]
        if elsewhere and not flags & _SELF_CONTAINED:
            raise Refused(RefusalCode.EXTERNAL_MEDIA)
        position = end


def _needed_bytes(kind: bytes) -> int:
    """Of tables that grow with the film only the head is looked at."""
    return FILE_TABLE_BYTES_MAX + 8 if kind in (b"stsc", b"stsd", b"dref") else 16
