"""H.265 sequence parameter sets written bit by bit, for what no encoder at hand writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.bits import MalformedConfiguration
from media.wire.hevc_sps import HevcSequence, parse_hevc_sequence
from tests.media.wire.bit_writer import Bits

HEADER = b"\x42\x01"


def profile(sub_layers: int = 0) -> Bits:
    """Up to the level: main profile."""
    bits = Bits().u(4, 0).u(3, sub_layers).u(1, 1)
    return bits.u(2, 0).u(1, 0).u(5, 1).u(32, 0x60000000).u(48, 0).u(8, 93)


def sized(bits: Bits, chroma: int = 1) -> Bits:
    """1920x1088, cropped to 1920x1080, 8 bits."""
    bits = bits.ue(0, chroma)
    if chroma == 3:
        bits.u(1, 0)
    return bits.ue(1920, 1088).u(1, 1).ue(0, 0, 0, 4).ue(0, 0)


def coded(bits: Bits, short_term: Bits | None = None) -> Bits:
    """Coding tools up to the flag of the VUI, none of them used."""
    bits.ue(4).u(1, 1).ue(4, 2, 5).ue(0, 3, 0, 3, 0, 0).u(1, 0, 1, 1, 0)
    if short_term is None:
        bits.ue(0)
    else:
        bits.append(short_term)
    return bits.u(1, 0, 1, 1)


def with_timing(bits: Bits, units: int = 1001, scale: int = 30_000, is_field: int = 0) -> Bits:
    """A VUI of nothing but the frame rate."""
    return bits.u(1, 1).u(1, 0, 0, 0, 0, 0, is_field, 0, 0, 1).u(32, units, scale)


FULL_HD = HevcSequence(1, 8, 1920, 1080)


def test_without_usability_information_the_rest_is_unknown() -> None:
    assert parse_hevc_sequence(coded(sized(profile())).u(1, 0).nal(HEADER)) == FULL_HD


def test_a_frame_rate_is_read_behind_all_coding_tools() -> None:
    """Scaling lists, PCM, short-term sets, predicted ones among them, and long-term pictures."""
    bits = sized(profile()).ue(4).u(1, 0).ue(4, 2, 5).ue(0, 3, 0, 3, 0, 0)
    bits.u(1, 1, 1)
    for size in range(4):
        for matrix in range(0, 6, 3 if size == 3 else 1):
            if matrix:
                bits.u(1, 0).ue(1)
            else:
                bits.u(1, 1)
                bits.se(*([1] if size > 1 else []), *([0] * min(64, 16 << (2 * size))))
    bits.u(1, 1, 1).u(1, 1).u(4, 7, 7).ue(0, 0).u(1, 0)
    # Two sets: one of two pictures, and one predicted from it with two of three kept.
    bits.ue(2).ue(1, 1).ue(0).u(1, 1).ue(0).u(1, 1)
    bits.u(1, 1).u(1, 0).ue(0).u(1, 1).u(1, 0, 1).u(1, 0, 0)
    bits.u(1, 1).ue(1).u(8, 3).u(1, 1)
    bits.u(1, 1, 1)

    parsed = parse_hevc_sequence(with_timing(bits).nal(HEADER))

    assert parsed.frame_rate == (30_000, 1001)


@pytest.mark.parametrize(
    ("units", "scale", "is_field", "rate"),
    [(1, 50, 1, (25, 1)), (1, 50, 0, (50, 1)), (0, 50, 0, (0, 1)), (1, 0, 0, (0, 1))],
)
def test_a_frame_rate_counts_frames(
    units: int, scale: int, is_field: int, rate: tuple[int, int]
) -> None:
    bits = with_timing(coded(sized(profile())), units, scale, is_field)

    assert parse_hevc_sequence(bits.nal(HEADER)).frame_rate == rate


def test_shape_of_samples_and_display_window_are_read_or_passed_over() -> None:
    bits = coded(sized(profile())).u(1, 1)
    bits.u(1, 1).u(8, 2)  # 12:11
    bits.u(1, 0, 0, 0, 0, 0, 0).u(1, 1).ue(0, 0, 0, 0).u(1, 0)

    parsed = parse_hevc_sequence(bits.nal(HEADER))

    assert parsed.sample_aspect_ratio == (12, 11)
    assert parsed.frame_rate == (0, 1)


def test_sub_layers_are_passed_over() -> None:
    bits = profile(sub_layers=2).u(1, 1, 1, 0, 1).u(2, *([0] * 6)).u(88, 0).u(8, 0).u(8, 0)
    bits = sized(bits).ue(4).u(1, 1).ue(*([1] * 9)).ue(0, 3, 0, 3, 0, 0).u(1, 0, 1, 1, 0)
    bits = with_timing(bits.ue(0).u(1, 0, 1, 1))

    assert parse_hevc_sequence(bits.nal(HEADER)).frame_rate == (30_000, 1001)


@pytest.mark.parametrize(("chroma", "height"), [(0, 1084), (1, 1080), (2, 1084), (3, 1084)])
def test_cropping_counts_in_units_of_the_chroma_format(chroma: int, height: int) -> None:
    parsed = parse_hevc_sequence(sized(profile(), chroma).nal(HEADER))

    assert (parsed.chroma_format, parsed.height) == (chroma, height)


@pytest.mark.parametrize(
    "bits",
    [
        sized(profile()),
        sized(profile()).ue(13),  # order counts of 17 bits
        coded(sized(profile()), Bits().ue(65)),
        coded(sized(profile()), Bits().ue(1).ue(9, 8)),
        coded(sized(profile())).u(1, 1, 1, 1),
    ],
)
def test_what_comes_after_the_size_may_be_broken(bits: Bits) -> None:
    assert parse_hevc_sequence(bits.nal(HEADER)) == FULL_HD


def test_too_many_long_term_pictures_are_broken_too() -> None:
    bits = sized(profile()).ue(4).u(1, 1).ue(4, 2, 5).ue(0, 3, 0, 3, 0, 0).u(1, 0, 1, 1, 0).ue(0)

    assert parse_hevc_sequence(bits.u(1, 1).ue(33).nal(HEADER)) == FULL_HD


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x40\x01" + sized(profile()).nal(b""),
        profile().nal(HEADER)[:10],
        profile().ue(0, 4).nal(HEADER),
        profile().ue(0, 1).ue(0, 16).u(1, 0).ue(0, 0).nal(HEADER),
        profile().ue(0, 1).ue(16, 16).u(1, 1).ue(0, 0, 9, 9).ue(0, 0).nal(HEADER),
        profile().ue(0, 1).ue(16, 16).u(1, 0).ue(9, 0).nal(HEADER),
    ],
)
def test_what_is_no_sequence_is_refused(nal: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        parse_hevc_sequence(nal)


@given(st.binary(max_size=80))
def test_no_bytes_are_fatal(data: bytes) -> None:
    try:
        parsed = parse_hevc_sequence(HEADER + data)
    except MalformedConfiguration:
        return
    assert parsed.width > 0
