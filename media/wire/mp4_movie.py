"""Everything of a progressive MP4 but its media data: made of init segments and sample tables.

The index stands in front of the data, so that a player can begin, and seek, before it has all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack

from media.wire.fmp4_box import box, full_box
from media.wire.fmp4_fragment_read import boxes_within
from media.wire.mp4_samples import SampleTable

# Of the movie as a whole; a tick is exact for pictures, and 11 microseconds are not heard.
_TIMESCALE = 90_000
_UNITY_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_MDAT_32_MAX = 0xFFFFFFFF


class MalformedInit(ValueError):
    """These bytes are no init segment of one track."""


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """What an init segment says of its track, in parts that an MP4 takes as they are.

    Attributes:
        timescale: ticks a second.
        language: 16 bits (ISO 14496-12, 8.4.2.3).
        volume, size: as `tkhd` has them (8.3.2).
        handler, media_header, sample_entry: whole boxes; the last one decides whether samples of
            two init segments can follow each other.
        is_video: rather than sound.
    """

    timescale: int
    language: int
    volume: int
    size: bytes
    handler: bytes
    media_header: bytes
    data_information: bytes
    sample_entry: bytes
    is_video: bool


def read_track_header(init: bytes) -> TrackHeader:
    """Raises: MalformedInit."""
    try:
        return _read_track_header(init)
    except (KeyError, ValueError, IndexError) as error:
        raise MalformedInit(f"no init segment: {error}") from None


def _read_track_header(init: bytes) -> TrackHeader:
    movie = boxes_within(init, *boxes_within(init, 0, len(init))[b"moov"])
    track = boxes_within(init, *movie[b"trak"])
    media = boxes_within(init, *track[b"mdia"])
    information = boxes_within(init, *media[b"minf"])
    table = boxes_within(init, *information[b"stbl"])
    tkhd, mdhd = init[slice(*track[b"tkhd"])], init[slice(*media[b"mdhd"])]
    if len(tkhd) != 84 or len(mdhd) != 24 or tkhd[0] or mdhd[0]:
        raise ValueError("headers of another version")
    is_video = b"vmhd" in information
    return TrackHeader(
        timescale=int.from_bytes(mdhd[12:16], "big"),
        language=int.from_bytes(mdhd[20:22], "big"),
        volume=int.from_bytes(tkhd[36:38], "big"),
        size=tkhd[76:84],
        handler=_whole(init, media[b"hdlr"]),
        media_header=_whole(init, information[b"vmhd" if is_video else b"smhd"]),
        data_information=_whole(init, information[b"dinf"]),
        sample_entry=_whole(init, table[b"stsd"]),
        is_video=is_video,
    )


def _whole(content: bytes, place: tuple[int, int]) -> bytes:
    """A box with its header."""
    return content[place[0] - 8 : place[1]]


@dataclass(frozen=True, slots=True)
class MovieTrack:
    """A track and its samples; time 0 of the table is time 0 of the movie."""

    header: TrackHeader
    samples: SampleTable

    @property
    def delay(self) -> int:
        """When the first sample is decoded, in movie ticks; negative when something is before 0."""
        return self._movie_ticks(self.samples.start or 0)

    @property
    def shown(self) -> int:
        """How long it is played, in movie ticks, counted from 0 or from its later beginning."""
        return self._movie_ticks(self.samples.end - max(0, self.samples.start or 0))

    def _movie_ticks(self, ticks: int) -> int:
        return -(-ticks * _TIMESCALE // self.header.timescale)


def movie_head(tracks: Sequence[MovieTrack], data_bytes: int) -> bytes:
    """What comes before the media data: `ftyp`, `moov` and the header of `mdat`.

    The same arguments make the same bytes, whenever they are made.
    """
    ftyp = box(b"ftyp", b"isom", pack(">I", 0x200), b"isomiso2avc1mp41")
    # Only the size of offsets depends on the size of the index, and both are known early.
    mdat = _mdat_header(data_bytes)
    length = len(ftyp) + len(_moov(tracks, data_bytes)) + len(mdat)
    moov = _moov(tracks, length)
    if len(ftyp) + len(moov) + len(mdat) != length:
        # The index itself has pushed offsets over 32 bits.
        length = len(ftyp) + len(moov) + len(mdat)
        moov = _moov(tracks, length)
    return ftyp + moov + mdat


def _mdat_header(data_bytes: int) -> bytes:
    if data_bytes + 8 <= _MDAT_32_MAX:
        return pack(">I4s", data_bytes + 8, b"mdat")
    return pack(">I4sQ", 1, b"mdat", data_bytes + 16)


def _moov(tracks: Sequence[MovieTrack], data_offset: int) -> bytes:
    duration = max(max(0, each.delay) + each.shown for each in tracks)
    header = full_box(
        b"mvhd",
        1,
        0,
        pack(">QQIQ", 0, 0, _TIMESCALE, duration),
        pack(">IHHII", 0x10000, 0x100, 0, 0, 0),
        _UNITY_MATRIX,
        bytes(24),
        pack(">I", len(tracks) + 1),
    )
    traks = [_trak(number, each, data_offset) for number, each in enumerate(tracks, 1)]
    return box(b"moov", header, *traks)


def _trak(number: int, track: MovieTrack, data_offset: int) -> bytes:
    header = track.header
    tkhd = full_box(
        b"tkhd",
        1,
        0x7,
        pack(">QQIIQ", 0, 0, number, 0, max(0, track.delay) + track.shown),
        bytes(8),
        pack(">HHHH", 0, 0, header.volume, 0),
        _UNITY_MATRIX,
        header.size,
    )
    mdhd = full_box(
        b"mdhd",
        1,
        0,
        pack(">QQIQHH", 0, 0, header.timescale, track.samples.duration, header.language, 0),
    )
    table = box(b"stbl", header.sample_entry, track.samples.boxes(data_offset))
    information = box(b"minf", header.media_header, header.data_information, table)
    return box(b"trak", tkhd, _edits(track), box(b"mdia", mdhd, header.handler, information))


def _edits(track: MovieTrack) -> bytes:
    """8.6.6: what makes pictures and sound begin together, each from its own first moment.

    A picture is decoded before it is shown, and a block of sound rarely begins where a picture
    does: what is before time 0 is left out, and a later beginning is waited for.
    """
    start = track.samples.start or 0
    if start == 0:
        return b""
    entries = [pack(">QqHh", track.shown, max(0, -start), 1, 0)]
    if start > 0:
        entries.insert(0, pack(">QqHh", track.delay, -1, 1, 0))
    elst = full_box(b"elst", 1, 0, pack(">I", len(entries)), *entries)
    return box(b"edts", elst)
