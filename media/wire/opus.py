"""Opus: its identification header, and how long a packet lasts."""

from media.units import MediaKind, Track
from media.wire.bits import MalformedConfiguration

_MAGIC = b"OpusHead"
_COMMENTS = b"OpusTags"
_HEADER_BYTES = 19
# RFC 7845, 5.1: the upper four bits of the version are the ones that change the layout.
_MAJOR_VERSION = 0xF0

SAMPLE_RATE = 48_000
"""Opus counts time in these, whatever was put in (RFC 7845, 4)."""
_PACKET_SAMPLES_MAX = SAMPLE_RATE * 120 // 1000  # RFC 6716, 3.4, R5

# RFC 6716, table 2: samples of a frame by the upper five bits of the TOC byte.
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_FRAME_SAMPLES = (*_SILK * 3, *_HYBRID * 2, *_CELT * 4)
# 3.2: how many frames by the lower two bits; 0 means that the next byte says it.
_FRAMES = (1, 2, 2, 0)


def is_comment_header(config: bytes) -> bool:
    """Whether this is the other of the two headers, which only names the encoder and the title."""
    return config.startswith(_COMMENTS)


def track_from_opus_header(config: bytes) -> Track:
    """The audio track that an identification header describes (RFC 7845, 5.1).

    Raises:
        MalformedConfiguration: it is none.
    """
    if len(config) < _HEADER_BYTES or not config.startswith(_MAGIC):
        raise MalformedConfiguration("not an Opus identification header")
    if config[8] & _MAJOR_VERSION or config[9] == 0:
        raise MalformedConfiguration("an Opus identification header of another kind")
    return Track(
        kind=MediaKind.AUDIO,
        codec="opus",
        timescale=SAMPLE_RATE,
        extradata=bytes(config),
        channels=config[9],
        sample_rate=SAMPLE_RATE,
    )


def packet_samples(data: bytes) -> int:
    """How many samples of 48 kHz a packet lasts (RFC 6716, 3.1 and 3.2); 0 when it says nonsense.

    Of several streams in a packet all last equally long, so the first one tells.
    """
    if not data:
        return 0
    count = _FRAMES[data[0] & 3] or int.from_bytes(data[1:2], "big") & 0x3F
    samples = count * _FRAME_SAMPLES[data[0] >> 3]
    return samples if samples <= _PACKET_SAMPLES_MAX else 0
