"""Puts the MP4 of a recording together from what its fragments' headers say."""

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import MOVIE_SAMPLES_MAX
from media.wire.fmp4_fragment_read import Fragment
from media.wire.mp4_movie import MovieTrack, TrackHeader, movie_head
from media.wire.mp4_samples import SampleTable
from packager.archive_record import SegmentRecord
from packager.movie_plan import PlannedSegment
from packager.package import UnknownAsset

_TICKS = 90_000
# A record and its place in Python's own words.
_SEGMENT_WEIGHT = 400


class MovieTooLong(Exception):
    """Its index would take more memory than a download may."""


@dataclass(frozen=True, slots=True)
class Movie:
    """One file, laid out.

    Attributes:
        head: its index, and whatever else is in front of the media.
        segments: whose media follows, in order.
        starts: where the media of each begins in the file.
        size: of the file, in bytes.
        digest: names the file's content.
        media_type: of the file.
    """

    asset_id: str
    by_content: bool
    head: bytes
    segments: tuple[SegmentRecord, ...]
    starts: "array[int]"
    size: int
    digest: str
    media_type: str

    @property
    def weight(self) -> int:
        return len(self.head) + _SEGMENT_WEIGHT * len(self.segments)


class MovieBuilding:
    """A movie whose segments are gone through."""

    def __init__(self, headers: Sequence[TrackHeader | None]) -> None:
        """`headers` by track; None for one that has no segments."""
        self._headers = headers
        self._tables = [SampleTable() for _ in headers]
        self._segments: list[SegmentRecord] = []
        self._starts = array("Q")
        self._bytes = 0

    def add(self, planned: PlannedSegment, fragments: Sequence[Fragment]) -> None:
        """Raises: MovieTooLong."""
        table, header = self._tables[planned.track], self._headers[planned.track]
        if not fragments or header is None:
            return
        if sum(map(len, self._tables)) > MOVIE_SAMPLES_MAX:
            raise MovieTooLong
        self._segments.append(planned.record)
        self._starts.append(self._bytes)
        table.begin_chunk(self._bytes)
        shift = planned.shift * header.timescale // _TICKS
        for fragment in fragments:
            table.add(fragment, fragment.dts - shift)
            self._bytes += fragment.payload_bytes

    def movie(self, asset_id: str, by_content: bool) -> Movie:
        """Raises: UnknownAsset: nothing can be read of it."""
        tracks = [
            MovieTrack(header, table)
            for header, table in zip(self._headers, self._tables, strict=True)
            if header is not None and len(table)
        ]
        if not tracks:
            raise UnknownAsset(asset_id)
        head = movie_head(tracks, self._bytes)
        digest = hashlib.sha256(head)
        for each in self._segments:
            digest.update(each.sha256.encode())
        return Movie(
            asset_id=asset_id,
            by_content=by_content,
            head=head,
            segments=tuple(self._segments),
            starts=array("Q", [len(head) + each for each in self._starts]),
            size=len(head) + self._bytes,
            digest=digest.hexdigest()[:32],
            media_type="video/mp4" if any(each.header.is_video for each in tracks) else "audio/mp4",
        )
