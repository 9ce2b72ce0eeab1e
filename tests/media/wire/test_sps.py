"""Sequence parameter sets written bit by bit, for what no encoder at hand writes."""

from dataclasses import dataclass

import pytest

from media.wire.bits import MalformedConfiguration
from media.wire.sps import parse_sequence_parameter_set
from tests.media.wire.bit_writer import Bits


def baseline() -> Bits:
    """Profile 66, level 3.0, up to the number of reference frames."""
    return Bits().u(8, 66, 0xC0, 30).ue(0, 0, 2, 1).u(1, 0)


def sized(bits: Bits) -> Bits:
    """640x368, progressive, cropped to 640x360."""
    return bits.ue(39, 22).u(1, 1, 1, 1).ue(0, 0, 0, 4)


def with_vui() -> Bits:
    return sized(baseline()).u(1, 1)


def test_without_usability_information_the_rest_is_unknown() -> None:
    parsed = parse_sequence_parameter_set(sized(baseline()).u(1, 0).nal())

    assert (parsed.profile, parsed.constraints, parsed.level) == (66, 0xC0, 30)
    assert (parsed.width, parsed.height, parsed.progressive) == (640, 360, True)
    assert (parsed.chroma_format, parsed.bit_depth) == (1, 8)
    assert parsed.sample_aspect_ratio == (1, 1)
    assert parsed.frame_rate == (0, 1)
    assert parsed.reordered_frames_max is None


def high(profile: int, chroma_format: int, separate_planes: int | None = None) -> Bits:
    bits = Bits().u(8, profile, 0, 40).ue(0, chroma_format)
    return bits if separate_planes is None else bits.u(1, separate_planes)


def test_scaling_lists_are_passed_over() -> None:
    bits = high(100, 1).ue(0, 0).u(1, 0, 1)
    bits.u(1, 1).se(*([1] * 16))  # a full list of 16
    bits.u(1, 1).se(-8)  # one that falls back to a default
    bits.u(1, 0, 0, 0, 0)
    bits.u(1, 1).se(*([0] * 64))
    bits.u(1, 0)
    nal = sized(bits.ue(0, 2, 1).u(1, 0)).u(1, 0).nal()

    assert parse_sequence_parameter_set(nal).height == 360


@pytest.mark.parametrize(
    ("chroma_format", "separate_planes", "size"),
    [(0, None, (636, 363)), (1, None, (632, 358)), (2, None, (632, 363)), (3, 0, (636, 363)),
     (3, 1, (636, 363))],
)  # fmt: skip
def test_cropping_counts_in_units_of_the_chroma_format(
    chroma_format: int, separate_planes: int | None, size: tuple[int, int]
) -> None:
    bits = high(244, chroma_format, separate_planes).ue(2, 1).u(1, 0, 0)
    bits.ue(0, 2, 1).u(1, 0).ue(39, 22).u(1, 1, 1, 1).ue(1, 3, 2, 3)

    parsed = parse_sequence_parameter_set(bits.u(1, 0).nal())

    assert (parsed.width, parsed.height) == size
    assert parsed.bit_depth == 10


def test_pictures_of_two_fields_are_twice_as_high() -> None:
    bits = baseline().ue(39, 10).u(1, 0, 1, 1, 1).ue(0, 0, 0, 1).u(1, 0)

    parsed = parse_sequence_parameter_set(bits.nal())

    assert (parsed.height, parsed.progressive) == (348, False)


def test_a_picture_order_cycle_is_passed_over() -> None:
    bits = Bits().u(8, 66, 0, 30).ue(0, 0, 1).u(1, 0).se(-3, 2).ue(3).se(1, -1, 0).ue(1).u(1, 0)

    assert parse_sequence_parameter_set(sized(bits).u(1, 0).nal()).width == 640


@dataclass(frozen=True)
class Usability:
    """A VUI and what it says."""

    bits: Bits
    aspect_ratio: tuple[int, int] = (1, 1)
    frame_rate: tuple[int, int] = (0, 1)
    reordered: int | None = None


def timing(bits: Bits) -> Bits:
    return bits.u(1, 1).u(32, 1001, 60_000).u(1, 1)


def reference_decoder(bits: Bits) -> Bits:
    return bits.ue(1).u(8, 0).ue(1, 2).u(1, 0).ue(3, 4).u(1, 1).u(20, 0)


USABILITY = [
    # Nothing but flags that say so: aspect, overscan, signal, chroma, timing, two HRDs, ...
    Usability(with_vui().u(1, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    Usability(with_vui().u(1, 1).u(8, 2).u(1, 0, 0, 0, 0, 0, 0, 0, 0), aspect_ratio=(12, 11)),
    Usability(
        with_vui().u(1, 1).u(8, 255).u(16, 64, 48).u(1, 0, 0, 0, 0, 0, 0, 0, 0),
        aspect_ratio=(4, 3),
    ),
    Usability(with_vui().u(1, 1).u(8, 255).u(16, 0, 9).u(1, 0, 0, 0, 0, 0, 0, 0, 0)),
    Usability(with_vui().u(1, 1).u(8, 200).u(1, 0, 0, 0, 0, 0, 0, 0, 0)),
    Usability(
        timing(with_vui().u(1, 0, 1, 1, 1).u(4, 9).u(1, 1).u(24, 0x010101).u(1, 1).ue(0, 1)).u(
            1, 0, 0, 0, 0
        ),
        frame_rate=(30_000, 1001),
    ),
    Usability(with_vui().u(1, 0, 0, 0, 0, 1).u(32, 0, 60).u(1, 0).u(1, 0, 0, 0, 0)),
    Usability(
        reference_decoder(
            reference_decoder(timing(with_vui().u(1, 0, 0, 0, 0)).u(1, 1)).u(1, 1)
        ).u(1, 0, 0, 1, 0).ue(0, 0, 9, 9, 2, 4),
        frame_rate=(30_000, 1001),
        reordered=2,
    ),
    # Cut off in the reference decoder's buffers, or with too many of them: what came before counts.
    Usability(timing(with_vui().u(1, 0, 0, 0, 0)).u(1, 1).ue(31), frame_rate=(30_000, 1001)),
    Usability(timing(with_vui().u(1, 0, 0, 0, 0)).u(1, 1).ue(32), frame_rate=(30_000, 1001)),
]  # fmt: skip


@pytest.mark.parametrize("usability", USABILITY)
def test_usability_information_is_read_as_far_as_it_goes(usability: Usability) -> None:
    parsed = parse_sequence_parameter_set(usability.bits.nal())

    assert parsed.sample_aspect_ratio == usability.aspect_ratio
    assert parsed.frame_rate == usability.frame_rate
    assert parsed.reordered_frames_max == usability.reordered
    assert parsed.height == 360


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x68" + sized(baseline()).u(1, 0).nal()[1:],
        sized(baseline()).nal()[:8],
        high(100, 4).ue(0, 0).nal(),
        high(100, 1).ue(7, 0).nal(),
        Bits().u(8, 66, 0, 30).ue(0, 0, 1).u(1, 0).se(0, 0).ue(256).nal(),
        baseline().ue(39, 22).u(1, 1, 1, 1).ue(200, 200, 0, 0).u(1, 0).nal(),
        baseline().ue(5_000, 22).u(1, 1, 1, 0).u(1, 0).nal(),
        baseline().u(32, 0).u(8, 0).nal(),
    ],
)
def test_what_no_level_allows_is_refused(nal: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        parse_sequence_parameter_set(nal)
