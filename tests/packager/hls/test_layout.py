from dataclasses import replace

import m3u8
import pytest

from media.units import MediaKind, Track
from media.wire.fmp4_iframe import IFRAME_HEADER_BYTES
from packager.archive_index import parse_index
from packager.archive_record import (
    AssetRecord,
    EndRecord,
    EpochRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    encode_record,
)
from packager.hls.layout import Layout, lay_out
from packager.package import UnknownAsset
from tests.packager.fetching import beside

SECOND = 90_000


def video(height: int) -> Track:
    return Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"", height * 16 // 9, height, (30, 1))


AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)


def segment(rendition: str, sequence: int, epoch: int = 0, size: int = 1000) -> SegmentRecord:
    start = (10 + 2 * sequence) * SECOND
    end = start + 2 * SECOND
    return SegmentRecord(rendition, sequence, epoch, start, end, 0, size, "", True)


def epoch(number: int, **tracks: Track) -> EpochRecord:
    return EpochRecord(number, tuple((name.strip("_"), track) for name, track in tracks.items()))


def laid_out(*records: Record) -> Layout:
    lines = map(encode_record, [AssetRecord(3), *records])
    return lay_out(parse_index(lines))


def uris(layout: Layout, rendition: str) -> list[str]:
    """Segments' URIs; gaps in brackets, discontinuities with a bar before."""
    playlist = m3u8.loads(beside(layout.playlists[rendition], rendition))
    return [
        ("|" if each.discontinuity else "") + (f"({each.uri})" if each.gap_tag else each.uri)
        for each in playlist.segments
    ]


def test_an_asset_killed_between_renditions_is_playable_to_its_last_segment() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360), audio=AUDIO),
        segment("360p", 0),
        segment("audio", 0),
        segment("360p", 1),
    )
    assert uris(layout, "360p") == ["0.m4s", "1.m4s"]
    assert uris(layout, "audio") == ["0.m4s", "(1.m4s)"]
    assert layout.duration == 4 * SECOND
    assert layout.inits == (("360p", 0), ("audio", 0))
    assert "#EXT-X-ENDLIST" in beside(layout.playlists["360p"], "360p")


def test_rates_are_measured() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360), audio=AUDIO),
        segment("360p", 0, size=1000),
        segment("360p", 1, size=3000),
        segment("audio", 0, size=500),
        segment("audio", 1, size=500),
        EndRecord(),
    )
    (variant,) = m3u8.loads(layout.multivariant.decode()).playlists
    assert variant.stream_info.bandwidth == 12_000 + 2000
    assert variant.stream_info.average_bandwidth == 8000 + 2000


def test_a_rendition_that_was_shed_is_not_offered() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360), _720p=video(720)),
        *(segment(name, 0) for name in ("360p", "720p")),
        RetiredRecord("720p", "too slow"),
        segment("360p", 1),
    )
    assert set(layout.playlists) == {"360p"}


def test_what_was_shed_is_offered_when_nothing_else_is_left() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360), audio=AUDIO),
        segment("360p", 0),
        segment("audio", 0),
        RetiredRecord("360p", "too slow"),
    )
    assert set(layout.playlists) == {"360p", "audio"}


def test_the_nearest_rendition_stands_in_for_one_that_an_epoch_lacks() -> None:
    layout = laid_out(
        epoch(0, source=video(1080), _360p=video(360), audio=AUDIO),
        *(segment(name, n) for n in (0, 1, 2) for name in ("source", "360p", "audio")),
        epoch(1, _720p=video(720), _360p=video(360), audio=AUDIO),
        *(segment(name, n, 1) for n in (3, 4) for name in ("720p", "360p", "audio")),
        EndRecord(),
    )
    assert set(layout.playlists) == {"source", "360p", "audio"}
    own = ["0.m4s", "1.m4s", "2.m4s"]
    assert uris(layout, "source") == [*own, "|../720p/3.m4s", "../720p/4.m4s"]
    assert uris(layout, "360p") == [*own, "|3.m4s", "4.m4s"]
    assert uris(layout, "audio") == [*own, "|3.m4s", "4.m4s"]
    assert ("720p", 1) in layout.inits


def test_one_that_was_shed_in_an_epoch_is_stood_in_for() -> None:
    layout = laid_out(
        epoch(0, _720p=video(720), _360p=video(360)),
        *(segment(name, n) for n in (0, 1, 2) for name in ("720p", "360p")),
        epoch(1, _720p=video(720), _360p=video(360)),
        *(segment(name, 3, 1) for name in ("720p", "360p")),
        RetiredRecord("720p", "too slow"),
        segment("360p", 4, 1),
    )
    assert uris(layout, "720p")[3:] == ["|../360p/3.m4s", "../360p/4.m4s"]


def test_a_hole_in_time_is_a_discontinuity() -> None:
    late = replace(segment("360p", 1), start=40 * SECOND, end=42 * SECOND)
    layout = laid_out(epoch(0, _360p=video(360)), segment("360p", 0), late)
    assert uris(layout, "360p") == ["0.m4s", "|1.m4s"]
    assert layout.duration == 4 * SECOND


def test_segments_whose_epoch_is_lost_cannot_be_played() -> None:
    layout = laid_out(epoch(0, _360p=video(360)), segment("360p", 0), segment("360p", 1, 1))
    assert uris(layout, "360p") == ["0.m4s"]


def test_audio_that_came_late_has_gaps_before() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360)),
        segment("360p", 0),
        epoch(1, _360p=video(360), audio=AUDIO),
        *(segment(name, n, 1) for n in (1, 2) for name in ("360p", "audio")),
    )
    assert uris(layout, "audio") == ["(0.m4s)", "|1.m4s", "2.m4s"]


@pytest.mark.parametrize(
    "records",
    [[], [epoch(0, _360p=video(360))], [segment("360p", 0)]],
    ids=["nothing", "no segment", "no epoch"],
)
def test_nothing_that_can_be_played_is_no_asset(records: list[Record]) -> None:
    with pytest.raises(UnknownAsset):
        laid_out(*records)


def test_a_growing_asset_offers_what_all_its_renditions_have() -> None:
    records: list[Record] = [
        AssetRecord(3, from_file=True),
        epoch(0, _360p=video(360), audio=AUDIO),
        *(segment(name, 0) for name in ("360p", "audio")),
        segment("360p", 1),
        segment("720p", 0),
    ]
    layout = lay_out(parse_index(map(encode_record, records)))
    assert uris(layout, "360p") == uris(layout, "audio") == ["0.m4s"]
    assert "ENDLIST" not in beside(layout.playlists["360p"], "360p")
    assert (layout.growing, layout.settled, layout.duration) == (True, False, 2 * SECOND)
    assert set(layout.segments) == {"360p", "audio"}
    with pytest.raises(UnknownAsset):
        lay_out(parse_index(map(encode_record, records[:3])))
    records += [segment("audio", 1), EndRecord(passes_follow=True)]
    layout = lay_out(parse_index(map(encode_record, records)))
    assert uris(layout, "360p") == uris(layout, "audio") == ["0.m4s", "1.m4s"]
    assert (layout.growing, layout.settled) == (False, False)
    records += [segment("720p", 1), epoch(0, _720p=video(720)), EndRecord()]
    layout = lay_out(parse_index(map(encode_record, records)))
    assert set(layout.playlists) == {"360p", "audio", "720p"}
    assert layout.settled


def with_iframe(rendition: str, sequence: int, size: int, epoch: int = 0) -> SegmentRecord:
    return replace(segment(rendition, sequence, epoch), iframe_bytes=size)


def test_i_frames_of_the_smallest_rendition_are_offered_at_their_own_rate() -> None:
    layout = laid_out(
        epoch(0, _360p=video(360), _720p=video(720), audio=AUDIO),
        *(segment("audio", n) for n in range(3)),
        *(with_iframe("720p", n, 900) for n in range(3)),
        with_iframe("360p", 0, 100),
        segment("360p", 1),
        with_iframe("360p", 2, 300),
        EndRecord(),
    )
    (variant,) = m3u8.loads(layout.multivariant.decode()).iframe_playlists
    info = variant.iframe_stream_info
    assert (variant.uri, info.resolution) == ("360p/iframes.m3u8", (640, 360))
    assert info.bandwidth == 4 * (300 + IFRAME_HEADER_BYTES)
    assert info.average_bandwidth == 2 * (400 + 2 * IFRAME_HEADER_BYTES)
    assert layout.iframes is not None
    playlist = m3u8.loads(beside(layout.iframes.playlist, "360p"))
    assert [each.uri for each in playlist.segments] == [f"{n}.iframe.m4s" for n in range(3)]
    assert [bool(each.gap_tag) for each in playlist.segments] == [False, True, False]
    assert playlist.is_i_frames_only
    assert layout.iframes.shown == {("360p", 0), ("360p", 2)}


def test_a_recording_that_says_nothing_of_i_frames_offers_none() -> None:
    layout = laid_out(epoch(0, _360p=video(360)), segment("360p", 0), EndRecord())
    assert layout.iframes is None
    assert b"I-FRAME" not in layout.multivariant


def test_a_clip_begins_where_it_was_cut() -> None:
    lines: list[Record] = [
        AssetRecord(3, begin=45_000),
        epoch(0, _360p=video(360)),
        segment("360p", 7),
    ]
    layout = lay_out(parse_index(map(encode_record, lines)))
    text = beside(layout.playlists["360p"], "360p")
    assert "#EXT-X-START:TIME-OFFSET=0.500000,PRECISE=YES" in text
    assert m3u8.loads(text).start.precise == "YES"
