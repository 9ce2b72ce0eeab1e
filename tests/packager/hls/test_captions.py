"""Captions are cut where media is, and say where they are in its time."""

from media.captions.cue import Cue
from media.captions.reading import read_captions
from packager.archive_index import parse_index
from packager.archive_record import AssetRecord, CaptionRecord, EndRecord, Record, encode_record
from packager.hls.captions import CaptionLayout, CaptionSpan, CaptionTrack, lay_out_captions
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


def shown(track: CaptionTrack, span: CaptionSpan) -> list[tuple[int, int, str]]:
    segment = track.segment(span)
    assert segment.startswith(b"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n")
    assert segment.endswith(b"\n\n")
    if b"-->" not in segment:
        return []
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in read_captions(segment)]


CUES = (
    Cue(0, 1_000, "one"),
    Cue(1_500, 4_200, "through", "line:0"),
    Cue(1_600, 2_000, "to the end"),
    Cue(4_000, 5_000, "last"),
)


def test_a_cue_is_in_each_segment_during_which_it_is_shown_with_its_whole_time() -> None:
    """In the time of the media, which goes on elsewhere after a discontinuity."""
    track, spans = CaptionTrack(CUES), laid_out(INTERVALS, GERMAN).spans
    assert shown(track, spans[7]) == [
        (10_000, 11_000, "one"),
        (11_500, 14_000, "through"),
        (11_600, 12_000, "to the end"),
    ]
    assert b"--> 00:00:14.000 line:0\n" in track.segment(spans[7])
    assert shown(track, spans[8]) == [(11_500, 14_000, "through")]
    assert shown(track, spans[9]) == [(24_000, 24_200, "through"), (24_000, 25_000, "last")]


def test_silence_is_a_segment_too() -> None:
    spans = laid_out(INTERVALS, GERMAN).spans
    assert shown(CaptionTrack((Cue(5_000, 6_000, "later"),)), spans[7]) == []


def test_a_long_cue_hides_none_that_come_after_it() -> None:
    """Cues are found by when all before them are over."""
    cues = (Cue(0, 5_900, "long"), *(Cue(n * 100, n * 100 + 50, f"{n}") for n in range(60)))
    track, spans = CaptionTrack(cues), laid_out(INTERVALS, GERMAN).spans
    texts = [text for *_, text in shown(track, spans[8])]
    assert texts == ["long", *(f"{n}" for n in range(20, 40))]
