"""Captions are cut where media is, and say where they are in its time."""

import re

from media.captions.cue import Cue
from media.captions.reading import read_captions
from packager.archive_index import parse_index
from packager.archive_record import AssetRecord, CaptionRecord, EndRecord, Record, encode_record
from packager.hls.captions import CaptionLayout, CaptionTrack, lay_out_captions
from packager.interval import Interval
from tests.packager.fetching import beside

SECOND = 90_000
GERMAN = CaptionRecord("de", "de", "", False, False, from_file=False, sha256="ab")
ENGLISH = CaptionRecord("en-gb", "en-GB", "For the deaf", True, False, False, "cd")


def laid_out(intervals: list[Interval], *records: Record) -> CaptionLayout:
    return lay_out_captions(parse_index(map(encode_record, [AssetRecord(3), *records])), intervals)


def interval(sequence: int, start: int, *, discontinuity: bool = False) -> Interval:
    """Of two seconds, from a second on."""
    at = start * SECOND
    return Interval(sequence, 0, at, at + 2 * SECOND, 0, discontinuity, int(discontinuity))


# A publisher was away between 14 and 24 seconds of media time.
INTERVALS = [interval(7, 10), interval(8, 12), interval(9, 24, discontinuity=True)]


def test_captions_have_the_lines_of_media() -> None:
    removed = CaptionRecord("fr", "fr", "", True, False, False, "")
    captions = laid_out(INTERVALS, ENGLISH, GERMAN, removed, EndRecord())
    assert [(each.name, each.label, each.default) for each in captions.choices] == [
        ("captions-de", "Deutsch", False),
        ("captions-en-gb", "For the deaf", True),
    ]
    assert beside(captions.playlists["captions-de"], "captions-de") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXTINF:2.000000,\n"
        "7.vtt\n"
        "#EXTINF:2.000000,\n"
        "8.vtt\n"
        "#EXT-X-DISCONTINUITY\n"
        "#EXTINF:2.000000,\n"
        "9.vtt\n"
        "#EXT-X-ENDLIST\n"
    )


def place(segment: bytes) -> tuple[int, int]:
    """A moment of the captions in milliseconds, and of media in 1/90000 s."""
    found = re.search(rb"\nX-TIMESTAMP-MAP=LOCAL:00:00:(\d\d)\.000,MPEGTS:(\d+)\n\n", segment)
    assert found is not None
    return int(found[1]) * 1000, int(found[2])


def test_a_cue_is_in_each_segment_during_which_it_is_shown_with_its_whole_time() -> None:
    cues = (
        Cue(0, 1_000, "one"),
        Cue(1_500, 4_200, "through", "line:0"),
        Cue(1_600, 2_000, "to the end"),
        Cue(4_000, 5_000, "last"),
    )
    track = CaptionTrack(cues)
    spans = laid_out(INTERVALS, GERMAN).spans
    texts = []
    for sequence, start in ((7, 10), (8, 12), (9, 24)):
        segment = track.segment(spans[sequence])
        found = read_captions(segment)
        assert set(found) <= set(cues)
        texts.append([each.text for each in found])
        local_ms, media = place(segment)
        played = (sequence - 7) * 2_000
        assert media - local_ms * 90 == start * SECOND - played * 90
        assert media != start * SECOND
    assert texts == [["one", "through", "to the end"], ["through"], ["through", "last"]]


def test_silence_is_a_segment_too_and_a_day_is_no_end() -> None:
    day = Interval(0, 0, 27 * 3600 * SECOND, 27 * 3600 * SECOND + 2 * SECOND, 0, False, 0)
    span = laid_out([day], GERMAN).spans[0]
    segment = CaptionTrack((Cue(5_000, 6_000, "later"),)).segment(span)
    assert b"-->" not in segment
    assert place(segment + b"\n")[1] == (27 * 3600 + 10) * SECOND - 2**33
