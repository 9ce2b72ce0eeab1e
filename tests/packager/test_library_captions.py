"""Captions of a recording, from the library to the last segment, and away again."""

import m3u8
import pytest

from config.clock import ManualClock
from config.limits import SETTLED_RECHECK_MS
from media.captions.cue import Cue
from media.captions.reading import read_captions
from media.captions.webvtt import render_webvtt
from packager.archive import Archive
from packager.archive_captions import UnknownCaptions
from packager.archive_record import CaptionRecord
from packager.library import Library, Package, UnknownRendition, UnknownSegment
from packager.naming import CaptionPath
from tests.packager.clip import audio_clip, video_clip
from tests.packager.feeding import feed, renditions_of
from tests.packager.fetching import fetch, media_playlist

CLIPS = {"360p": video_clip(64, 36), "audio": audio_clip()}
GERMAN = CaptionRecord("de", "de", "", True, False, from_file=False, sha256="")
CUES = (Cue(0, 1_000, "one"), Cue(1_500, 4_500, "two"), Cue(7_900, 9_000, "three"))


async def opened(library: Library) -> Package:
    package = await library.get("ast_1")
    assert package is not None
    return package


async def recording(library: Library) -> Package:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    assert origin.captions == ()
    assert [one.name for one in origin.audio] == ["audio"]
    origin.end()
    await library.settle("ast_1")
    return await opened(library)


async def test_captions_are_watched_as_soon_as_they_are_put_until_they_are_removed(
    library: Library,
) -> None:
    bare = await recording(library)
    assert bare.captions == ()
    assert b"SUBTITLES" not in bare.multivariant()
    assert await library.put_captions("ast_1", GERMAN, render_webvtt(CUES))
    package = await opened(library)
    assert [(one.label, one.default) for one in package.captions] == [("Deutsch", True)]
    assert package.renditions() == bare.renditions()
    listed = m3u8.loads((await fetch(package, "master.m3u8")).decode())
    (captions,) = [one for one in listed.media if one.type == "SUBTITLES"]
    assert (captions.language, captions.uri) == ("de", "captions-de/index.m3u8")
    playlist = m3u8.loads(media_playlist(package, "captions-de"))
    texts = []
    for segment in playlist.segments:
        path = CaptionPath("captions-de", int(segment.uri.removesuffix(".vtt")))
        file = await package.file(path)
        assert (file.charge, file.media_type) == (None, "text/vtt")
        assert package.file_at_hand(path) == file
        texts.append([cue.text for cue in read_captions(file.body)] if b"-->" in file.body else [])
    assert texts == [["one", "two"], ["two"], ["two"], ["three"]]
    assert await library.read_captions("ast_1", "de") == render_webvtt(CUES)

    await library.remove_captions("ast_1", "de")
    gone = await opened(library)
    assert gone.multivariant() == bare.multivariant()
    with pytest.raises(UnknownRendition):
        await gone.file(CaptionPath("captions-de", 0))
    with pytest.raises(UnknownCaptions):
        await library.read_captions("ast_1", "de")


async def test_captions_have_no_segments_beyond_the_media(library: Library) -> None:
    await recording(library)
    await library.put_captions("ast_1", GERMAN, render_webvtt(CUES))
    package = await opened(library)
    assert package.file_at_hand(CaptionPath("captions-de", 0)) is None
    with pytest.raises(UnknownSegment):
        await package.file(CaptionPath("captions-de", 4))
    with pytest.raises(UnknownRendition):
        await package.file(CaptionPath("360p", 0))


async def test_captions_that_somebody_has_spoilt_on_disk_are_not_shown(library: Library) -> None:
    await recording(library)
    await library.put_captions("ast_1", GERMAN, b"not what we write")
    with pytest.raises(UnknownSegment):
        await (await opened(library)).file(CaptionPath("captions-de", 0))


async def test_another_process_s_captions_are_seen_after_a_while(
    library: Library, archive: Archive, clock: ManualClock
) -> None:
    await recording(library)
    await archive.put_captions("ast_1", GERMAN, render_webvtt(CUES))
    assert (await opened(library)).captions == ()
    clock.advance(SETTLED_RECHECK_MS)
    assert len((await opened(library)).captions) == 1
