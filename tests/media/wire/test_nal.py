from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import MediaKind
from media.wire.nal import (
    MalformedAccessUnit,
    MalformedConfiguration,
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    build_avc_configuration,
    contains_idr,
    is_idr,
    iterate_annex_b,
    iterate_length_prefixed,
    length_prefixed_to_annex_b,
    parse_avc_configuration,
    scan_access_unit,
    track_from_avc_configuration,
    widen_lengths,
)


@dataclass
class Encoded:
    """What x264 made: Annex B extradata and packets."""

    extradata: bytes = b""
    packets: list[bytes] = field(default_factory=list)


def encode(
    width: int,
    height: int,
    *,
    pixel_format: str = "yuv420p",
    rate: Fraction = Fraction(30),
    frames: int = 3,
    options: dict[str, str] | None = None,
) -> Encoded:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, pixel_format
    context.framerate, context.time_base = rate, 1 / rate
    context.flags |= av.codec.context.Flags.global_header
    context.options = {"preset": "ultrafast", **(options or {})}
    result = Encoded()
    for index in range(frames):
        picture = numpy.full((height, width, 3), index * 30, dtype=numpy.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
        frame.pts = index
        result.packets += [bytes(packet) for packet in context.encode(frame)]
    result.packets += [bytes(packet) for packet in context.encode(None)]
    assert context.extradata is not None
    result.extradata = context.extradata
    return result


@pytest.mark.parametrize(
    ("width", "height", "pixel_format", "options", "profile"),
    [
        (640, 360, "yuv420p", {"profile": "baseline"}, 66),
        (642, 362, "yuv420p", {"profile": "main", "preset": "fast"}, 77),
        (1920, 1080, "yuv420p", {"profile": "high", "preset": "fast"}, 100),
        (322, 178, "yuv420p10le", {"preset": "fast"}, 110),
        (322, 179, "yuv422p", {"preset": "fast"}, 122),
        (321, 179, "yuv444p", {"preset": "fast"}, 244),
        (322, 180, "yuv420p", {"preset": "fast", "x264-params": "interlaced=1"}, 100),
        (320, 180, "yuv420p", {"x264-params": "nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900"}, 66),
        (320, 180, "yuv420p", {"preset": "fast", "x264-params": "cqm=jvt"}, 100),
    ],
)
def test_parameter_sets_of_a_real_encoder_give_size_rate_and_profile(
    width: int, height: int, pixel_format: str, options: dict[str, str], profile: int
) -> None:
    encoded = encode(
        width, height, pixel_format=pixel_format, rate=Fraction(30000, 1001), options=options
    )
    record = avc_configuration_from_annex_b(encoded.extradata)

    track = track_from_avc_configuration(record)

    assert (track.kind, track.timescale) == (MediaKind.VIDEO, 90_000)
    assert (track.width, track.height) == (width, height)
    assert track.frame_rate == (30000, 1001)
    configuration = parse_avc_configuration(record)
    assert configuration.profile & ~16 == profile & ~16
    sps = configuration.sequence_sets[0]
    assert track.codec == f"avc1.{sps[1:4].hex()}"


def test_a_decoder_takes_the_record_and_the_length_prefixed_packets() -> None:
    """Goal: an independent reader (FFmpeg) decodes what we reframed."""
    encoded = encode(320, 180, frames=8, options={"preset": "fast", "bf": "2"})
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = avc_configuration_from_annex_b(encoded.extradata)
    reframed = [annex_b_to_length_prefixed(data) for data in encoded.packets]

    frames = [frame for data in reframed for frame in decoder.decode(av.Packet(data))]
    frames += decoder.decode(None)

    assert len(frames) == 8
    assert [contains_idr(data) for data in reframed] == [True] + [False] * 7
    assert track_from_avc_configuration(decoder.extradata).frame_rate == (30, 1)


@pytest.mark.parametrize("data", [b"\0", b"\0\0\0\1\x65\0\0", b"\0\0\0\5\x65", b"\xff\xff\xff\xff"])
def test_lengths_that_lead_outside_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedAccessUnit):
        scan_access_unit(data, is_idr)


def test_empty_units_are_passed_over() -> None:
    assert scan_access_unit(b"\0\0\0\0\0\0\0\1\x65\0\0\0\0", is_idr)
    assert not scan_access_unit(b"", is_idr)


def test_endless_units_are_refused() -> None:
    assert scan_access_unit(b"\0\0\0\1\x65" * 4_096, is_idr)
    with pytest.raises(MalformedAccessUnit, match="too many"):
        scan_access_unit(b"\0\0\0\0" * 100_000, is_idr)
    with pytest.raises(MalformedAccessUnit, match="too many"):
        widen_lengths(bytes(100_000), 1)


def test_packets_with_short_lengths_are_widened_and_the_track_says_four_bytes() -> None:
    encoded = encode(160, 96)
    record = bytearray(avc_configuration_from_annex_b(encoded.extradata))
    record[4] = 0xFC | 1

    assert parse_avc_configuration(bytes(record)).length_size == 2
    track = track_from_avc_configuration(bytes(record))
    assert parse_avc_configuration(track.extradata).length_size == 4
    assert widen_lengths(b"\0\2ab\0\1c", 2) == b"\0\0\0\2ab\0\0\0\1c"
    assert widen_lengths(b"\0\0\0\2ab", 4) == b"\0\0\0\2ab"


@pytest.mark.parametrize("cut", range(48))
def test_a_record_cut_anywhere_is_refused_or_read_in_full(cut: int) -> None:
    record = avc_configuration_from_annex_b(encode(160, 96).extradata)
    if cut < len(record):
        with pytest.raises(MalformedConfiguration):
            track_from_avc_configuration(record[:cut])


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\0" * 40,
        b"\1\x42\0\x1e\xfe\xe1\0\4\x67\x42\0\x1e\1\0\1\x68",  # lengths of 3 bytes
        b"\1\x42\0\x1e\xff\xe0\0",  # no parameter sets
        b"\1\x42\0\x1e\xff\xe1\0\0\1\0\1\x68",  # an empty SPS
        b"\1\x42\0\x1e\xff\xe1\0\5\x68\x42\0\x1e\x88\1\0\1\x68",  # a PPS where the SPS belongs
        b"\1\x42\0\x1e\xff\xe1\0\x0c\x67\x42\0\x1e" + b"\0" * 8 + b"\1\0\1\x68",  # endless code
    ],
)
def test_a_record_that_makes_no_sense_is_refused(record: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        track_from_avc_configuration(record)


def test_a_record_needs_parameter_sets() -> None:
    with pytest.raises(MalformedConfiguration):
        build_avc_configuration((), ())
    with pytest.raises(MalformedConfiguration):
        avc_configuration_from_annex_b(b"no start code here")


@given(st.binary(max_size=200))
def test_garbage_never_gives_anything_but_the_typed_error(garbage: bytes) -> None:
    for record in (garbage, b"\1\x64\0\x1f\xff\xe1\0\x40\x67\x64\0\x1f" + garbage):
        try:
            track_from_avc_configuration(record)
        except MalformedConfiguration:
            continue


# A unit never ends in a zero byte nor holds a start code, which emulation prevention sees to.
nal_units = st.binary(max_size=30).map(lambda body: b"\x65" + body.replace(b"\0", b"\2") + b"\x80")


@given(st.lists(nal_units, min_size=1, max_size=6))
def test_both_framings_carry_the_same_units(nals: list[bytes]) -> None:
    annex_b = b"".join(
        (b"\0\0\1" if index % 2 else b"\0\0\0\1") + nal for index, nal in enumerate(nals)
    )

    prefixed = annex_b_to_length_prefixed(annex_b)

    assert list(iterate_annex_b(annex_b)) == nals
    assert list(iterate_length_prefixed(prefixed)) == nals
    assert annex_b_to_length_prefixed(length_prefixed_to_annex_b(prefixed)) == prefixed


@pytest.mark.parametrize("data", [b"\0\0\0\5abcd", b"\0\0\1", b"\0\0\0\1a\0", b"\xff\xff\xff\xff"])
def test_a_length_that_points_outside_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAccessUnit):
        list(iterate_length_prefixed(data))
