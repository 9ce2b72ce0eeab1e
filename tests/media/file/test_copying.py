"""When a file's own packets are handed on."""

from array import array
from dataclasses import replace

import pytest

from media.file.copying import VideoCopying, audio_flaw, refresh_interval, video_flaw
from media.file.placement import PlacedTrack, Placement
from media.timeline import TIMELINE_START
from media.units import VIDEO_TIMESCALE, MediaKind
from media.wire.nal import MalformedAccessUnit, length_prefixed_to_annex_b, parse_avc_configuration
from tests.media.transcode.synthetic import audio_source, video_source

SOURCE = video_source(320, 180, seconds=2, keyframe_every=15)
RECORD = SOURCE.track.extradata
SETS = parse_avc_configuration(RECORD)
ANNEX_B = b"".join(b"\0\0\0\1" + one for one in (*SETS.sequence_sets, *SETS.picture_sets))
AAC = audio_source(seconds=1).track.extradata
SECOND = VIDEO_TIMESCALE
START = TIMELINE_START


def looked(extradata: bytes = RECORD, *, annex_b: bool = False, clean: bool = True) -> VideoCopying:
    copying = VideoCopying("h264", extradata)
    for packet in SOURCE.packets:
        data = length_prefixed_to_annex_b(packet.data) if annex_b else packet.data
        copying.look(data if packet.keyframe else None, clean=clean)
    return copying


def placement(start: int = START, end: int = START + 2 * SECOND, **times: list[int]) -> Placement:
    pts = array("q", times.get("pts", [start, start + SECOND]))
    dts = array("q", times.get("dts", [start, start + SECOND]))
    sound = PlacedTrack(array("q"), array("q"), START, START + 2 * SECOND)
    video = PlacedTrack(dts, pts, start, end)
    tracks = {(MediaKind.VIDEO, 0): video, (MediaKind.AUDIO, 0): sound}
    return Placement(tracks, 0, shift=lambda time: time, one_clock=True)


@pytest.mark.parametrize("annex_b", [False, True])
def test_both_framings_of_h264_are_understood(annex_b: bool) -> None:
    copying = looked(ANNEX_B if annex_b else RECORD, annex_b=annex_b)
    assert copying.flaw == ""
    assert copying.refreshes == [0, 15]
    assert parse_avc_configuration(copying.configuration).sequence_sets == SETS.sequence_sets
    first = SOURCE.packets[0].data
    assert copying.unit(length_prefixed_to_annex_b(first) if annex_b else first) == first
    assert video_flaw(copying, placement()) == ""


def test_other_codecs_have_no_configuration() -> None:
    assert VideoCopying("hevc", b"").configuration == b""


def test_parameters_that_change_are_seen() -> None:
    copying = looked()
    other = parse_avc_configuration(video_source(640, 360, seconds=1).track.extradata)
    unit = other.sequence_sets[0]
    copying.look(len(unit).to_bytes(4, "big") + unit, clean=True)
    assert "configuration" in copying.flaw


def test_packets_that_are_damaged_hidden_or_without_time_are_not_copied() -> None:
    assert looked(clean=False).flaw
    copying = looked()
    copying.look(b"\0\0\0\xff\x65", clean=True)
    assert copying.flaw
    with pytest.raises(MalformedAccessUnit):
        copying.unit(b"\0\0\0\xff\x65")
    assert VideoCopying("h264", b"\1\2").flaw


@pytest.mark.parametrize(
    "placed",
    [
        replace(placement(), jumps=1),
        placement(start=START + SECOND),
        placement(end=START - SECOND),
        placement(pts=[START, START + SECOND], dts=[START, START]),
        placement(pts=[START, START], dts=[START, START + 1]),
        placement(pts=[START, START + 9 * SECOND], dts=[START, START + 1]),
    ],
)
def test_times_that_players_stumble_over_are_not_copied(placed: Placement) -> None:
    assert video_flaw(looked(), placed)


def test_a_film_that_begins_between_keyframes_is_not_copied() -> None:
    copying = VideoCopying("h264", RECORD)
    copying.look(None, clean=True)
    copying.look(SOURCE.packets[0].data, clean=True)
    assert video_flaw(copying, placement())
    assert video_flaw(VideoCopying("h264", RECORD), placement())


def test_the_longest_way_between_keyframes_counts_the_last_one() -> None:
    assert refresh_interval((0, 10, 40), 50) == 30
    assert refresh_interval((0, 10), 50) == 40
    assert refresh_interval((), 50) == 0


def test_only_plain_aac_is_copied() -> None:
    assert audio_flaw("aac", AAC, 48_000, 700) == ""
    assert audio_flaw("mp3float", b"", 48_000, 700)
    assert audio_flaw("aac", b"", 48_000, 700)
    assert "LC" in audio_flaw("aac", AAC, 96_000, 700)
    assert "LC" in audio_flaw("aac", bytes.fromhex("2b920800"), 48_000, 700)
    assert "larger" in audio_flaw("aac", AAC, 48_000, 2_000)
    assert "unusual" in audio_flaw("aac", bytes.fromhex("1588"), 8_000, 700)
