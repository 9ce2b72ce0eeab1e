"""AC-3 and E-AC-3: what the headers of their frames say (ETSI TS 102 366)."""

from dataclasses import dataclass

from media.units import Coding, MediaKind, Track
from media.wire.audio_message import samples_of_frames

_SYNC_WORD = b"\x0b\x77"
_HEADER_BYTES = 8
# 4.4.1.3, E.1.3.1.3: by fscod; 3 means half of fscod2's in E-AC-3, and is reserved in AC-3.
_SAMPLE_RATES = (48_000, 44_100, 32_000)
# 4.4.2.3: channels by acmod, without the one for low frequencies.
_CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)
# Table 4.13, by frmsizecod / 2; kbit/s.
_KILOBITS = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip
_BLOCK_SAMPLES = 256
_BLOCKS_AC3 = 6
_BLOCKS_EAC3 = (1, 2, 3, 6)  # E.1.3.1.5
_DEPENDENT = 1  # E.1.3.1.1, strmtyp
# bsid: up to 8 is AC-3, 9 and 10 are AC-3 at a half and a quarter of the rate, above is E-AC-3.
_BSID_AC3, _BSID_AC3_MAX, _BSID_EAC3_MAX = 8, 10, 16


@dataclass(frozen=True, slots=True)
class SyncFrame:
    """One frame.

    Attributes:
        size: in bytes.
        samples: what it lasts; 0 when it only adds channels to the frame before it.
    """

    coding: Coding
    size: int
    sample_rate: int
    channels: int
    samples: int

    @property
    def track(self) -> Track:
        return Track(
            kind=MediaKind.AUDIO,
            codec="ac-3" if self.coding is Coding.AC3 else "ec-3",
            timescale=self.sample_rate,
            extradata=b"",
            channels=self.channels,
            sample_rate=self.sample_rate,
        )


def parse_sync_frame(data: bytes, position: int = 0) -> SyncFrame | None:
    """The frame that begins at `position`; None when there is none."""
    header = data[position : position + _HEADER_BYTES]
    if len(header) < _HEADER_BYTES or not header.startswith(_SYNC_WORD):
        return None
    bsid = header[5] >> 3
    if bsid <= _BSID_AC3_MAX:
        return _ac3(header, max(0, bsid - _BSID_AC3))
    return _eac3(header) if bsid <= _BSID_EAC3_MAX else None


def _ac3(header: bytes, halvings: int) -> SyncFrame | None:
    rate_code, size_code = header[4] >> 6, header[4] & 0x3F
    if rate_code >= len(_SAMPLE_RATES) or size_code >= 2 * len(_KILOBITS):
        return None
    kilobits = _KILOBITS[size_code // 2]
    # Table 4.13 in words of two bytes; at 44.1 kHz two sizes alternate.
    words = (kilobits * 2, kilobits * 320 // 147 + size_code % 2, kilobits * 3)[rate_code]
    mode = header[6] >> 5
    # 4.4.2.4 to 4.4.2.6: mix levels come before the flag for low frequencies.
    before = 2 * (mode & 1 != 0 and mode != 1) + 2 * (mode & 4 != 0) + 2 * (mode == 2)
    low_frequency = header[6] >> (4 - before) & 1
    return SyncFrame(
        Coding.AC3,
        words * 2,
        _SAMPLE_RATES[rate_code] >> halvings,
        _CHANNELS[mode] + low_frequency,
        _BLOCKS_AC3 * _BLOCK_SAMPLES,
    )


def _eac3(header: bytes) -> SyncFrame | None:
    """E.1.2.2: strmtyp, substreamid, frmsiz, fscod, numblkscod or fscod2, acmod, lfeon."""
    rate_code, blocks_code = header[4] >> 6, header[4] >> 4 & 3
    if rate_code < len(_SAMPLE_RATES):
        sample_rate, blocks = _SAMPLE_RATES[rate_code], _BLOCKS_EAC3[blocks_code]
    elif blocks_code < len(_SAMPLE_RATES):
        sample_rate, blocks = _SAMPLE_RATES[blocks_code] // 2, _BLOCKS_AC3
    else:
        return None
    is_further = header[2] >> 6 == _DEPENDENT or header[2] >> 3 & 7 != 0
    return SyncFrame(
        Coding.EAC3,
        ((header[2] & 7) << 8 | header[3]) * 2 + 2,
        sample_rate,
        _CHANNELS[header[4] >> 1 & 7] + (header[4] & 1),
        0 if is_further else blocks * _BLOCK_SAMPLES,
    )


def message_samples(data: bytes) -> int:
    """How many samples all frames of a message last; 0 when it begins with none."""
    return samples_of_frames(parse_sync_frame, data)
