"""Reads as much of fragmented MP4 as rules need (ISO 14496-12); nothing here is the packager's."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import error, unpack_from

_CONTAINERS = frozenset(
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"sinf")
)
_NOT_SYNC = 0x10000
_HEADER_BYTES = 8
# Where the children of a sample entry begin (12.1.3, 12.2.3), behind its box header.
_ENTRY_BYTES = {b"vide": 78, b"soun": 28}


class Unreadable(Exception):
    """No MP4."""


@dataclass(frozen=True, slots=True)
class Init:
    """One track: `codec` as in RFC 6381, `default_*` of `trex`."""

    tracks: int
    handler: bytes
    timescale: int
    codec: str
    default_duration: int
    default_flags: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof`: its decode time, its samples' durations, whether the first is a keyframe."""

    decode_time: int
    durations: tuple[int, ...]
    sync_first: bool

    @property
    def end(self) -> int:
        return self.decode_time + sum(self.durations)


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Type, and where the payload begins and ends, of all boxes next to each other.

    Raises:
        Unreadable: what follows is no box.
    """
    end = len(data) if end is None else end
    while start < end:
        if end - start < _HEADER_BYTES:
            raise Unreadable(f"{end - start} bytes are left")
        size, name = unpack_from(">I4s", data, start)
        if size < _HEADER_BYTES or start + size > end:
            raise Unreadable(f"a box {name!r} of {size} bytes")
        yield name, start + _HEADER_BYTES, start + size
        start += size


def _all(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """All boxes in all containers."""
    for box in boxes(data, start, end):
        yield box
        if box[0] in _CONTAINERS:
            yield from _all(data, box[1], box[2])


def read_init(data: bytes) -> Init:
    """Raises: Unreadable."""
    try:
        return _init(data)
    except (error, KeyError) as reason:
        raise Unreadable(str(reason)) from reason


def _init(data: bytes) -> Init:
    found = {name: (start, end) for name, start, end in _all(data)}
    tracks = sum(name == b"trak" for name, _, _ in _all(data))
    start, _ = found[b"mdhd"]
    (timescale,) = unpack_from(">I", data, start + (20 if data[start] else 12))
    handler = data[found[b"hdlr"][0] + 8 : found[b"hdlr"][0] + 12]
    duration, _, flags = unpack_from(">III", data, found[b"trex"][0] + 12)
    codec = _codec(data, *found[b"stsd"], handler)
    return Init(tracks, handler, timescale, codec, duration, flags)


def _codec(data: bytes, start: int, end: int, handler: bytes) -> str:
    name, entry, entry_end = next(boxes(data, start + 8, end))
    children = {
        child: (at, until)
        for child, at, until in _all(data, entry + _ENTRY_BYTES[handler], entry_end)
    }
    if b"frma" in children:
        name = data[slice(*children[b"frma"])]
    if b"avcC" in children:
        at = children[b"avcC"][0]
        return f"{name.decode()}.{data[at + 1 : at + 4].hex()}"
    if b"esds" in children:
        at, until = children[b"esds"]
        # DecoderSpecificInfo (ISO 14496-1, 7.2.6.7): its first 5 bits are the object type.
        info = data.find(b"\x05", data.find(b"\x04", at + 4) + 15, until)
        while data[info + 1] & 0x80:
            info += 1
        return f"{name.decode()}.40.{data[info + 2] >> 3}"
    return name.decode()


def read_fragments(data: bytes, init: Init) -> list[Fragment]:
    """All fragments of a segment or part.

    Raises:
        Unreadable: it has none, or one without its times.
    """
    try:
        found = [
            _fragment(data, start, end, init) for name, start, end in boxes(data) if name == b"moof"
        ]
    except (error, KeyError) as reason:
        raise Unreadable(str(reason)) from reason
    if not found:
        raise Unreadable("no moof")
    return found


def _fragment(data: bytes, start: int, end: int, init: Init) -> Fragment:
    children = {name: at for name, at, _ in _all(data, start, end)}
    tfdt = children[b"tfdt"]
    (time,) = unpack_from(">Q" if data[tfdt] else ">I", data, tfdt + 4)
    duration, flags = _defaults(data, children[b"tfhd"], init)
    durations, first = _run(data, children[b"trun"], duration, flags)
    return Fragment(time, tuple(durations), not first & _NOT_SYNC)


def _defaults(data: bytes, at: int, init: Init) -> tuple[int, int]:
    """Duration and flags of `tfhd` (8.8.7), else those of `trex`."""
    (given,) = unpack_from(">I", data, at)
    position = at + 8 + 8 * (given & 1) + 2 * (given & 2)
    found = []
    for bit, otherwise in ((8, init.default_duration), (0x10, 0), (0x20, init.default_flags)):
        if given & bit:
            found.append(unpack_from(">I", data, position)[0])
            position += 4
        else:
            found.append(otherwise)
    return found[0], found[2]


def _run(data: bytes, at: int, duration: int, flags: int) -> tuple[list[int], int]:
    """Durations of all samples, and the flags of the first (8.8.8)."""
    given, count = unpack_from(">II", data, at)
    position = at + 8 + 4 * bool(given & 1)
    first = flags
    if given & 4:
        (first,) = unpack_from(">I", data, position)
        position += 4
    width = 4 * (given >> 8 & 0xF).bit_count()
    if given & 0x400:
        offset = 4 * (given >> 8 & 3).bit_count()
        (first,) = unpack_from(">I", data, position + offset)
    if given & 0x100:
        return [unpack_from(">I", data, position + width * i)[0] for i in range(count)], first
    return [duration] * count, first
