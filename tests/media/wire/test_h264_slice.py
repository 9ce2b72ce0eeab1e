"""Ends of slice headers agree with those that libav's own parser reports."""

import re
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO

import av
import av.logging
import numpy
import pytest

from media.units import Packet
from media.wire.bits import MalformedConfiguration
from media.wire.fmp4_fragment import video_fragment
from media.wire.fmp4_init import init_segment
from media.wire.h264_slice import SliceHeaders, parse_picture_parameter_set
from media.wire.nal import (
    annex_b_to_length_prefixed,
    avc_configuration_from_annex_b,
    iterate_length_prefixed,
    parse_avc_configuration,
    track_from_avc_configuration,
)

ENCODERS = {
    "baseline": {"profile": "baseline", "preset": "ultrafast"},
    "CABAC with references of B": {"preset": "slow", "x264-params": "b-pyramid=normal:weightp=2"},
    "weights of both": {"preset": "medium", "x264-params": "weightp=2:weightb=1:bframes=3:ref=8"},
    "slices": {"preset": "medium", "x264-params": "slices=4:weightp=2"},
    "fields": {"preset": "medium", "x264-params": "tff=1:interlaced=1:bframes=2"},
    "no deblocking": {"preset": "ultrafast", "x264-params": "no-deblock=1:bframes=0:keyint=5"},
}
_ENTRY = re.compile(r"(\d+) +([\w\[\]]+) +([01]+) = ")


def encode(options: dict[str, str]) -> tuple[bytes, list[Packet]]:
    """An avcC record, and packets of noise that fades in."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 160, 96, "yuv420p"
    context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
    context.flags |= av.codec.context.Flags.global_header
    context.options = {"threads": "1", **options}
    noise = numpy.random.default_rng(1).integers(0, 255, (96, 200, 3))
    packets = []
    for index in [*range(40), None]:
        frame = None
        if index is not None:
            picture = (noise[:, index : index + 160] * index // 40).astype(numpy.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts = index
        packets += context.encode(frame)
    assert context.extradata is not None
    record = avc_configuration_from_annex_b(context.extradata)
    return record, [
        Packet(number, each.pts or 0, 1, each.is_keyframe, annex_b_to_length_prefixed(bytes(each)))
        for number, each in enumerate(packets)
    ]


def reported(record: bytes, packets: list[Packet]) -> Iterator[int]:
    """Bits of each slice's header, emulation prevention not counted, as libav traces them."""
    track = track_from_avc_configuration(record)
    file = init_segment(track) + video_fragment(1, packets, len(packets))
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        with av.open(BytesIO(file), "r", format="mp4") as container:
            stream = container.streams.video[0]
            tracer = av.BitStreamFilterContext("trace_headers", stream)
            with av.logging.Capture() as lines:
                for packet in container.demux(stream):
                    tracer.filter(packet)
    finally:
        av.logging.set_level(level)
    end = None
    for _, _, line in [*lines, (0, "", "Packet")]:
        entry = _ENTRY.match(line)
        if entry is None:
            if end:
                yield end
            end = 0 if line.startswith("Slice Header") else None
        elif end is not None and entry[2] != "cabac_alignment_one_bit":
            end = int(entry[1]) + len(entry[3])


@pytest.mark.parametrize("options", ENCODERS.values(), ids=ENCODERS)
def test_a_header_ends_where_libav_says(options: dict[str, str]) -> None:
    record, packets = encode(options)
    headers = SliceHeaders(parse_avc_configuration(record))
    nals = [nal for packet in packets for nal in iterate_length_prefixed(packet.data)]
    slices = [nal for nal in nals if nal[0] & 0x1F in (1, 5)]

    found = [headers.size(nal) for nal in slices]

    expected = [-(-bits // 8) for bits in reported(record, packets)]
    assert len(expected) == len(slices) >= 40
    plain = [
        len(nal[:size].replace(b"\0\0\3", b"\0\0")) for nal, size in zip(slices, found, strict=True)
    ]
    assert plain == expected


def sizes(headers: SliceHeaders, packets: list[Packet]) -> list[int | None]:
    """Of all slices; None where a header cannot be read."""
    found: list[int | None] = []
    for nal in (nal for packet in packets for nal in iterate_length_prefixed(packet.data)):
        if nal[0] & 0x1F in (1, 5):
            try:
                found.append(headers.size(nal))
            except MalformedConfiguration:
                found.append(None)
    return found


def test_parameter_sets_between_slices_count_from_there_on() -> None:
    record, packets = encode(ENCODERS["weights of both"])
    other, _ = encode(ENCODERS["baseline"])
    headers = SliceHeaders(parse_avc_configuration(other))
    right = sizes(SliceHeaders(parse_avc_configuration(record)), packets)
    assert sizes(headers, packets) != right

    sets = parse_avc_configuration(record)
    for nal in (b"", b"\x67", *sets.sequence_sets, b"\x06", *sets.picture_sets, b"\x68"):
        headers.learn(nal)

    assert sizes(headers, packets) == right


def test_what_cannot_be_read_is_refused() -> None:
    record, _ = encode(ENCODERS["baseline"])
    headers = SliceHeaders(parse_avc_configuration(record))
    of_unknown_picture_set = b"\x41\xcd\xff"
    for nal in (b"\x65", b"\x65\x88", b"\x65" + bytes(100), of_unknown_picture_set):
        with pytest.raises(MalformedConfiguration):
            headers.size(nal)
    with_slice_groups = b"\x68\xc8\x20"
    for nal in (b"", b"\x67\x42", b"\x68", with_slice_groups):
        with pytest.raises(MalformedConfiguration):
            parse_picture_parameter_set(nal)
