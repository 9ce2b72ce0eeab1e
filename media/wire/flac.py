"""FLAC: the STREAMINFO block, and how long a frame lasts (RFC 9639)."""

from media.units import MediaKind, Track
from media.wire.bits import BitReader, MalformedConfiguration

_MAGIC = b"fLaC"
_BLOCK_HEADER_BYTES = 4
_STREAMINFO_BYTES = 34
# 8.2: block sizes, frame sizes, eight bytes of format whose last 36 bits count samples, checksum.
_BLOCK_SIZES, _FORMAT = slice(0, 4), slice(10, 18)
_SAMPLE_COUNT_BITS = 36

_SYNC_MASK, _SYNC_CODE = 0xFFFE, 0xFFF8
_HEADER_BYTES_MIN = 6


def track_from_flac_configuration(config: bytes) -> Track:
    """The audio track that a STREAMINFO block describes.

    Its extradata leaves out what an encoder only knows at its end, so that a configuration that is
    sent again then is the same one.

    Args:
        config: the block alone, or behind its header, or as files begin: encoders differ.

    Raises:
        MalformedConfiguration: there is no such block.
    """
    block = _streaminfo(config)
    bits = BitReader(block[_FORMAT])
    sample_rate, channels = bits.read(20), bits.read(3) + 1
    if sample_rate == 0:
        raise MalformedConfiguration("the sample rate is 0")
    form = int.from_bytes(block[_FORMAT], "big") >> _SAMPLE_COUNT_BITS << _SAMPLE_COUNT_BITS
    return Track(
        kind=MediaKind.AUDIO,
        codec="fLaC",
        timescale=sample_rate,
        extradata=block[_BLOCK_SIZES] + bytes(6) + form.to_bytes(8, "big") + bytes(16),
        channels=channels,
        sample_rate=sample_rate,
    )


def _streaminfo(config: bytes) -> bytes:
    block = config[len(_MAGIC) :] if config.startswith(_MAGIC) else config
    if len(block) != _STREAMINFO_BYTES and block[:1] in (b"\0", b"\x80"):
        # 8.1: a block of type 0, which may be marked as the last one.
        block = block[_BLOCK_HEADER_BYTES : _BLOCK_HEADER_BYTES + _STREAMINFO_BYTES]
    if len(block) != _STREAMINFO_BYTES:
        raise MalformedConfiguration("not a FLAC STREAMINFO block")
    return bytes(block)


def frame_samples(data: bytes) -> int:
    """How many samples a frame lasts (9.1.1); 0 when this is not the start of one."""
    if len(data) < _HEADER_BYTES_MIN or int.from_bytes(data[:2], "big") & _SYNC_MASK != _SYNC_CODE:
        return 0
    code = data[2] >> 4
    if code >= 8:
        return 256 << (code - 8)
    if code >= 6:
        return _explicit_samples(data, code - 5)
    return (0, 192, 576, 1152, 2304, 4608)[code]


def _explicit_samples(data: bytes, size_bytes: int) -> int:
    """The block size behind the coded number (9.1.5), whose first byte says its length."""
    ones = 8 - (~data[4] & 0xFF).bit_length()
    start = 4 + max(1, ones)
    size = data[start : start + size_bytes]
    return int.from_bytes(size, "big") + 1 if len(size) == size_bytes else 0
