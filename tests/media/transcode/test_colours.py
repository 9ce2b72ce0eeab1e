"""Colours that ordinary screens do not show are mapped."""

from media.transcode.colours import is_wide, shown_appearance
from media.transcode.protocol import Appearance

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
