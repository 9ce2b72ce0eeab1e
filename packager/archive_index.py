"""The archive's index of an asset: one JSON line per fact, in the order in which they happened.

A line is written after the bytes it speaks of. Whatever the process did last, the lines that can be
read describe a package that can be played.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from media.units import MediaKind, Track
from packager.naming import is_name

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """First line; `target_duration` is the playlists', in whole seconds."""

    target_duration: int


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """These renditions follow; the tracks' `extradata` is only in the init segments."""

    epoch: int
    renditions: tuple[tuple[str, Track], ...]


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment is on disk; times in 1/90000 s, `size` in bytes.

    Attributes:
        independent: it starts with a keyframe.
    """

    rendition: str
    sequence: int
    epoch: int
    start: int
    end: int
    wall_ms: int
    size: int
    sha256: str
    independent: bool


@dataclass(frozen=True, slots=True)
class RetiredRecord:
    """The rendition gets no more segments in this epoch."""

    rendition: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndRecord:
    """Last line, unless the process was killed."""


Record = AssetRecord | EpochRecord | SegmentRecord | RetiredRecord | EndRecord


@dataclass(slots=True)
class AssetIndex:
    """All that is known of an archived asset.

    Attributes:
        segments: by rendition and sequence number.
        retired: renditions by epoch.
        damaged_lines: how many could not be read; one at the end is normal after a crash.
    """

    target_duration: int = 0
    epochs: list[EpochRecord] = field(default_factory=list)
    segments: dict[str, dict[int, SegmentRecord]] = field(default_factory=dict)
    retired: set[tuple[int, str]] = field(default_factory=set)
    ended: bool = False
    damaged_lines: int = 0


def encode_record(record: Record) -> bytes:
    """One line, with its line feed."""
    return json.dumps(_document(record), separators=(",", ":")).encode() + b"\n"


def _document(record: Record) -> dict[str, Any]:
    match record:
        case AssetRecord(target_duration):
            return {"kind": "asset", "format": _FORMAT, "targetDuration": target_duration}
        case EpochRecord(epoch, renditions):
            tracks = [{"name": name, **_track_document(track)} for name, track in renditions]
            return {"kind": "epoch", "epoch": epoch, "renditions": tracks}
        case SegmentRecord():
            return {
                "kind": "segment",
                "rendition": record.rendition,
                "sequence": record.sequence,
                "epoch": record.epoch,
                "start": record.start,
                "end": record.end,
                "wallMs": record.wall_ms,
                "bytes": record.size,
                "sha256": record.sha256,
                "independent": record.independent,
            }
        case RetiredRecord(rendition, reason):
            return {"kind": "retired", "rendition": rendition, "reason": reason}
        case EndRecord():
            return {"kind": "end"}


def _track_document(track: Track) -> dict[str, Any]:
    return {
        "media": track.kind.value,
        "codec": track.codec,
        "timescale": track.timescale,
        "width": track.width,
        "height": track.height,
        "frameRate": list(track.frame_rate),
        "channels": track.channels,
        "sampleRate": track.sample_rate,
    }


def decode_record(line: bytes) -> Record | None:
    """The fact in a line; None when the line is torn or not ours."""
    try:
        return _record(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None


def _record(document: Any) -> Record | None:
    match document["kind"]:
        case "asset":
            return AssetRecord(_natural(document["targetDuration"]))
        case "epoch":
            renditions = document["renditions"]
            return EpochRecord(
                _natural(document["epoch"]),
                tuple((_name(each["name"]), _track(each)) for each in renditions),
            )
        case "segment":
            return _segment_record(document)
        case "retired":
            return RetiredRecord(_name(document["rendition"]), str(document["reason"]))
        case "end":
            return EndRecord()
        case _:
            return None


def _segment_record(document: Any) -> SegmentRecord:
    record = SegmentRecord(
        rendition=_name(document["rendition"]),
        sequence=_natural(document["sequence"]),
        epoch=_natural(document["epoch"]),
        start=_natural(document["start"]),
        end=_natural(document["end"]),
        wall_ms=_natural(document["wallMs"]),
        size=_natural(document["bytes"]),
        sha256=str(document["sha256"]),
        independent=document["independent"] is True,
    )
    if record.end <= record.start:
        raise ValueError("a segment ends after it starts")
    return record


def _track(document: Any) -> Track:
    frames, seconds = document["frameRate"]
    return Track(
        kind=MediaKind(document["media"]),
        codec=str(document["codec"]),
        timescale=_natural(document["timescale"]),
        extradata=b"",
        width=_natural(document["width"]),
        height=_natural(document["height"]),
        frame_rate=(_natural(frames), _natural(seconds)),
        channels=_natural(document["channels"]),
        sample_rate=_natural(document["sampleRate"]),
    )


def _natural(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a natural number")
    return value


def _name(value: Any) -> str:
    """Names become paths, so they are checked again here."""
    if not isinstance(value, str) or not is_name(value):
        raise ValueError("not a name")
    return value


def parse_index(lines: Iterable[bytes]) -> AssetIndex:
    """Put the facts together; lines that cannot be read are counted and left out."""
    index = AssetIndex()
    for line in lines:
        record = decode_record(line)
        if record is None:
            index.damaged_lines += 1
        else:
            _apply(index, record)
    return index


def _apply(index: AssetIndex, record: Record) -> None:
    match record:
        case AssetRecord(target_duration):
            index.target_duration = target_duration
        case EpochRecord():
            index.epochs.append(record)
        case SegmentRecord():
            index.segments.setdefault(record.rendition, {})[record.sequence] = record
        case RetiredRecord(rendition):
            if index.epochs:
                index.retired.add((index.epochs[-1].epoch, rendition))
        case EndRecord():
            index.ended = True
