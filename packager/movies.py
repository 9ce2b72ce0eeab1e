"""Recordings as MP4 files to be downloaded: laid out once, then read from any place on.

Nothing is encoded or written. The headers of all fragments say what each sample is like, which
makes up the index in front of the file; what follows is read from the segments as it is asked for.
The same recording is the same file, byte by byte, so a download that broke off can go on.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from config.limits import (
    MOVIE_LAYOUTS_AT_ONCE,
    MOVIE_LAYOUTS_BYTES_MAX,
    MOVIE_LAYOUTS_WAITING_MAX,
    MOVIE_SEGMENTS_READ_AT_ONCE,
)
from config.tasks import spawn
from packager.archive_disk import INDEX_NAME, read_index, segment_file
from packager.archive_record import SegmentRecord
from packager.hls.recording import recording_of
from packager.least_recent import LeastRecent
from packager.movie_building import Movie, MovieBuilding, MovieTooLong
from packager.movie_disk import InitSegments, read_fragments, read_payload
from packager.movie_plan import MoviePart, PlannedSegment, movie_parts, movie_renditions
from packager.naming import is_name
from packager.package import UnknownAsset, UnknownRendition, UnknownSegment

__all__ = [
    "Movie",
    "MovieTooLong",
    "Movies",
    "SeveralParts",
    "StillMade",
    "TooManyMovies",
    "UnknownPart",
    "Wish",
]


class StillMade(Exception):
    """More time is added to the asset: it is not yet what it is going to be."""


class SeveralParts(Exception):
    """The recording went on with another configuration, which one MP4 cannot hold.

    Attributes:
        parts: (start, end) of each in the asset as it is played, in 1/90000 s.
    """

    def __init__(self, parts: Sequence[MoviePart]) -> None:
        super().__init__(f"{len(parts)} parts")
        self.parts = [(each.start, each.end) for each in parts]


class UnknownPart(Exception):
    """The recording has fewer parts."""


class TooManyMovies(Exception):
    """Others are laid out first; ask again later."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to download.

    Attributes:
        rendition: None: the largest pictures, with their sound.
        part: counted from 0; None: the only one.
    """

    asset_id: str
    rendition: str | None = None
    part: int | None = None


type _Key = tuple[Wish, int]

_TOLD = (MovieTooLong, SeveralParts, StillMade, UnknownAsset, UnknownPart, UnknownRendition)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A movie whose segments are to be looked at."""

    asset_id: str
    part: MoviePart
    building: MovieBuilding
    by_content: bool


class Movies:
    """Lays movies out, keeps those that were asked for last, and reads them."""

    def __init__(self, root: Path) -> None:
        """`root`: the archive's directory."""
        self._root = root
        self._kept: LeastRecent[_Key, Movie] = LeastRecent(MOVIE_LAYOUTS_BYTES_MAX)
        self._opening: dict[_Key, asyncio.Task[Movie | Exception]] = {}
        self._laying_out = asyncio.Semaphore(MOVIE_LAYOUTS_AT_ONCE)

    async def open(self, wish: Wish) -> Movie:
        """Lay a movie out; of an asset that is not live.

        It is done once for however many ask, and to its end if nobody waits any more: whoever asks
        again goes on from there.

        Raises:
            UnknownAsset, UnknownRendition, UnknownPart: there is none.
            SeveralParts: say which.
            StillMade, MovieTooLong: it cannot be downloaded, or not yet.
            TooManyMovies: too many others are laid out before it.
        """
        key = wish, await asyncio.to_thread(self._index_bytes, wish.asset_id)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        found = await asyncio.shield(self._opening.get(key) or self._start(key))
        if isinstance(found, Exception):
            raise found
        return found

    def _start(self, key: _Key) -> asyncio.Task[Movie | Exception]:
        if len(self._opening) >= MOVIE_LAYOUTS_WAITING_MAX:
            raise TooManyMovies
        task = spawn(self._open(key), name=f"movie of {key[0].asset_id}")
        self._opening[key] = task
        return task

    async def _open(self, key: _Key) -> Movie | Exception:
        """What whoever asked is to be told is returned: nobody may be there to catch it."""
        try:
            async with self._laying_out:
                movie = await self._lay_out(key[0])
        except _TOLD as failure:
            return failure
        finally:
            del self._opening[key]
        self._kept.put(key, movie, movie.weight)
        return movie

    def _index_bytes(self, asset_id: str) -> int:
        """It grows with everything that changes of an asset."""
        if not is_name(asset_id):
            raise UnknownAsset(asset_id)
        try:
            return (self._root / asset_id / INDEX_NAME).stat().st_size
        except FileNotFoundError:
            raise UnknownAsset(asset_id) from None

    async def _lay_out(self, wish: Wish) -> Movie:
        plan = await asyncio.to_thread(self._plan, wish)
        # In small pieces, so that what runs beside it is not kept waiting by millions of samples.
        for batch in batched(plan.part.segments, MOVIE_SEGMENTS_READ_AT_ONCE):
            await asyncio.to_thread(self._add, plan, batch)
        return await asyncio.to_thread(plan.building.movie, wish.asset_id, plan.by_content)

    def _plan(self, wish: Wish) -> _Plan:
        index = read_index(self._root, wish.asset_id)
        if index is None:
            raise UnknownAsset(wish.asset_id)
        if index.growing:
            raise StillMade(wish.asset_id)
        recording = recording_of(index)
        renditions = movie_renditions(recording, wish.rendition)
        inits = InitSegments(self._root / wish.asset_id)
        part = _chosen(movie_parts(recording, renditions, inits.configuration), wish.part)
        first = [part.first_of(track) for track in range(len(renditions))]
        headers = [None if each is None else inits.header(each) for each in first]
        return _Plan(wish.asset_id, part, MovieBuilding(headers), index.from_file)

    def _path(self, asset_id: str, record: SegmentRecord, *, by_content: bool) -> Path:
        name = segment_file(record, by_content=by_content)
        return self._root / asset_id / record.rendition / name

    def _add(self, plan: _Plan, segments: Iterable[PlannedSegment]) -> None:
        for each in segments:
            path = self._path(plan.asset_id, each.record, by_content=plan.by_content)
            plan.building.add(each, read_fragments(path))

    async def read(self, movie: Movie, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes between two places of a movie's file.

        Raises:
            UnknownSegment: what was there when it was laid out is not any more.
        """
        if start < len(movie.head):
            yield movie.head[start:end]
        index = max(0, bisect_right(movie.starts, start) - 1)
        while index < len(movie.segments) and movie.starts[index] < end:
            media = await self._media(movie, index)
            first = movie.starts[index]
            yield media[max(0, start - first) : end - first]
            index += 1

    async def _media(self, movie: Movie, index: int) -> bytes:
        record = movie.segments[index]
        path = self._path(movie.asset_id, record, by_content=movie.by_content)
        media = await asyncio.to_thread(read_payload, path, record.sha256)
        ends = [*movie.starts[index + 1 : index + 2], movie.size]
        if media is None or len(media) != ends[0] - movie.starts[index]:
            raise UnknownSegment(f"{movie.asset_id} {record.rendition}/{record.sequence}")
        return media


def _chosen(parts: Sequence[MoviePart], number: int | None) -> MoviePart:
    if number is None:
        if len(parts) > 1:
            raise SeveralParts(parts)
        return parts[0]
    if number >= len(parts):
        raise UnknownPart(str(number))
    return parts[number]
