"""Playlists of encrypted segments: which key and which init segment is for which segment."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

import m3u8
import pytest

from packager.asset_terms import Encryption
from packager.hls.key_schedule import KeySchedule
from packager.hls.playlist import (
    MediaPlaylist,
    PlaylistSegment,
    PlaylistType,
    render_media_playlist,
)
from packager.hls.protection import Protection
from packager.playlist_text import token_group
from tests.packager.hls.test_playlist import interval, segment

WHOLE = Protection("ast_1", Encryption.AES_128, 1, KeySchedule(b"secret"), "")


def rendered(protection: Protection, *segments: PlaylistSegment) -> str:
    playlist = MediaPlaylist("720p", 3, segments, PlaylistType.LIVE, False, protection=protection)
    return render_media_playlist(playlist).fill(lambda group: b"token-%d" % group).decode()


def tags(text: str) -> list[str]:
    """What is said of keys, init segments, gaps and segments, in short."""
    found = []
    for line in text.splitlines():
        if line.startswith("#EXT-X-KEY"):
            uri = re.search(r'URI="[^"]*/([^"/]+)"', line)
            found.append("no key" if uri is None else uri[1])
        elif line.startswith("#EXT-X-MAP"):
            found.append(line.rpartition("/")[2].strip('"'))
        elif line.startswith(("#EXT-X-GAP", "#EXT-X-DISC")) and "SEQUENCE" not in line:
            found.append(line.removeprefix("#EXT-X-").lower())
        elif not line.startswith("#"):
            found.append(line.rpartition("/")[2])
    return found


def test_whole_files_have_a_key_each_and_a_clear_init_segment() -> None:
    text = rendered(
        WHOLE,
        segment(interval(41)),
        segment(interval(42), gap=True),
        segment(interval(43)),
        segment(interval(44, epoch=1, discontinuity=True, discontinuities=1), rendition="480p"),
    )
    assert tags(text) == [
        *("init-0.mp4", "41.key", "41.m4s"),
        *("42.key", "gap", "42.m4s"),
        *("43.key", "43.m4s"),
        *("discontinuity", "no key", "init-1.mp4", "44.key", "44.m4s"),
    ]
    vector = KeySchedule(b"secret").vector("ast_1", 41).hex()
    assert f'#EXT-X-KEY:METHOD=AES-128,URI="../../token-1/keys/41.key",IV=0x{vector}\n' in text
    assert '#EXT-X-MAP:URI="/media/ast_1/720p/init-0.mp4"\n' in text
    assert "\n/media/ast_1/720p/41.m4s\n" in text
    assert "\n/media/ast_1/480p/44.m4s\n" in text


def test_an_independent_reader_finds_the_key_of_each_segment() -> None:
    found = m3u8.loads(rendered(WHOLE, segment(interval(41)), segment(interval(42))))
    assert [each.key.uri for each in found.segments] == [
        f"../../token-1/keys/{number}.key" for number in (41, 42)
    ]
    assert {each.init_section.uri for each in found.segments} == {"/media/ast_1/720p/init-0.mp4"}


@pytest.mark.parametrize("encryption", [Encryption.AES_128, Encryption.CBCS])
def test_neighbours_share_a_key_whose_token_is_that_of_the_first(encryption: Encryption) -> None:
    protection = replace(WHOLE, encryption=encryption, key_segments=3)
    shown = [segment(interval(number), gap=number == 33) for number in range(30, 36)]
    text = rendered(protection, *shown)
    numbers = [line for line in tags(text) if line.endswith(".key")]
    assert numbers == ["30.key", "33.key"]
    assert token_group(30) != token_group(33)
    assert "token-0/keys/30.key" in text
    assert "token-1/keys/33.key" in text


def test_init_segments_that_name_their_key_change_with_it() -> None:
    protection = replace(WHOLE, encryption=Encryption.CBCS, media_url="https://cdn.example.org")
    text = rendered(protection, segment(interval(41)), segment(interval(42)))
    assert tags(text) == [
        *("41.key", "init-0.41.mp4", "41.m4s"),
        *("42.key", "init-0.42.mp4", "42.m4s"),
    ]
    for sequence in (41, 42):
        name = KeySchedule(b"secret").key_id("ast_1", sequence).hex()
        assert f',KEYFORMAT="identity",KEYID=0x{name}\n' in text
    assert "METHOD=SAMPLE-AES," in text
    addresses = [line for line in text.splitlines() if not line.startswith("#")]
    addresses += [each[1] for each in re.finditer(r'MAP:URI="([^"]+)"', text)]
    assert {urlsplit(each).hostname for each in addresses} == {"cdn.example.org"}
