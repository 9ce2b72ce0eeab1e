"""CMAF header: the init segment of one track (ISO 23000-19, 7.3.1).

There is no edit list: the packager's timeline is absolute, and `tfdt` in the fragments carries it.
"""

from struct import pack

from media.units import MediaKind, Track
from media.wire.fmp4_box import box, full_box
from media.wire.nal import (
    MalformedConfiguration,
    parse_avc_configuration,
    parse_sequence_parameter_set,
)

TRACK_ID = 1
_UNITY_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
# ISO 639-2 "und" in three packed 5-bit letters (ISO 14496-12, 8.4.2.3).
_LANGUAGE_UNDETERMINED = 0x55C4
_MOVIE_TIMESCALE = 1000
_SAMPLE_RATE_FIELD_MAX = 0xFFFF


class UnsupportedTrack(ValueError):
    """Only H.264 and AAC are packaged."""


def init_segment(track: Track) -> bytes:
    """`ftyp` and `moov` of a track whose samples come in fragments.

    Raises:
        UnsupportedTrack: the codec is neither H.264 nor AAC, or its configuration is missing.
    """
    if not track.extradata:
        raise UnsupportedTrack(f"{track.codec} without its decoder configuration")
    brands = b"iso6" + pack(">I", 0) + b"iso6cmfcmp41"
    return box(b"ftyp", brands) + box(
        b"moov",
        _movie_header(),
        box(b"trak", _track_header(track), _media(track)),
        box(b"mvex", full_box(b"trex", 0, 0, pack(">5I", TRACK_ID, 1, 0, 0, 0))),
    )


def _movie_header() -> bytes:
    return full_box(
        b"mvhd",
        0,
        0,
        pack(">IIII", 0, 0, _MOVIE_TIMESCALE, 0),
        pack(">IHHII", 0x10000, 0x100, 0, 0, 0),
        _UNITY_MATRIX,
        bytes(24),
        pack(">I", TRACK_ID + 1),
    )


def _track_header(track: Track) -> bytes:
    """8.3.2; the size is what is displayed, so the width follows the sample aspect ratio."""
    volume = 0x100 if track.kind is MediaKind.AUDIO else 0
    across, down = _sample_aspect_ratio(track)
    return full_box(
        b"tkhd",
        0,
        0x7,
        pack(">IIIII", 0, 0, TRACK_ID, 0, 0),
        bytes(8),
        pack(">HHHH", 0, 0, volume, 0),
        _UNITY_MATRIX,
        pack(">II", (track.width << 16) * across // down & 0xFFFFFFFF, track.height << 16),
    )


def _media(track: Track) -> bytes:
    video = track.kind is MediaKind.VIDEO
    handler, name = (b"vide", b"VideoHandler\0") if video else (b"soun", b"SoundHandler\0")
    media_header = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    header = pack(">IIIIHH", 0, 0, track.timescale, 0, _LANGUAGE_UNDETERMINED, 0)
    return box(
        b"mdia",
        full_box(b"mdhd", 0, 0, header),
        full_box(b"hdlr", 0, 0, pack(">I4s", 0, handler), bytes(12), name),
        box(b"minf", media_header, _data_information(), _sample_table(track)),
    )


def _data_information() -> bytes:
    same_file = full_box(b"url ", 0, 1)
    return box(b"dinf", full_box(b"dref", 0, 0, pack(">I", 1), same_file))


def _sample_table(track: Track) -> bytes:
    """All tables are empty: samples are in fragments."""
    none = bytes(4)
    return box(
        b"stbl",
        full_box(b"stsd", 0, 0, pack(">I", 1), _sample_entry(track)),
        full_box(b"stts", 0, 0, none),
        full_box(b"stsc", 0, 0, none),
        full_box(b"stsz", 0, 0, none, none),
        full_box(b"stco", 0, 0, none),
    )


def _sample_entry(track: Track) -> bytes:
    if track.codec.startswith("avc1."):
        return _avc_entry(track)
    if track.codec.startswith("mp4a.40."):
        return _aac_entry(track)
    raise UnsupportedTrack(f"cannot package {track.codec}")


def _avc_entry(track: Track) -> bytes:
    """ISO 14496-15, 5.4.2; colour stays in the SPS alone, where decoders look first."""
    across, down = _sample_aspect_ratio(track)
    aspect = box(b"pasp", pack(">II", across, down)) if across != down else b""
    return box(
        b"avc1",
        bytes(6),
        pack(">H", 1),
        bytes(16),
        pack(">HHIIIH", track.width, track.height, 0x480000, 0x480000, 0, 1),
        bytes(32),
        pack(">Hh", 24, -1),
        box(b"avcC", track.extradata),
        aspect,
    )


def _sample_aspect_ratio(track: Track) -> tuple[int, int]:
    """(1, 1) also when the configuration does not say: that is what a player assumes."""
    if not track.codec.startswith("avc1."):
        return 1, 1
    try:
        sets = parse_avc_configuration(track.extradata).sequence_sets
        return parse_sequence_parameter_set(sets[0]).sample_aspect_ratio
    except MalformedConfiguration as problem:
        raise UnsupportedTrack(f"{track.codec} with a broken decoder configuration") from problem


def _aac_entry(track: Track) -> bytes:
    """ISO 14496-14, 5.6; a rate that does not fit its 16 bits is 0, the configuration has it."""
    rate = track.sample_rate if track.sample_rate <= _SAMPLE_RATE_FIELD_MAX else 0
    return box(
        b"mp4a",
        bytes(6),
        pack(">H", 1),
        bytes(8),
        pack(">HHHHI", track.channels, 16, 0, 0, rate << 16),
        full_box(b"esds", 0, 0, _elementary_stream(track.extradata)),
    )


def _elementary_stream(config: bytes) -> bytes:
    """ES_Descriptor (ISO 14496-1, 7.2.6.5): MPEG-4 audio, audio stream, rates left open."""
    decoder = b"\x40\x15" + bytes(11) + _descriptor(5, config)
    return _descriptor(3, b"\0\1\0" + _descriptor(4, decoder) + _descriptor(6, b"\2"))


def _descriptor(tag: int, content: bytes) -> bytes:
    """ISO 14496-1, 8.3.3: sizes in groups of seven bits, all but the last marked."""
    size = len(content)
    groups = [size & 0x7F]
    while size := size >> 7:
        groups.append(size & 0x7F | 0x80)
    return bytes((tag, *reversed(groups))) + content
