"""CMAF fragment: one `moof` and `mdat` of one track (ISO 23000-19, 7.3.2).

Times are absolute: `tfdt` is the first packet's own dts, and composition offsets are signed.
"""

from collections.abc import Sequence
from itertools import pairwise
from struct import Struct, pack

from media.units import Packet
from media.wire.fmp4_init import TRACK_ID

# ISO 14496-12, 8.8.3.1: depends on no other sample; depends on others and is no sync sample.
_SYNC = 0x02000000
_NOT_SYNC = 0x01010000

# 8.8.7: base is the moof; 0x20 default sample flags follow.
_TFHD_BASE_IS_MOOF = 0x020000
_TFHD_DEFAULT_FLAGS = 0x20
# 8.8.8: data offset, then per sample duration, size, flags, composition offset.
_TRUN_VIDEO = 0x000F01
_TRUN_AUDIO = 0x000301

_PREFIX = Struct(">I4sI4sIII4s")
_TFHD = Struct(">I4sIII")
_TFDT = Struct(">I4sIQ")
_TRUN = Struct(">I4sIIi")
_BOX_HEADER_BYTES = 8
_MFHD_BYTES = 16


def video_fragment(number: int, packets: Sequence[Packet], end_dts: int) -> bytes:
    """Pack packets in dts order; each lasts until the next one, the last until `end_dts`.

    Args:
        number: of the fragment in its track, from 1.
        packets: at least one; dts strictly rising.
        end_dts: where the last packet ends, in the track's timescale.
    """
    fields: list[int] = []
    for packet, duration in zip(packets, _durations(packets, end_dts), strict=True):
        flags = _SYNC if packet.keyframe else _NOT_SYNC
        offset = packet.pts - packet.dts & 0xFFFFFFFF
        fields += (duration, len(packet.data), flags, offset)
    return _fragment(number, packets, fields, _TRUN_VIDEO, _NOT_SYNC)


def audio_fragment(number: int, packets: Sequence[Packet], end_dts: int) -> bytes:
    """As `video_fragment`, for packets that all stand alone and are shown in coding order."""
    fields: list[int] = []
    for packet, duration in zip(packets, _durations(packets, end_dts), strict=True):
        fields += (duration, len(packet.data))
    return _fragment(number, packets, fields, _TRUN_AUDIO, _SYNC)


def _durations(packets: Sequence[Packet], end_dts: int) -> list[int]:
    times = [packet.dts for packet in packets]
    times.append(end_dts)
    return [later - earlier for earlier, later in pairwise(times)]


def _fragment(
    number: int,
    packets: Sequence[Packet],
    fields: list[int],
    trun_flags: int,
    default_flags: int,
) -> bytes:
    samples = pack(f">{len(fields)}I", *fields)
    trun_bytes = _TRUN.size + len(samples)
    traf_bytes = _BOX_HEADER_BYTES + _TFHD.size + _TFDT.size + trun_bytes
    moof_bytes = _BOX_HEADER_BYTES + _MFHD_BYTES + traf_bytes
    tfhd_flags = _TFHD_BASE_IS_MOOF | _TFHD_DEFAULT_FLAGS
    payload = [packet.data for packet in packets]
    mdat_bytes = _BOX_HEADER_BYTES + sum(map(len, payload))
    return b"".join(
        (
            _PREFIX.pack(moof_bytes, b"moof", _MFHD_BYTES, b"mfhd", 0, number, traf_bytes, b"traf"),
            _TFHD.pack(_TFHD.size, b"tfhd", tfhd_flags, TRACK_ID, default_flags),
            _TFDT.pack(_TFDT.size, b"tfdt", 1 << 24, packets[0].dts),
            _TRUN.pack(
                trun_bytes,
                b"trun",
                1 << 24 | trun_flags,
                len(packets),
                moof_bytes + _BOX_HEADER_BYTES,
            ),
            samples,
            pack(">I4s", mdat_bytes, b"mdat"),
            *payload,
        )
    )
