"""Segments by Common Encryption: their samples are encrypted, and boxes tell where."""

from collections.abc import Callable, Sequence
from struct import Struct, pack

from media.wire.fmp4_box import box, full_box
from media.wire.fmp4_read import MalformedBoxes, PlacedBox, boxes, find_box
from media.wire.h264_slice import SliceHeaders
from media.wire.nal import parse_avc_configuration
from packager.hls.cbcs_sample import SampleKey, Subsample, protect_audio, protect_video

# ISO 14496-12, 8.8.8: version and flags, number of samples, data offset.
_TRUN = Struct(">IIi")
_TRUN_DATA_OFFSET = 0x1
_TRUN_SIZES = 0x200
# A first field before the samples, and their fields, by flag.
_TRUN_FIRST_FLAGS = 0x4
_TRUN_FIELDS = (0x100, 0x200, 0x400, 0x800)
# ISO 23001-7, 7.2: `senc` lists subsamples.
_SENC_SUBSAMPLES = 0x2
_FULL_BOX_BYTES = 12
_BOX_BYTES = 8
# In an `avc1` entry (ISO 14496-15, 5.4.2): its fields come before its boxes.
_AVC_ENTRY_BYTES = 78
_INFORMATION_BYTES_MAX = 0xFF

type Pieces = list[bytes | memoryview]
type Protect = Callable[[memoryview], tuple[Pieces, list[Subsample] | None]]


def protect_segment(segment: bytes, init: bytes, key: SampleKey) -> bytes:
    """A segment whose samples are encrypted, in as many fragments as it has.

    Args:
        init: the init segment of the track, in clear.

    Raises:
        MalformedBoxes: it is not as we write them.
        MalformedConfiguration: the decoder's configuration cannot be read.
    """
    protect = _protection(init, key)
    view = memoryview(segment)
    pieces: Pieces = []
    movie: PlacedBox | None = None
    for each in boxes(view):
        if each.kind == b"moof":
            movie = each
        elif each.kind == b"mdat" and movie is not None:
            pieces += _fragment(view, movie, each, protect)
            movie = None
        else:
            pieces.append(view[each.start : each.end])
    return b"".join(pieces)


def _protection(init: bytes, key: SampleKey) -> Protect:
    description = find_box(init, None, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(boxes(init, description.content + _BOX_BYTES, description.end))
    if entry.kind != b"avc1":
        return lambda sample: (protect_audio(key, sample), None)
    inside = boxes(init, entry.content + _AVC_ENTRY_BYTES, entry.end)
    record = next((each for each in inside if each.kind == b"avcC"), None)
    if record is None:
        raise MalformedBoxes("there is no decoder configuration")
    headers = SliceHeaders(parse_avc_configuration(init[record.content : record.end]))
    return lambda sample: protect_video(key, headers, sample)


def _fragment(view: memoryview, movie: PlacedBox, data: PlacedBox, protect: Protect) -> Pieces:
    track = find_box(view, movie, b"traf")
    run = find_box(view, track, b"trun")
    offset, sizes = _samples(view, run)
    position = movie.start + offset
    pieces: Pieces = [view[data.content : position]]
    informations: list[list[Subsample]] = []
    for size in sizes:
        if position + size > data.end:
            raise MalformedBoxes("a sample is cut off")
        sample, subsamples = protect(view[position : position + size])
        pieces += sample
        if subsamples is not None:
            informations.append(subsamples)
        position += size
    pieces.append(view[position : data.end])
    header = _movie_fragment(view, movie, track, run, informations)
    return [header, view[data.start : data.content], *pieces]


def _samples(view: memoryview, run: PlacedBox) -> tuple[int, list[int]]:
    """Where the samples begin, counted from their `moof`, and their sizes."""
    flags, count, offset = _TRUN.unpack_from(view, run.content)
    if not (flags & _TRUN_DATA_OFFSET and flags & _TRUN_SIZES):
        raise MalformedBoxes("the samples of a run have no offset or no sizes")
    first = run.content + _TRUN.size + (4 if flags & _TRUN_FIRST_FLAGS else 0)
    fields = [field for field in _TRUN_FIELDS if flags & field]
    if first + 4 * len(fields) * count > run.end:
        raise MalformedBoxes("a run is cut off")
    values = view[first : first + 4 * len(fields) * count]
    numbers = Struct(f">{len(fields) * count}I").unpack(values)
    return offset, list(numbers[fields.index(_TRUN_SIZES) :: len(fields)])


def _movie_fragment(
    view: memoryview,
    movie: PlacedBox,
    track: PlacedBox,
    run: PlacedBox,
    informations: Sequence[list[Subsample]],
) -> bytes:
    """`moof` with what the samples' subsamples are, if they have any; its data comes later then."""
    before_track = bytes(view[movie.content : track.start])
    in_track = [view[each.start : each.end] for each in boxes(view, track.content, track.end)]
    auxiliary_at = _BOX_BYTES + len(before_track) + _BOX_BYTES + sum(map(len, in_track))
    auxiliary = _auxiliary(auxiliary_at, informations) if informations else b""
    content = b"".join((*in_track, auxiliary))
    after_track = bytes(view[track.end : movie.end])
    whole = bytearray(box(b"moof", before_track, box(b"traf", content), after_track))
    field = run.content - movie.start + _TRUN.size - 4
    (offset,) = Struct(">i").unpack_from(whole, field)
    whole[field : field + 4] = pack(">i", offset + len(auxiliary))
    return bytes(whole)


def _auxiliary(offset: int, informations: Sequence[list[Subsample]]) -> bytes:
    """`saiz`, `saio` (ISO 14496-12, 8.7.8 and 8.7.9) and `senc`, `offset` bytes after `moof`."""
    entries = [
        pack(">H", len(each)) + b"".join(pack(">HI", *subsample) for subsample in each)
        for each in informations
    ]
    if max(map(len, entries)) > _INFORMATION_BYTES_MAX:
        raise MalformedBoxes("a sample has too many subsamples")
    count = pack(">I", len(entries))
    sizes = full_box(b"saiz", 0, 0, b"\0", count, bytes(map(len, entries)))
    offsets_bytes = _FULL_BOX_BYTES + 8
    first = offset + len(sizes) + offsets_bytes + _FULL_BOX_BYTES + len(count)
    offsets = full_box(b"saio", 0, 0, pack(">II", 1, first))
    return sizes + offsets + full_box(b"senc", 0, _SENC_SUBSAMPLES, count, *entries)
