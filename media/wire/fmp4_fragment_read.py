"""Reads CMAF fragments back: what their headers say of each sample, whoever packed them.

A fragment has one track and one run of samples (ISO 23000-19, 7.3.2). Tables are read as arrays at
once, since a day has millions of samples.
"""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

_U32 = Struct(">I")
_U64 = Struct(">Q")
_BOX_HEADER_BYTES = 8

# ISO 14496-12, 8.8.7: what a tfhd has besides its track, and how long it is.
_TFHD_OPTIONAL = ((0x1, 8), (0x2, 4))
_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x8, 0x10, 0x20
# 8.8.8: what a trun has before its samples, and of each of them.
_TRUN_DATA_OFFSET, _TRUN_FIRST_FLAGS = 0x1, 0x4
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_OFFSET = 0x100, 0x200, 0x400, 0x800
# 8.8.3.1: `sample_is_non_sync_sample`.
_NOT_SYNC = 0x10000

type Words = array[int]
"""Numbers of 32 bits, one for each sample."""


class MalformedFragment(ValueError):
    """These bytes are no fragment of one track."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof`, and where its samples' bytes are.

    Attributes:
        start: of the `moof`, from the beginning of what it was read from.
        payload: where its first sample's bytes begin; the others' follow without a hole.
        end: where the next fragment begins.
        dts: of the first sample, in the track's timescale.
        durations, sizes: of each sample; sizes in bytes.
        flags: of each sample; empty when all are the same, which is how sound is packed.
        offsets: pts - dts of each sample; empty when all are 0.
    """

    start: int
    payload: int
    end: int
    dts: int
    durations: Words
    sizes: Words
    flags: Words
    offsets: Words

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def payload_bytes(self) -> int:
        return sum(self.sizes)

    @property
    def begins_with_keyframe(self) -> bool:
        """Never of sound, where each sample stands alone."""
        return len(self.flags) > 0 and not self.flags[0] & _NOT_SYNC

    def keyframes(self) -> list[int]:
        """Which samples stand alone, where not all do."""
        return [at for at, flags in enumerate(self.flags) if not flags & _NOT_SYNC]


def fragments(segment: bytes) -> Iterator[Fragment]:
    """Those of a whole segment, in order.

    Raises:
        MalformedFragment: it is not made of fragments.
    """
    position = 0
    while position < len(segment):
        size = header_bytes(segment[position : position + HEADER_PROBE_BYTES])
        fragment = read_fragment(segment[position : position + size], position)
        if fragment.end > len(segment):
            raise MalformedFragment("a fragment is cut off")
        yield fragment
        position = fragment.end


HEADER_PROBE_BYTES = 8
"""What `header_bytes` needs."""


def header_bytes(first: bytes) -> int:
    """How much of a fragment has to be read for `read_fragment`, told by its first bytes.

    Raises:
        MalformedFragment: it begins with no `moof`.
    """
    if len(first) < HEADER_PROBE_BYTES or first[4:8] != b"moof":
        raise MalformedFragment("a fragment begins with a moof")
    return int(_U32.unpack_from(first)[0]) + _BOX_HEADER_BYTES


def read_fragment(header: bytes, start: int = 0) -> Fragment:
    """A fragment by its `moof` and the head of its `mdat`.

    Args:
        start: where the `moof` is in what it was read from.

    Raises:
        MalformedFragment: these bytes are none, or have several tracks or runs.
    """
    try:
        return _read(header, start)
    except (IndexError, ValueError, KeyError, OverflowError) as error:
        raise MalformedFragment(f"no fragment of one track: {error}") from None


def _read(header: bytes, start: int) -> Fragment:
    moof_bytes = _number(header, 0)
    if header[4:8] != b"moof" or header[moof_bytes + 4 : moof_bytes + 8] != b"mdat":
        raise ValueError("a moof and its mdat")
    parts = boxes_within(header, _BOX_HEADER_BYTES, moof_bytes)
    track = boxes_within(header, *parts[b"traf"])
    defaults = _Defaults.read(header, *track[b"tfhd"])
    run = _Run.read(header, *track[b"trun"], defaults)
    payload = run.data_offset
    fragment = Fragment(
        start=start,
        payload=start + payload,
        end=start + moof_bytes + _number(header, moof_bytes),
        dts=_decode_time(header, track[b"tfdt"][0]),
        durations=run.durations,
        sizes=run.sizes,
        flags=run.flags,
        offsets=run.offsets,
    )
    if payload < moof_bytes + _BOX_HEADER_BYTES:
        raise ValueError("samples are in the mdat")
    if fragment.payload + fragment.payload_bytes > fragment.end:
        raise ValueError("samples are longer than the mdat")
    return fragment


def boxes_within(content: bytes, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """Where the contents of the boxes between two places are, by kind.

    Raises:
        ValueError: sizes do not fit, or there are two of a kind.
    """
    found: dict[bytes, tuple[int, int]] = {}
    while start < end:
        size, kind = _number(content, start), content[start + 4 : start + 8]
        if size < _BOX_HEADER_BYTES or start + size > end or kind in found:
            raise ValueError(f"box {kind!r} at {start}")
        found[kind] = (start + _BOX_HEADER_BYTES, start + size)
        start += size
    return found


def _decode_time(content: bytes, start: int) -> int:
    """8.8.12: 32 or 64 bits, as its version says."""
    if content[start] == 0:
        return _number(content, start + 4)
    return int(_U64.unpack_from(content, start + 4)[0])


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What a tfhd says of all samples; None where it does not."""

    duration: int | None
    size: int | None
    flags: int | None

    @classmethod
    def read(cls, content: bytes, start: int, end: int) -> "_Defaults":
        present = _number(content, start) & 0xFFFFFF
        position = start + 8 + sum(size for flag, size in _TFHD_OPTIONAL if present & flag)
        values: list[int | None] = []
        for flag in (_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS):
            values.append(_number(content, position) if present & flag else None)
            position += 4 if present & flag else 0
        if position > end:
            raise ValueError("tfhd is cut off")
        return cls(*values)


@dataclass(frozen=True, slots=True)
class _Run:
    data_offset: int
    durations: Words
    sizes: Words
    flags: Words
    offsets: Words

    @classmethod
    def read(cls, content: bytes, start: int, end: int, defaults: _Defaults) -> "_Run":
        present, count = _number(content, start) & 0xFFFFFF, _number(content, start + 4)
        if not present & _TRUN_DATA_OFFSET or present & _TRUN_FIRST_FLAGS:
            raise ValueError("a run of another kind")
        fields = [
            flag
            for flag in (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_OFFSET)
            if present & flag
        ]
        table = _words(content[start + 12 : end])
        if len(table) != count * len(fields) or count == 0:
            raise ValueError(f"{count} samples of {len(fields)} fields")
        columns = {flag: table[at :: len(fields)] for at, flag in enumerate(fields)}
        return cls(
            data_offset=_number(content, start + 8),
            durations=_column(columns.get(_TRUN_DURATION), defaults.duration, count),
            sizes=_column(columns.get(_TRUN_SIZE), defaults.size, count),
            flags=columns.get(_TRUN_FLAGS, array("I")),
            offsets=array("i", columns.get(_TRUN_OFFSET, array("I")).tobytes()),
        )


def _column(column: Words | None, default: int | None, count: int) -> Words:
    if column is not None:
        return column
    if default is None:
        raise ValueError("samples without a duration or a size")
    return array("I", [default]) * count


def _words(content: bytes) -> Words:
    words = array("I", content)
    if sys.byteorder == "little":
        words.byteswap()
    return words


def _number(content: bytes, at: int) -> int:
    if at + 4 > len(content):
        raise ValueError("cut off")
    return int(_U32.unpack_from(content, at)[0])
