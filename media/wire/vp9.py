"""VP9: its configuration record, and what the header of a key frame says.

Sections without another name are those of the VP9 bitstream specification.
"""

from dataclasses import dataclass

from media.units import VIDEO_TIMESCALE, MediaKind, Track
from media.wire.bits import BitReader, MalformedConfiguration
from media.wire.sps import SIDE_PIXELS_MAX

# VP9 in ISOBMFF: the record within a vpcC box, which is a full box of version 1.
_BOX_HEADER = b"\1\0\0\0"
_RECORD_BYTES = 8
_LEVEL_UNKNOWN = 0
_LEVEL_LOWEST = 10

_FRAME_MARKER = 2
_SYNC_CODE = 0x498342
_SRGB = 7
_KEY_FRAME_HEADER_BYTES = 16
"""More than an uncompressed header has up to the frame's size (6.2)."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """What the uncompressed header of a key frame says; sizes in pixels."""

    profile: int
    bit_depth: int
    width: int
    height: int


def configuration_record(config: bytes) -> bytes:
    """The VPCodecConfigurationRecord in `config`, which some send with the header of its box.

    Raises:
        MalformedConfiguration: it ends early.
    """
    # Without that header this would be profile 1 with a bit depth of 0.
    record = config[len(_BOX_HEADER) :] if config.startswith(_BOX_HEADER) else config
    if len(record) < _RECORD_BYTES:
        raise MalformedConfiguration("not a VP9 configuration record")
    return bytes(record)


def track_from_vp9(record: bytes, frame: KeyFrame) -> Track:
    """The video track that a record and a key frame describe; the frame knows better."""
    level = record[1] if record[1] != _LEVEL_UNKNOWN else _LEVEL_LOWEST
    return Track(
        kind=MediaKind.VIDEO,
        codec=f"vp09.{frame.profile:02d}.{level:02d}.{frame.bit_depth:02d}",
        timescale=VIDEO_TIMESCALE,
        extradata=record,
        width=frame.width,
        height=frame.height,
    )


def parse_key_frame(data: bytes) -> KeyFrame | None:
    """Read the header of a key frame (6.2); None of any other frame, and of what is no frame."""
    try:
        return _read_key_frame(BitReader(bytes(data[:_KEY_FRAME_HEADER_BYTES])))
    except MalformedConfiguration:
        return None


def _read_key_frame(bits: BitReader) -> KeyFrame | None:
    if bits.read(2) != _FRAME_MARKER:
        return None
    profile = bits.read(1) | bits.read(1) << 1
    if profile == 3:
        bits.flag()
    is_repeat, is_inter = bits.flag(), bits.flag()
    bits.read(2)  # show_frame, error_resilient_mode
    if is_repeat or is_inter or bits.read(24) != _SYNC_CODE:
        return None
    bit_depth = 8 if profile < 2 else 12 if bits.flag() else 10
    if bits.read(3) != _SRGB:
        bits.read(4 if profile & 1 else 1)  # color_range, subsampling_x, _y, reserved_zero
    elif profile & 1:
        bits.flag()
    width, height = bits.read(16) + 1, bits.read(16) + 1
    return (
        KeyFrame(profile, bit_depth, width, height)
        if max(width, height) <= SIDE_PIXELS_MAX
        else None
    )
