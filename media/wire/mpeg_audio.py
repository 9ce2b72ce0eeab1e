"""MPEG audio layer III: what the headers of its frames say (ISO/IEC 11172-3, 13818-3)."""

from dataclasses import dataclass

from media.units import MediaKind, Track
from media.wire.audio_message import samples_of_frames

# 11172-3, 2.4.2.3, and 13818-3 for the lower sample rates; kbit/s.
_KILOBITS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# By the two bits that say MPEG-2.5, reserved, MPEG-2 and MPEG-1.
_SAMPLE_RATES = ((11_025, 12_000, 8_000), (), (22_050, 24_000, 16_000), (44_100, 48_000, 32_000))
_MPEG1 = 3
_LAYER_III = 1
_MONO = 3
_HEADER_BYTES = 4
_SAMPLES_MPEG1, _SAMPLES_MPEG2 = 1152, 576


@dataclass(frozen=True, slots=True)
class Mp3Frame:
    """One frame; `size` in bytes, header included."""

    size: int
    samples: int
    sample_rate: int
    channels: int

    @property
    def track(self) -> Track:
        return Track(
            kind=MediaKind.AUDIO,
            codec="mp4a.40.34",
            timescale=self.sample_rate,
            extradata=b"",
            channels=self.channels,
            sample_rate=self.sample_rate,
        )


def parse_mp3_frame(data: bytes, position: int = 0) -> Mp3Frame | None:
    """The frame whose header is at `position`; None when there is none."""
    header = data[position : position + _HEADER_BYTES]
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, sampling = header[2] >> 4, header[2] >> 2 & 3
    rates = _SAMPLE_RATES[version]
    if layer != _LAYER_III or bitrate in (0, 15) or sampling >= len(rates):
        return None
    is_mpeg1 = version == _MPEG1
    kilobits = (_KILOBITS_MPEG1 if is_mpeg1 else _KILOBITS_MPEG2)[bitrate]
    samples = _SAMPLES_MPEG1 if is_mpeg1 else _SAMPLES_MPEG2
    size = samples * 125 * kilobits // rates[sampling] + (header[2] >> 1 & 1)
    channels = 1 if header[3] >> 6 == _MONO else 2
    return Mp3Frame(size, samples, rates[sampling], channels)


def message_samples(data: bytes) -> int:
    """How many samples all frames of a message last; 0 when it begins with none."""
    return samples_of_frames(parse_mp3_frame, data)
