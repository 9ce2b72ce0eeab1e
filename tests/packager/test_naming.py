import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager.naming import (
    CaptionPath,
    IFramePath,
    InitPath,
    KeyPath,
    PartPath,
    Path,
    PlaylistPath,
    SegmentPath,
    iframe_name,
    iframe_playlist_path,
    init_name,
    is_name,
    parse_path,
    path_text,
    playlist_path,
    segment_name,
)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("master.m3u8", PlaylistPath(None)),
        ("720p/index.m3u8", PlaylistPath("720p")),
        ("720p/iframes.m3u8", PlaylistPath("720p", iframes=True)),
        ("720p/41.iframe.m4s", IFramePath("720p", 41)),
        ("720p/41.3.m4s", PartPath("720p", 41, 3)),
        ("source/init-0.mp4", InitPath("source", "init-0.mp4")),
        ("audio/41.m4s", SegmentPath("audio", 41)),
        ("audio/0.m4s", SegmentPath("audio", 0)),
        ("720p/init-1.41.mp4", InitPath("720p", "init-1.41.mp4")),
        ("keys/41.key", KeyPath(41)),
        ("keys/41.m4s", SegmentPath("keys", 41)),
        ("captions-pt-br/7.vtt", CaptionPath("captions-pt-br", 7)),
    ],
)
def test_a_path_names_one_thing(path: str, named: Path) -> None:
    assert parse_path(path) == named
    assert path_text(named) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "index.m3u8",
        "720p",
        "720p/",
        "720p/master.m3u8",
        "720p/41",
        "720p/041.m4s",
        "720p/41.03.m4s",
        "720p/041.iframe.m4s",
        "720p/41.iframes.m4s",
        "720p/07.vtt",
        "720p/7.0.vtt",
        "720p/7.key",
        "keys/07.key",
        "720p/init-1.2.3.mp4",
        "720p/-1.m4s",
        "720p/+1.m4s",
        "720p/\u0661.m4s",
        "720p/init-\u0661.mp4",
        "720p/init-.mp4",
        "720p/init-1.mp4\n",
        "720p/41.m4s/",
        "/720p/41.m4s",
        "../720p/41.m4s",
        "720P/41.m4s",
        "_/41.m4s",
        "%2e%2e/41.m4s",
        "720p//41.m4s",
        f"{'a' * 65}/41.m4s",
        "720p/9999999999999999999.m4s",
    ],
)
def test_other_paths_name_nothing(path: str) -> None:
    assert parse_path(path) is None


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True), st.integers(0, 10**9 - 1))
def test_what_playlists_name_can_be_asked_for(rendition: str, number: int) -> None:
    assert is_name(rendition)
    assert parse_path(playlist_path(rendition)) == PlaylistPath(rendition)
    assert parse_path(f"{rendition}/{segment_name(number)}") == SegmentPath(rendition, number)
    assert parse_path(iframe_playlist_path(rendition)) == PlaylistPath(rendition, iframes=True)
    assert parse_path(f"{rendition}/{iframe_name(number)}") == IFramePath(rendition, number)
    named = InitPath(rendition, init_name(number))
    assert parse_path(f"{rendition}/{init_name(number)}") == named


@given(st.text())
def test_no_path_raises(path: str) -> None:
    parse_path(path)
