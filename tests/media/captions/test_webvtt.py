"""WebVTT is read as the specification says, and mistakes are told with their line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.captions.cue import Cue, MalformedCaptions, excerpt
from media.captions.reading import read_captions
from media.captions.webvtt import parse_webvtt, render_webvtt

FILE = """WEBVTT Kind: captions; Language: en

NOTE made by hand

STYLE
::cue { background: url(https://elsewhere.example/) }

REGION
id:fred width:40%

intro
00:01.000 --> 00:00:03.500 region:fred align:start position:10%,line-left colour:red line:-1
- <v.loud Esme>Good <b>morning</b></v>
- &amp; <00:00:02.000>farewell

100:00:00.000 --> 100:00:01.000
<i>late</i> & <script>alert(1)</script>

00:00:10.000 --> 00:00:12.000
"""


def test_a_file_of_every_kind_of_block() -> None:
    with pytest.raises(MalformedCaptions, match="line 16: the cue is later than anything lasts"):
        parse_webvtt(FILE)
    assert parse_webvtt(FILE.replace("100:", "01:")) == (
        Cue(
            1_000,
            3_500,
            "- <v.loud Esme>Good <b>morning</b></v>\n- &amp; <00:00:02.000>farewell",
            "align:start position:10%,line-left line:-1",
        ),
        Cue(3_600_000, 3_601_000, "<i>late</i> & alert(1)"),
    )


def test_line_ends_marks_and_order_do_not_matter() -> None:
    text = "\ufeffWEBVTT\r\rb\r00:05.000 --> 00:06.000\rlater\n\n00:01.000-->00:02.000\nearlier"
    assert [cue.text for cue in read_captions(text.encode())] == ["earlier", "later"]


def test_what_begins_no_tag_is_read() -> None:
    (cue,) = parse_webvtt("WEBVTT\n\n00:01.000 --> 00:02.000\n1 < 2 <b>or</b> <3 <oops\n</c>>")
    assert cue.text == "1 &lt; 2 <b>or</b> &lt;3 &lt;oops\n</c>>"


def test_timings_end_the_text_before_them() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\none\n00:02.000 --> 00:03.000\ntwo\n"
    assert [cue.text for cue in parse_webvtt(text)] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("WEBVTTX\n", "line 1: it does not begin with WEBVTT"),
        ("WEBVTT\n00:01.000 --> 00:02.000\nx", "line 1: an empty line is missing after WEBVTT"),
        ("WEBVTT\n\nhello\nworld", "line 3: neither a cue nor a comment: 'hello'"),
        ("WEBVTT\n\n1 --> 2\nx", "line 3: no timings of a cue: '1 --> 2'"),
        ("WEBVTT\n\nid\n00:61.000 --> 00:62.000\nx", "line 4: no time has more than 59"),
        ("WEBVTT\n\n00:02.000 --> 00:02.000\nx", "line 3: the cue ends before it begins"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\n" + "x" * 2_001, "line 3: the cue has more than"),
        ("WEBVTT\n" + "\n00:02.000 --> 00:03.000\nx\n" * 25, "line 75: more than 24 cues"),
        ("WEBVTT\n\nNOTE only this", "there is no cue with a text"),
        ("", "line 1: neither WebVTT nor SubRip"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(MalformedCaptions) as caught:
        read_captions(text.encode())
    assert str(caught.value).startswith(message)


def test_text_that_is_not_utf_8_and_files_that_are_too_long_are_refused() -> None:
    with pytest.raises(MalformedCaptions, match="line 4: the text is not encoded as UTF-8"):
        read_captions("WEBVTT\n\n00:01.000 --> 00:02.000\nGrüße".encode("latin-1"))
    with pytest.raises(MalformedCaptions, match="no more than 2097152 bytes"):
        read_captions(b"WEBVTT\n\n" + b"NOTE\n\n" * 400_000)


@given(st.text(max_size=300), st.text(alphabet=" \n\r<>-:.0123456789abWEBVTNO/&{}\\", max_size=300))
def test_whatever_is_taken_is_read_back_the_same(wild: str, crafted: str) -> None:
    """Nothing in a cue's text can become a cue, or end one, in what is written."""
    for text in (wild, crafted, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{wild}\n{crafted}"):
        try:
            cues = read_captions(text.encode(errors="replace"))
        except MalformedCaptions:
            continue
        assert parse_webvtt(render_webvtt(cues).decode()) == cues


def test_an_excerpt_begins_at_its_own_zero() -> None:
    cues = (Cue(0, 1_000, "a"), Cue(500, 9_000, "b", "line:0"), Cue(5_000, 6_000, "c"))
    assert excerpt(cues, 1_000, 5_000) == (Cue(0, 4_000, "b", "line:0"),)
    assert excerpt(cues, 0, 6_000) == (cues[0], Cue(500, 6_000, "b", "line:0"), cues[2])
