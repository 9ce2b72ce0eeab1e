"""AAC's AudioSpecificConfig (ISO 14496-3, 1.6.2.1)."""

from dataclasses import dataclass

from media.units import MediaKind, Track
from media.wire.bits import BitReader, MalformedConfiguration

FRAME_SAMPLES = 1024
"""In a frame of AAC (4.5.1.1), but for the rare variant with 960."""

# Table 1.18 (samplingFrequencyIndex).
_SAMPLE_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000,
    22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)  # fmt: skip
_EXPLICIT_RATE = 15

# Table 1.19 (channelConfiguration); 0 means that a program config element follows.
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}

_ESCAPE = 31
_SPECTRAL_BAND_REPLICATION = 5
_PARAMETRIC_STEREO = 29
_BIT_SLICED = 22
# Table 1.17: the object types that GASpecificConfig belongs to.
_GENERAL_AUDIO = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})
_SYNC_BAND_REPLICATION = 0x2B7
_SYNC_PARAMETRIC_STEREO = 0x548


@dataclass(frozen=True, slots=True)
class AudioConfiguration:
    """What an AudioSpecificConfig says.

    Attributes:
        object_type: as signalled first, the N of `mp4a.40.N`; 5 and 29 wrap a core of type 2.
        sample_rate: of the core coder; a frame is `frame_samples` of these.
        output_sample_rate: after spectral band replication, else equal to `sample_rate`.
        channels: after parametric stereo.
    """

    object_type: int
    sample_rate: int
    output_sample_rate: int
    channels: int
    frame_samples: int

    @property
    def codec(self) -> str:
        """RFC 6381 name."""
        return f"mp4a.40.{self.object_type}"


def parse_audio_specific_config(config: bytes) -> AudioConfiguration:
    """Read the configuration, with both ways of signalling SBR and PS (1.6.5).

    Raises:
        MalformedConfiguration: it ends early or uses reserved values.
    """
    bits = BitReader(config)
    object_type = core_type = _read_object_type(bits)
    sample_rate = output_rate = _read_sample_rate(bits)
    channel_configuration = bits.read(4)
    if object_type in (_SPECTRAL_BAND_REPLICATION, _PARAMETRIC_STEREO):
        output_rate = _read_sample_rate(bits)
        core_type = _read_object_type(bits)
        if core_type == _BIT_SLICED:
            bits.read(4)  # extensionChannelConfiguration
    channels = _CHANNELS.get(channel_configuration, 0)
    frame_samples = FRAME_SAMPLES
    parametric_stereo = object_type == _PARAMETRIC_STEREO
    if core_type in _GENERAL_AUDIO:
        frame_samples = 960 if bits.flag() else FRAME_SAMPLES
        channels = _read_general_audio(bits, channel_configuration, core_type) or channels
        if object_type == core_type:
            output_rate, parametric_stereo = _read_appended_extension(bits, sample_rate)
    if channels == 0:
        raise MalformedConfiguration(f"channel configuration {channel_configuration} is reserved")
    if parametric_stereo and channels == 1:
        channels = 2
    return AudioConfiguration(object_type, sample_rate, output_rate, channels, frame_samples)


def track_from_audio_specific_config(config: bytes) -> Track:
    """The audio track that `config` describes; its timescale is the core coder's sample rate.

    So a frame always lasts 1024 ticks (960 in the rare short-frame variant), SBR or not.

    Raises:
        MalformedConfiguration: the configuration cannot be read.
    """
    parsed = parse_audio_specific_config(config)
    return Track(
        kind=MediaKind.AUDIO,
        codec=parsed.codec,
        timescale=parsed.sample_rate,
        extradata=bytes(config),
        channels=parsed.channels,
        sample_rate=parsed.sample_rate,
    )


def _read_object_type(bits: BitReader) -> int:
    object_type = bits.read(5)
    if object_type == _ESCAPE:
        object_type = 32 + bits.read(6)
    if object_type == 0:
        raise MalformedConfiguration("audio object type 0 is null")
    return object_type


def _read_sample_rate(bits: BitReader) -> int:
    index = bits.read(4)
    if index == _EXPLICIT_RATE:
        rate = bits.read(24)
        if rate == 0:
            raise MalformedConfiguration("the sample rate is 0")
        return rate
    if index >= len(_SAMPLE_RATES):
        raise MalformedConfiguration(f"sample rate index {index} is reserved")
    return _SAMPLE_RATES[index]


def _read_general_audio(bits: BitReader, channel_configuration: int, core_type: int) -> int:
    """Rest of GASpecificConfig (4.4.1) after frameLengthFlag.

    Returns the channels of the program config element, 0 where there is none.
    """
    if bits.flag():  # dependsOnCoreCoder
        bits.read(14)
    extension = bits.flag()
    channels = 0 if channel_configuration else _read_program_channels(bits)
    if core_type in (6, 20):
        bits.read(3)  # layerNr
    if extension:
        if core_type == _BIT_SLICED:
            bits.read(16)
        if core_type in (17, 19, 20, 23):
            bits.read(3)
        bits.flag()  # extensionFlag3
    return channels


def _read_program_channels(bits: BitReader) -> int:
    """program_config_element (4.4.1.1): count what its elements carry."""
    bits.read(10)  # element_instance_tag, object_type, sampling_frequency_index
    front, side, back = bits.read(4), bits.read(4), bits.read(4)
    low_frequency, data, coupling = bits.read(2), bits.read(3), bits.read(4)
    for width in (4, 4, 3):  # mono, stereo and matrix mixdown
        if bits.flag():
            bits.read(width)
    channels = low_frequency
    for _ in range(front + side + back):
        channels += 2 if bits.flag() else 1
        bits.read(4)
    bits.read(low_frequency * 4 + data * 4 + coupling * 5)
    bits.align()
    bits.read(bits.read(8) * 8)  # comment
    return channels


def _read_appended_extension(bits: BitReader, sample_rate: int) -> tuple[int, bool]:
    """Backward compatible signalling: output rate and parametric stereo."""
    if bits.left < 16 or bits.read(11) != _SYNC_BAND_REPLICATION:
        return sample_rate, False
    if _read_object_type(bits) != _SPECTRAL_BAND_REPLICATION or not bits.flag():
        return sample_rate, False
    output_rate = _read_sample_rate(bits)
    if bits.left < 12 or bits.read(11) != _SYNC_PARAMETRIC_STEREO:
        return output_rate, False
    return output_rate, bits.flag()
