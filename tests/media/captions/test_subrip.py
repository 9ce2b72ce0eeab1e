import pytest

from media.captions.cue import Cue, MalformedCaptions
from media.captions.reading import read_captions

FILE = """\ufeff1
00:00:01,600 --> 00:00:04,200 X1:100 X2:200 Y1:1 Y2:2
<font color="#ffff00">Hello</font> <I>you</I>
{\\an8}there

2
00:00:05,900 --> 00:00:07,999
7

8 --> 9

3
00:00:10,000 --> 00:00:12,000

4
1:00:00.000 --> 1:00:01.000
last
"""


def test_what_players_of_srt_take_is_taken() -> None:
    """A cue may be a number, and have empty lines; one without text is left out."""
    assert read_captions(FILE.replace("8 --> 9\n", "8\n").encode()) == (
        Cue(1_600, 4_200, "Hello <i>you</i>\nthere"),
        Cue(5_900, 7_999, "7\n8"),
        Cue(3_600_000, 3_601_000, "last"),
    )


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(MalformedCaptions, match="line 10: no timings of a cue: '8 --> 9'"):
        read_captions(FILE.encode())
    with pytest.raises(MalformedCaptions, match="line 1: neither WebVTT nor SubRip: 'Dear all,'"):
        read_captions(b"Dear all,\n\n1\n00:00:01,000 --> 00:00:02,000\nx\n")
