"""Clips: assets made of another's segments, without encoding or copying anything.

A clip has its own directory with hard links to the files of its original; what nobody links to any
more is deleted by the file system, so that either may be removed first. Its index is whole before
anybody sees it: it is made under a name that no asset can have.
"""

import asyncio
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from config.limits import CLIPS_CUT_AT_ONCE
from media.captions.cue import MalformedCaptions, excerpt
from media.captions.reading import read_captions
from media.captions.webvtt import render_webvtt
from packager.archive_disk import (
    INDEX_NAME,
    UNFINISHED_PREFIX,
    StorageFull,
    caption_file,
    leave_room,
    picture_file,
    read_index,
    segment_file,
    sync_asset,
)
from packager.archive_index import AssetIndex
from packager.archive_record import (
    CaptionRecord,
    EndRecord,
    EpochRecord,
    PictureRecord,
    Record,
    SegmentRecord,
    encode_record,
)
from packager.clip_plan import (
    ClipPlan,
    ClipRange,
    ClipRecord,
    ClipTooLong,
    OutsideRecording,
    plan_clip,
)
from packager.naming import CAPTIONS_FOLDER, PICTURES_FOLDER, init_name, is_name
from packager.package import UnknownAsset

__all__ = ["ClipTooLong", "Clips", "CutClip", "OutsideRecording", "StillMade", "StorageFull"]

_TICKS_A_MS = 90
# What a file system says that has no hard links, has too many to one file, or is another one.
_NO_LINK = frozenset({errno.EPERM, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS})


class StillMade(Exception):
    """An upload is not yet what it is going to be; nor would a clip of it be."""


@dataclass(frozen=True, slots=True)
class CutClip:
    """A clip that is complete on disk, and not there yet for anybody."""

    directory: Path
    range: ClipRange


class Clips:
    """Cuts clips out of the assets of one archive."""

    def __init__(self, root: Path) -> None:
        """`root`: the archive's directory."""
        self._root = root
        self._cutting = asyncio.Semaphore(CLIPS_CUT_AT_ONCE)

    async def cut(self, asset_id: str, start: int, end: int | None, *, live: bool) -> CutClip:
        """Put a clip together; to be followed by `publish` or `discard`.

        Args:
            start, end: as `plan_clip` takes them.
            live: whether the asset is; then of what is archived so far.

        Raises:
            UnknownAsset: nothing of the asset is archived, or no longer.
            OutsideRecording, ClipTooLong: the range cannot be clipped.
            StillMade: it is an upload that is not yet all there.
            StorageFull, OSError: the disk has no room, or another trouble.
        """
        async with self._cutting:
            return await asyncio.to_thread(self._cut, asset_id, start, end, live=live)

    def _cut(self, asset_id: str, start: int, end: int | None, *, live: bool) -> CutClip:
        index = read_index(self._root, asset_id) if is_name(asset_id) else None
        if index is None:
            raise UnknownAsset(asset_id)
        if not live and not index.settled:
            raise StillMade(asset_id)
        plan = plan_clip(index, start, end, live=live)
        directory = self._root / f"{UNFINISHED_PREFIX}{secrets.token_hex(8)}"
        directory.mkdir()
        try:
            _fill(self._root, asset_id, directory, plan, index)
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull from error
            raise
        return CutClip(directory, plan.range)

    async def publish(self, clip: CutClip, clip_id: str) -> None:
        """Make it an asset.

        Raises:
            OSError: somebody else has deleted it meanwhile.
        """
        assert is_name(clip_id), "asset ids are safe in paths"
        await asyncio.to_thread(clip.directory.rename, self._root / clip_id)

    async def discard(self, clip: CutClip) -> None:
        """Leave no trace of it, unless it was published."""
        await asyncio.to_thread(shutil.rmtree, clip.directory, ignore_errors=True)


def _fill(root: Path, asset_id: str, directory: Path, plan: ClipPlan, index: AssetIndex) -> None:
    original = root / asset_id
    lines: list[Record] = []
    for record in plan.records:
        found = [
            _link(root, original / folder / name, directory / folder / name)
            for folder, name in _files(record, by_content=index.from_file)
        ]
        # One that is lost is lost to the clip as well; the rest of it can be played.
        if all(found) or isinstance(record, EpochRecord):
            lines.append(record)
    if not any(isinstance(record, SegmentRecord) for record in lines):
        raise UnknownAsset(asset_id)
    lines += _captions(original, directory, index, plan.range)
    lines.append(EndRecord())
    (directory / INDEX_NAME).write_bytes(b"".join(map(encode_record, lines)))
    sync_asset(root, directory.name)


def _files(record: ClipRecord, *, by_content: bool) -> Iterable[tuple[str, str]]:
    """Folder and name of what a line speaks of."""
    match record:
        case EpochRecord(epoch, renditions):
            return [(name, init_name(epoch)) for name, _ in renditions]
        case SegmentRecord():
            return [(record.rendition, segment_file(record, by_content=by_content))]
        case PictureRecord():
            return [(PICTURES_FOLDER, picture_file(record))]
        case _:
            return []


def _link(root: Path, source: Path, target: Path) -> bool:
    """Give a file a second name, or a copy where there are no such; whether it is there."""
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        leave_room(root, source.stat().st_size)
        shutil.copyfile(source, target)
    return True


def _captions(
    original: Path, directory: Path, index: AssetIndex, clipped: ClipRange
) -> list[CaptionRecord]:
    """Captions of the range, whose times begin with the clip."""
    start_ms, end_ms = clipped.start // _TICKS_A_MS, clipped.end // _TICKS_A_MS
    made: list[CaptionRecord] = []
    for record in index.captions.values():
        try:
            cues = read_captions((original / CAPTIONS_FOLDER / caption_file(record)).read_bytes())
        except (FileNotFoundError, MalformedCaptions):
            continue
        if not (cues := excerpt(cues, start_ms, end_ms)):
            continue
        body = render_webvtt(cues)
        cut = replace(record, sha256=hashlib.sha256(body).hexdigest())
        folder = directory / CAPTIONS_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / caption_file(cut)).write_bytes(body)
        made.append(cut)
    return made
