"""Reads of a recording what one MP4 is made of: blocking calls that run in a thread."""

import os
from pathlib import Path

from media.wire.fmp4_fragment_read import (
    HEADER_PROBE_BYTES,
    Fragment,
    MalformedFragment,
    fragments,
    header_bytes,
    read_fragment,
)
from media.wire.mp4_movie import MalformedInit, TrackHeader, read_track_header
from packager.archive_disk import read_file
from packager.archive_record import SegmentRecord
from packager.naming import init_name

# The headers of most fragments are shorter: one read each.
_READ_BYTES = 4_096


def read_fragments(path: Path) -> list[Fragment]:
    """The headers of a segment's fragments, without its media.

    Returns:
        Nothing of a segment that is lost or damaged: it is a gap, as for those who watch it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return []
    try:
        return _read_fragments(descriptor, os.fstat(descriptor).st_size)
    except MalformedFragment:
        return []
    finally:
        os.close(descriptor)


def _read_fragments(descriptor: int, size: int) -> list[Fragment]:
    found: list[Fragment] = []
    position = 0
    while position < size:
        header = os.pread(descriptor, _READ_BYTES, position)
        needed = header_bytes(header[:HEADER_PROBE_BYTES])
        if needed > len(header):
            header = os.pread(descriptor, min(needed, size - position), position)
        fragment = read_fragment(header[:needed], position)
        if fragment.end > size:
            raise MalformedFragment("a fragment is cut off")
        found.append(fragment)
        position = fragment.end
    return found


def read_payload(path: Path, sha256: str | None) -> bytes | None:
    """The media of a segment, without headers; None when it is lost or damaged."""
    segment = read_file(path, sha256)
    if segment is None:
        return None
    try:
        return b"".join(
            segment[each.payload : each.payload + each.payload_bytes] for each in fragments(segment)
        )
    except MalformedFragment:
        return None


class InitSegments:
    """Init segments of an asset, each read once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._headers: dict[tuple[str, int], TrackHeader | None] = {}

    def configuration(self, record: SegmentRecord) -> bytes | None:
        """None: the segment cannot be played without what is lost."""
        header = self.header(record)
        return None if header is None else header.sample_entry

    def header(self, record: SegmentRecord) -> TrackHeader | None:
        """None when it is lost."""
        key = record.rendition, record.epoch
        if key not in self._headers:
            path = self._directory / record.rendition / init_name(record.epoch)
            try:
                self._headers[key] = read_track_header(read_file(path, None) or b"")
            except MalformedInit:
                self._headers[key] = None
        return self._headers[key]
