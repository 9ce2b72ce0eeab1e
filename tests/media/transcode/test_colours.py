"""Colours that ordinary screens do not show are mapped."""

from media.transcode.colours import is_wide, may_be_wide, shown_appearance
from media.transcode.protocol import Appearance
from media.units import MediaKind, Track

PQ = Appearance(1, 9, 16, 9)
HLG = Appearance(1, 9, 18, 9)
BT709 = Appearance(1, 1, 1, 1)


def test_high_dynamic_range_and_a_wide_gamut_have_to_be_mapped() -> None:
    assert [is_wide(one) for one in (PQ, HLG, Appearance(1, 9, 1, 1), BT709)] == [
        True,
        True,
        True,
        False,
    ]


def test_wide_colours_become_those_of_ordinary_screens() -> None:
    assert shown_appearance(PQ) == BT709
    assert shown_appearance(Appearance(2, 6, 6, 6, 4, 3)) == Appearance(1, 6, 6, 6)
    assert shown_appearance(Appearance(2, 1, 13, 0)).matrix == 6


def test_only_more_than_eight_bits_may_hold_wide_colours() -> None:
    narrow = ("avc1.640028", "hvc1.1.6.L93.b0", "av01.0.04M.08", "vp09.00.10.08")
    wide = ("hvc1.2.4.L93.b0", "av01.0.04M.10", "vp09.02.10.10")
    for codec in (*narrow, *wide):
        assert may_be_wide(Track(MediaKind.VIDEO, codec, 90_000, b"")) is (codec in wide)
