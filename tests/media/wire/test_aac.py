import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import MediaKind
from media.wire.aac import parse_audio_specific_config, track_from_audio_specific_config
from media.wire.bits import MalformedConfiguration


def bits(*fields: tuple[int, int]) -> bytes:
    """Pack (value, width) pairs, padded with zeros to whole bytes."""
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize(
    ("sample_rate", "layout", "channels"),
    [(44_100, "stereo", 2), (48_000, "mono", 1), (48_000, "5.1", 6), (22_050, "quad", 4)],
)
def test_the_configuration_of_a_real_encoder_is_read(
    sample_rate: int, layout: str, channels: int
) -> None:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = sample_rate, layout, "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    assert encoder.extradata is not None

    track = track_from_audio_specific_config(encoder.extradata)

    assert (track.kind, track.codec, track.channels) == (MediaKind.AUDIO, "mp4a.40.2", channels)
    assert (track.timescale, track.sample_rate) == (sample_rate, sample_rate)


@pytest.mark.parametrize(
    ("config", "codec", "sample_rate", "output_sample_rate", "channels"),
    [
        ("1190", "mp4a.40.2", 48_000, 48_000, 2),
        ("1210", "mp4a.40.2", 44_100, 44_100, 2),
        # Hierarchical SBR, then the same with parametric stereo over a mono core.
        ("2b8a0800", "mp4a.40.5", 22_050, 44_100, 1),
        ("eb8a0800", "mp4a.40.29", 22_050, 44_100, 2),
        # Backward compatible SBR, then with parametric stereo.
        ("131056e598", "mp4a.40.2", 24_000, 48_000, 2),
        ("130856e59d4880", "mp4a.40.2", 24_000, 48_000, 2),
        # A sync word with the SBR flag clear.
        ("139056e500", "mp4a.40.2", 22_050, 22_050, 2),
    ],
)
def test_band_replication_and_parametric_stereo_are_understood(
    config: str, codec: str, sample_rate: int, output_sample_rate: int, channels: int
) -> None:
    parsed = parse_audio_specific_config(bytes.fromhex(config))

    assert parsed.codec == codec
    assert parsed.sample_rate == sample_rate
    assert parsed.output_sample_rate == output_sample_rate
    assert parsed.channels == channels


def test_an_escaped_object_type_and_an_explicit_rate_are_read() -> None:
    usac = bits((31, 5), (42 - 32, 6), (15, 4), (12_345, 24), (2, 4))

    parsed = parse_audio_specific_config(usac)

    assert (parsed.codec, parsed.sample_rate, parsed.channels) == ("mp4a.40.42", 12_345, 2)


def test_bit_sliced_coding_under_band_replication_is_read() -> None:
    config = bits((5, 5), (6, 4), (2, 4), (3, 4), (22, 5), (2, 4), (0, 3), (0, 8))

    parsed = parse_audio_specific_config(config)

    assert (parsed.sample_rate, parsed.output_sample_rate) == (24_000, 48_000)


def test_channels_of_a_program_config_element_are_counted() -> None:
    element = ((0, 4), (1, 2), (3, 4), (1, 4), (0, 4), (1, 4), (1, 2), (0, 3), (0, 4))
    mixdown = ((0, 1), (1, 1), (3, 4), (0, 1))
    channels = ((1, 1), (0, 4), (1, 1), (1, 4), (0, 4))  # front pair, back pair, low frequency
    config = bits((2, 5), (3, 4), (0, 4), (0, 3), *element, *mixdown, *channels, (0, 40))

    assert parse_audio_specific_config(config).channels == 5


def test_short_frames_are_960_samples() -> None:
    assert parse_audio_specific_config(bits((2, 5), (3, 4), (2, 4), (4, 3))).frame_samples == 960


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"\x12",
        bits((0, 5), (3, 4), (2, 4), (0, 3)),  # the null object type
        bits((2, 5), (13, 4), (2, 4), (0, 3)),  # a reserved rate
        bits((2, 5), (15, 4), (0, 24), (2, 4), (0, 3)),  # an explicit rate of 0
        bits((2, 5), (3, 4), (8, 4), (0, 3)),  # a reserved channel configuration
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(config: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        parse_audio_specific_config(config)


@given(st.binary(max_size=40))
def test_garbage_never_gives_anything_but_the_typed_error(garbage: bytes) -> None:
    try:
        parse_audio_specific_config(garbage)
    except MalformedConfiguration:
        return
