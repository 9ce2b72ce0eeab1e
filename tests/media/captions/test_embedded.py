"""Captions out of films, of every coding that is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import CAPTION_CUES_AT_ONCE_MAX
from media.captions.cue import Cue
from media.captions.embedded import CODINGS, TextTrack
from media.captions.reading import read_captions
from media.captions.webvtt import render_webvtt


def one(coding: str, packet: bytes) -> str:
    track = TextTrack(coding)
    track.take(packet, 0, 1_000)
    return "".join(cue.text for cue in track.cues(lambda time: time))


@pytest.mark.parametrize(
    ("coding", "packet", "text"),
    [
        ("subrip", b"<font color=#fff>Hello</font> <I>you</I>\r\nthere", "Hello <i>you</i>\nthere"),
        ("srt", b"{\\an8}up", "up"),
        ("webvtt", b"<v Fred>I --> you</v>", "<v Fred>I -> you</v>"),
        ("text", "Grüße".encode("latin-1"), "Gr\ufffd\ufffde"),
        ("ass", rb"3,0,Default,,0,0,0,,{\i1}One{\i0}, two\Nthree\hfour", "One, two\nthree four"),
        ("ssa", rb"3,0,Default,,0,0,0,,{\p1}m 0 0 l 9 9{\p0}", ""),
        ("mov_text", b"\x00\x08a<b>&c\nd\x00\x00\x00\x10styl", "a&lt;b&gt;&amp;c\nd"),
        ("mov_text", b"\x00\x08" + "\ufeffäöü".encode("utf-16-be"), "äöü"),
        ("mov_text", b"\x00\x00", ""),
        ("mov_text", b"\xff", ""),
    ],
)
def test_a_packet_says_what_is_to_be_read(coding: str, packet: bytes, text: str) -> None:
    assert one(coding, packet) == text


def test_cues_have_ends_also_when_the_file_does_not_say_them() -> None:
    track = TextTrack("subrip")
    for pts, duration, text in (
        (9_000, 0, b"last"),
        (0, 1_500, b"first"),
        (2_000, 0, b"until the next"),
        (3_000, 0, b"a while"),
        (-9_000, 500, b"before all"),
        (7_000, 900_000, b"very long"),
    ):
        track.take(text, pts, duration)
    assert track.cues(lambda time: time) == (
        Cue(0, 1_500, "first"),
        Cue(2_000, 3_000, "until the next"),
        Cue(3_000, 7_000, "a while"),
        Cue(7_000, 67_000, "very long"),
        Cue(9_000, 13_000, "last"),
    )


def test_what_a_film_has_too_much_of_is_left_out() -> None:
    crowd, novel = TextTrack("subrip"), TextTrack("subrip")
    for number in range(2 * CAPTION_CUES_AT_ONCE_MAX):
        crowd.take(b"x", number, 10_000)
    assert len(crowd.cues(lambda time: time)) == CAPTION_CUES_AT_ONCE_MAX
    for number in range(5_000):
        novel.take(b"x" * 9_999, number * 1_000, 1_000)
    read_captions(render_webvtt(novel.cues(lambda time: time)))


@given(
    st.sampled_from(sorted(CODINGS)),
    st.lists(st.tuples(st.binary(max_size=60), st.integers(), st.integers()), max_size=20),
)
def test_whatever_packets_say_the_server_takes_what_becomes_of_them(
    coding: str, packets: list[tuple[bytes, int, int]]
) -> None:
    track = TextTrack(coding)
    for data, pts, duration in packets:
        track.take(data, pts, duration)
    cues = track.cues(lambda time: time)
    if cues:
        assert read_captions(render_webvtt(cues)) == cues
