"""Recordings as MP4 files: what libav finds in them is what the segments hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import av
import m3u8
import pytest

from config.clock import ManualClock
from config.limits import MOVIE_LAYOUTS_WAITING_MAX
from config.tasks import spawn
from media.units import VIDEO_TIMESCALE
from packager.library import HlsSettings, Library, Package, UnknownRendition, UnknownSegment
from packager.movies import (
    Movie,
    Movies,
    SeveralParts,
    StillMade,
    TooManyMovies,
    UnknownPart,
    Wish,
)
from packager.on_demand_writer import OnDemandWriter
from packager.package import UnknownAsset
from tests.packager import fetching
from tests.packager.clip import START_S, Clip, audio_clip, shifted, video_clip
from tests.packager.feeding import feed, renditions_of
from tests.packager.fetching import media_playlist

SECONDS = 8
CLIPS: dict[str, Clip] = {
    "360p": video_clip(64, 36, b_frames=2),
    "720p": video_clip(128, 72, b_frames=2),
    "audio": audio_clip(sample_rate=44_100),
}


@pytest.fixture
def movies(tmp_path: Path) -> Movies:
    """Of the archive that the library of `conftest` has."""
    return Movies(tmp_path / "archive")


async def recorded(library: Library, *epochs: dict[str, Clip]) -> Package:
    origin = library.start_live("ast_1")
    for clips in epochs:
        origin.begin(renditions_of(clips))
        feed(origin, clips)
    origin.end()
    await library.settle("ast_1")
    package = await library.get("ast_1")
    assert package is not None
    return package


def later(clips: dict[str, Clip], seconds: float) -> dict[str, Clip]:
    return {
        name: replace(clip, packets=shifted(clip.packets, int(seconds * clip.track.timescale)))
        for name, clip in clips.items()
    }


async def whole(movies: Movies, wish: Wish) -> bytes:
    movie = await movies.open(wish)
    file = await some(movies, movie, 0, movie.size)
    assert len(file) == movie.size
    return file


async def some(movies: Movies, movie: Movie, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in movies.read(movie, start, end)])


async def segments(package: Package, rendition: str) -> bytes:
    playlist = m3u8.loads(media_playlist(package, rendition))
    file = await fetching.init(package, rendition, "init-0.mp4")
    for each in playlist.segments:
        number = int(each.uri.removesuffix(".m4s"))
        file += (await fetching.segment(package, rendition, number)).body
    return file


def pictures(file: bytes) -> dict[float, bytes]:
    """What is shown, by when."""
    with av.open(BytesIO(file), "r", format="mp4") as container:
        return {
            float(frame.pts * frame.time_base): frame.to_ndarray().tobytes()
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        }


def heard(file: bytes) -> list[float]:
    with av.open(BytesIO(file), "r", format="mp4") as container:
        return [
            float(frame.pts * frame.time_base)
            for frame in container.decode(audio=0)
            if frame.pts is not None and frame.time_base is not None
        ]


def assert_same_times(found: Sequence[float], expected: Sequence[float]) -> None:
    assert len(found) == len(expected)
    assert all(abs(a - b) < 0.000_1 for a, b in zip(found, expected, strict=True))


async def test_a_movie_shows_every_picture_of_the_recording_at_its_time(
    library: Library, movies: Movies
) -> None:
    package = await recorded(library, CLIPS)
    for rendition in ("360p", "720p"):
        found = pictures(await whole(movies, Wish("ast_1", rendition)))
        expected = pictures(await segments(package, rendition))
        assert len(expected) == SECONDS * 25
        assert list(found.values()) == list(expected.values())
        assert_same_times(list(found), [each - START_S for each in expected])
    assert_same_times(
        heard(await whole(movies, Wish("ast_1"))),
        [each - START_S for each in heard(await segments(package, "audio"))],
    )
    best = await whole(movies, Wish("ast_1"))
    assert best == await whole(movies, Wish("ast_1", "720p"))
    with av.open(BytesIO(best), "r", format="mp4") as container:
        assert [each.type for each in container.streams] == ["video", "audio"]
        assert container.streams.video[0].frames == SECONDS * 25


async def test_a_download_goes_on_from_any_place(
    library: Library, movies: Movies, tmp_path: Path
) -> None:
    """Also after a restart: another server makes the same file."""
    await recorded(library, CLIPS)
    file = await whole(movies, Wish("ast_1"))
    restarted = Movies(tmp_path / "archive")
    movie = await restarted.open(Wish("ast_1"))
    assert movie.digest == (await movies.open(Wish("ast_1"))).digest
    places = [0, 1, len(movie.head) - 1, len(movie.head), movie.starts[1], movie.size - 1]
    for start in places:
        for end in (start + 1, movie.starts[1] + 5, movie.size):
            assert await some(restarted, movie, start, end) == file[start:end]


async def test_sound_alone_is_a_file_too(library: Library, movies: Movies) -> None:
    await recorded(library, CLIPS)
    movie = await movies.open(Wish("ast_1", "audio"))
    assert movie.media_type == "audio/mp4"
    assert len(heard(await whole(movies, Wish("ast_1", "audio")))) > SECONDS * 42
    with pytest.raises(UnknownRendition):
        await movies.open(Wish("ast_1", "1080p"))


async def test_a_hole_in_time_is_not_in_the_file(library: Library, movies: Movies) -> None:
    """The publisher was away for a minute; pictures and sound go on together."""
    both = {
        name: replace(clip, packets=clip.packets + again.packets)
        for (name, clip), again in zip(
            CLIPS.items(), later(CLIPS, SECONDS + 60).values(), strict=True
        )
    }
    package = await recorded(library, both)
    assert package.duration == 2 * SECONDS * VIDEO_TIMESCALE
    file = await whole(movies, Wish("ast_1"))
    assert_same_times(list(pictures(file)), [n / 25 for n in range(2 * SECONDS * 25)])
    times = heard(file)
    assert times[-1] == pytest.approx(2 * SECONDS, abs=0.05)
    assert max(b - a for a, b in pairwise(times)) < 0.05


async def test_what_went_on_as_before_is_one_file_and_what_did_not_is_several(
    library: Library, movies: Movies
) -> None:
    others = later({**CLIPS, "720p": video_clip(160, 90)}, 2 * SECONDS)
    await recorded(library, CLIPS, later(CLIPS, SECONDS), others)
    same = pictures(await whole(movies, Wish("ast_1", "360p")))
    assert_same_times(list(same), [n / 25 for n in range(3 * SECONDS * 25)])
    with pytest.raises(SeveralParts) as several:
        await movies.open(Wish("ast_1", "720p"))
    middle, end = (n * SECONDS * VIDEO_TIMESCALE for n in (2, 3))
    assert several.value.parts == [(0, middle), (middle, end)]
    first = pictures(await whole(movies, Wish("ast_1", "720p", 0)))
    second = pictures(await whole(movies, Wish("ast_1", "720p", 1)))
    assert_same_times(list(first), [n / 25 for n in range(2 * SECONDS * 25)])
    assert_same_times(list(second), [n / 25 for n in range(SECONDS * 25)])
    with pytest.raises(UnknownPart):
        await movies.open(Wish("ast_1", "720p", 2))


async def test_a_lost_segment_is_a_gap_unless_it_is_lost_on_the_way(
    library: Library, movies: Movies, tmp_path: Path
) -> None:
    await recorded(library, CLIPS)
    folder = tmp_path / "archive" / "ast_1" / "720p"
    (folder / "1.m4s").unlink()
    file = await whole(movies, Wish("ast_1"))
    kept = [n / 25 for n in range(SECONDS * 25) if not 2 <= n / 25 < 4]
    assert_same_times(list(pictures(file)), kept)
    movie = await movies.open(Wish("ast_1"))
    (folder / "2.m4s").write_bytes(b"other")
    with pytest.raises(UnknownSegment):
        await some(movies, movie, 0, movie.size)


async def test_what_is_still_made_is_not_downloaded(
    movies: Movies, tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(UnknownAsset):
        await movies.open(Wish("ast_1"))
    with pytest.raises(UnknownAsset):
        await movies.open(Wish("../ast_1"))
    await OnDemandWriter.open(tmp_path / "archive", "ast_1", HlsSettings(2000), clock)
    with pytest.raises(StillMade):
        await movies.open(Wish("ast_1"))


async def test_whoever_asks_at_once_waits_for_the_same_and_not_everybody_may(
    library: Library, movies: Movies
) -> None:
    """One who leaves does not end it for the others."""
    await recorded(library, CLIPS)
    async with movies._laying_out, movies._laying_out:  # nothing goes on meanwhile
        wishes = [
            Wish("ast_1"),
            *(Wish("ast_1", None, n) for n in range(MOVIE_LAYOUTS_WAITING_MAX)),
        ]
        asked = [spawn(movies.open(wish), name="waits") for wish in [*wishes[:1] * 3, *wishes]]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [type(each.exception()) for each in done] == [TooManyMovies]
        asked[0].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert isinstance(answers[1], Movie)
    assert answers[1] is answers[2] is answers[3]
    assert await movies.open(Wish("ast_1")) is answers[1]
