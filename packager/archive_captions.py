"""Puts captions to an archived asset, and takes them away: blocking calls that run in a thread.

Somebody may write to the asset's index at the same time, as one line at a time.
"""

from dataclasses import replace
from pathlib import Path

from config.limits import CAPTIONS_PER_ASSET_MAX
from media.captions.captions import Captions
from media.captions.webvtt import render_webvtt
from packager.archive_disk import (
    ArchivedFile,
    ArchiveJob,
    AssetRemoved,
    caption_file,
    read_index,
    sync_captions,
    write_all,
)
from packager.archive_record import CaptionRecord
from packager.naming import CAPTIONS_FOLDER


class TooManyCaptions(Exception):
    """An asset has captions in so many languages and no more."""


class UnknownCaptions(Exception):
    """The asset has no such captions."""


def caption_record(captions: Captions) -> tuple[CaptionRecord, tuple[ArchivedFile, ...]]:
    """The line of captions that came in a file, and their own file."""
    record = CaptionRecord(
        key=captions.key,
        language=captions.language,
        label=captions.label,
        default=captions.default,
        forced=captions.forced,
        from_file=True,
        sha256="",
    )
    return record, (caption_webvtt(captions.key, render_webvtt(captions.cues)),)


def caption_webvtt(key: str, body: bytes) -> ArchivedFile:
    """Captions as a file of the archive."""
    return ArchivedFile(CAPTIONS_FOLDER, f"{key}.vtt", body)


def put_captions(root: Path, asset_id: str, record: CaptionRecord, body: bytes) -> bool:
    """Write captions; says whether there were none of this key before.

    Args:
        body: WebVTT.

    Raises:
        TooManyCaptions: some have to be deleted before.
        AssetRemoved: there is no such asset, or nothing of it yet.
        StorageFull, OSError: they could not be written.
    """
    known = _known(root, asset_id)
    old = known.get(record.key)
    if old is None and len(known) >= CAPTIONS_PER_ASSET_MAX:
        raise TooManyCaptions
    file = caption_webvtt(record.key, body)
    write_all(root, [ArchiveJob(asset_id, (file,), record, shared=True)])
    sync_captions(root, asset_id)
    _delete_file(root, asset_id, old)
    return old is None or not old.sha256


def remove_captions(root: Path, asset_id: str, key: str) -> None:
    """Take captions away; they do not come back when the upload's file is read again.

    Raises:
        UnknownCaptions: there are none of this key.
        AssetRemoved, OSError: as `put_captions`.
    """
    old = _known(root, asset_id).get(key)
    if old is None or not old.sha256:
        raise UnknownCaptions(key)
    gone = replace(old, sha256="", from_file=False)
    write_all(root, [ArchiveJob(asset_id, (), gone, shared=True)])
    _delete_file(root, asset_id, old)


def read_captions_file(root: Path, asset_id: str, key: str) -> bytes:
    """Captions as WebVTT. Raises: UnknownCaptions."""
    index = read_index(root, asset_id)
    record = None if index is None else index.captions.get(key)
    if record is None or not record.sha256:
        raise UnknownCaptions(key)
    try:
        return (root / asset_id / CAPTIONS_FOLDER / caption_file(record)).read_bytes()
    except FileNotFoundError:
        raise UnknownCaptions(key) from None


def _known(root: Path, asset_id: str) -> dict[str, CaptionRecord]:
    index = read_index(root, asset_id)
    if index is None:
        raise AssetRemoved(asset_id)
    return index.captions


def _delete_file(root: Path, asset_id: str, old: CaptionRecord | None) -> None:
    """Of captions that another line has taken the place of, unless they are the same."""
    now = _known(root, asset_id).get(old.key) if old is not None else None
    if old is None or not old.sha256 or (now is not None and now.sha256 == old.sha256):
        return
    (root / asset_id / CAPTIONS_FOLDER / caption_file(old)).unlink(missing_ok=True)
