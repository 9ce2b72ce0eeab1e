"""Playlists, read back by the m3u8 package."""

from dataclasses import replace
from datetime import UTC, datetime

import m3u8
from hypothesis import given
from hypothesis import strategies as st

from packager.hls.boundaries import Boundaries
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    PlaylistType,
    render_media_playlist,
)
from packager.interval import Interval
from tests.packager.fetching import beside

SECOND = 90_000


def interval(sequence: int, **changes: int | bool) -> Interval:
    start = (10 + 2 * sequence) * SECOND
    wall_ms = 1_700_000_000_000 + 2000 * sequence
    made = Interval(sequence, 0, start, start + 2 * SECOND, wall_ms, False, 0)
    return replace(made, **changes)  # type: ignore[arg-type]


def live(*segments: PlaylistSegment) -> MediaPlaylist:
    return MediaPlaylist("720p", 3, segments, PlaylistType.LIVE, ended=False)


def segment(
    interval: Interval, *, gap: bool = False, independent: bool = True, rendition: str = "720p"
) -> PlaylistSegment:
    return PlaylistSegment(interval, gap, independent, rendition)


def test_a_live_playlist_reads_as_it_should() -> None:
    playlist = live(segment(interval(41)), segment(interval(42)))
    assert beside(render_media_playlist(playlist), "720p") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-MEDIA-SEQUENCE:41\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:42.000Z\n"
        '#EXT-X-MAP:URI="init-0.mp4"\n'
        "#EXTINF:2.000000,\n"
        "41.m4s\n"
        "#EXTINF:2.000000,\n"
        "42.m4s\n"
    )


def test_an_independent_reader_finds_the_same() -> None:
    playlist = live(
        segment(interval(41)),
        segment(interval(42), gap=True),
        segment(interval(43, epoch=1, discontinuity=True, discontinuities=1)),
    )
    found = m3u8.loads(beside(render_media_playlist(playlist), "720p"))
    assert found.media_sequence == 41
    assert found.discontinuity_sequence == 0
    assert found.target_duration == 3
    assert (found.playlist_type, found.is_endlist) == (None, False)
    first, second, third = found.segments
    assert [each.uri for each in found.segments] == ["41.m4s", "42.m4s", "43.m4s"]
    assert [bool(each.gap_tag) for each in found.segments] == [False, True, False]
    assert [each.discontinuity for each in found.segments] == [False, False, True]
    assert first.init_section.uri == second.init_section.uri == "init-0.mp4"
    assert third.init_section.uri == "init-1.mp4"
    at = datetime(2023, 11, 14, 22, 14, 46, tzinfo=UTC)
    assert third.program_date_time == at


def test_a_finished_asset_is_on_demand() -> None:
    playlist = MediaPlaylist("720p", 3, [segment(interval(0))], PlaylistType.VOD, ended=True)
    found = m3u8.loads(beside(render_media_playlist(playlist), "720p"))
    assert (found.playlist_type, found.is_endlist, found.media_sequence) == ("vod", True, 0)


def test_a_growing_asset_is_played_from_its_start_and_promises_nothing_of_the_rest() -> None:
    timeless = [segment(interval(n, wall_ms=0)) for n in range(2)]
    playlist = MediaPlaylist("720p", 3, timeless, PlaylistType.EVENT, ended=False)
    assert beside(render_media_playlist(playlist), "720p") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXT-X-START:TIME-OFFSET=0\n"
        '#EXT-X-MAP:URI="init-0.mp4"\n'
        "#EXTINF:2.000000,\n"
        "0.m4s\n"
        "#EXTINF:2.000000,\n"
        "1.m4s\n"
    )


def test_a_gap_needs_no_init_segment() -> None:
    playlist = live(segment(interval(0), gap=True), segment(interval(1)))
    text = beside(render_media_playlist(playlist), "720p")
    assert text.index("#EXT-X-GAP") < text.index("#EXT-X-MAP") < text.index("1.m4s")


def test_segments_of_another_rendition_come_with_its_init_segment() -> None:
    playlist = live(
        segment(interval(0), rendition="360p"),
        segment(interval(1, epoch=1, discontinuity=True, discontinuities=1)),
    )
    found = m3u8.loads(beside(render_media_playlist(playlist), "720p"))
    assert [each.uri for each in found.segments] == ["../360p/0.m4s", "1.m4s"]
    inits = [each.init_section.uri for each in found.segments]
    assert inits == ["../360p/init-0.mp4", "init-1.mp4"]


def test_segments_without_a_keyframe_are_not_called_independent() -> None:
    playlist = live(segment(interval(0)), segment(interval(1), independent=False))
    assert "INDEPENDENT" not in beside(render_media_playlist(playlist), "720p")


@given(
    st.lists(st.tuples(st.integers(1, 4 * SECOND), st.booleans(), st.booleans()), min_size=1),
    st.integers(0, 20),
)
def test_numbers_agree_with_what_left_the_window(
    steps: list[tuple[int, bool, bool]], first: int
) -> None:
    """DISCONTINUITY-SEQUENCE is how many EXT-X-DISCONTINUITY tags were removed with segments."""
    boundaries = Boundaries(target_duration=3)
    boundaries.begin_epoch()
    start = 10 * SECOND
    boundaries.open(start, 0)
    for step, new_epoch, _ in steps:
        if new_epoch:
            boundaries.close(start + min(step, boundaries.duration_max))
            boundaries.begin_epoch()
        start += step
        boundaries.open(start, 0)
    found = [boundaries.interval(sequence) for sequence in range(len(steps))]
    every = [
        segment(each, gap=step[2])
        for each, step in zip(found, steps, strict=True)
        if each is not None
    ]
    first = min(first, len(every) - 1)
    text = beside(render_media_playlist(live(*every[first:])), "720p")
    playlist = m3u8.loads(text)
    assert playlist.media_sequence == first
    removed = sum(each.interval.discontinuity for each in every[:first])
    assert playlist.discontinuity_sequence == removed
    assert [each.discontinuity for each in playlist.segments] == [
        each.interval.discontinuity for each in every[first:]
    ]
    for shown, expected in zip(playlist.segments, every[first:], strict=True):
        assert abs(shown.duration - expected.interval.duration / SECOND) < 0.000_01
        assert int(shown.duration + 0.5) <= 3


def test_i_frames_have_a_playlist_with_the_same_lines() -> None:
    """A segment without a first keyframe is a gap, so that all playlists have the same numbers."""
    shown = [segment(interval(40)), segment(interval(41), gap=True), segment(interval(42))]
    playlist = replace(live(*shown), iframes=True)
    assert beside(render_media_playlist(playlist), "720p") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-MEDIA-SEQUENCE:40\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-I-FRAMES-ONLY\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:40.000Z\n"
        '#EXT-X-MAP:URI="init-0.mp4"\n'
        "#EXTINF:2.000000,\n"
        "40.iframe.m4s\n"
        "#EXT-X-GAP\n"
        "#EXTINF:2.000000,\n"
        "41.iframe.m4s\n"
        "#EXTINF:2.000000,\n"
        "42.iframe.m4s\n"
    )
