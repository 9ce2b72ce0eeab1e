"""The lines of an asset's index: one fact each, as JSON.

A fact that came later than the format has a field that is left out when it says nothing new, so
that indexes of all ages are read by the same code.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config.limits import PICTURE_SIDE_MAX, SHEET_TILES_MAX, SHEETS_MAX
from media.languages import clean_label, language_tag
from media.pictures import Picture, PictureKind
from media.units import MediaKind, Track
from packager.asset_terms import Encryption
from packager.naming import captions_folder, is_name

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """First line.

    Attributes:
        target_duration: the playlists', in whole seconds.
        from_file: made from a file in one or more passes, perhaps by several attempts.
        encryption: of its segments when they are served; on disk they are clear.
        key_segments: how many of them share a key then.
        begin: where a viewer begins, in 1/90000 s from the first moment. A clip has whole segments,
            and so may begin before what was asked for.
    """

    target_duration: int
    from_file: bool = False
    encryption: Encryption = Encryption.NONE
    key_segments: int = 1
    begin: int = 0


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """These renditions follow; the tracks' `extradata` is only in the init segments.

    One of a number that is known adds renditions, whose segments are then all there.
    """

    epoch: int
    renditions: tuple[tuple[str, Track], ...]


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment is on disk; times in 1/90000 s, `size` in bytes.

    Attributes:
        independent: it starts with a keyframe.
        iframe_bytes: of that, when it is a picture and its size was written down.
        flawed: something is missing in it by our own fault.
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
    iframe_bytes: int = 0
    flawed: bool = False


@dataclass(frozen=True, slots=True)
class RetiredRecord:
    """The rendition gets no more segments in this epoch."""

    rendition: str
    reason: str


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A poster, or a sheet of tiles, is on disk.

    Attributes:
        number: of the sheet; one of the same number replaces it.
        columns: tiles in a row.
        times: pts of each tile, growing, in 1/90000 s.
        sha256: empty when the file is overwritten by the next one.
    """

    kind: PictureKind
    number: int
    columns: int
    tile_width: int
    tile_height: int
    times: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """Captions are on disk, as WebVTT; times count what is played.

    Attributes:
        key: what the API calls them, mostly their language in small letters; of several records
            with the same key the last one counts.
        language: a tag of BCP 47; empty when unknown.
        label: empty when only the language is known.
        forced: to be shown also to whoever wants no captions.
        from_file: they came with the upload; what somebody has put or removed stays as it is.
        sha256: empty when they were removed.
    """

    key: str
    language: str
    label: str
    default: bool
    forced: bool
    from_file: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class EndRecord:
    """Last line, unless the process was killed.

    Attributes:
        passes_follow: later passes through the file add renditions, not time.
    """

    passes_follow: bool = False


Record = (
    AssetRecord
    | EpochRecord
    | SegmentRecord
    | RetiredRecord
    | PictureRecord
    | CaptionRecord
    | EndRecord
)


def picture_record(picture: Picture) -> PictureRecord:
    """What the index says of a picture; its hash is filled in when it is written."""
    return PictureRecord(
        kind=picture.kind,
        number=picture.number,
        columns=picture.columns,
        tile_width=picture.tile_width,
        tile_height=picture.tile_height,
        times=picture.times,
        sha256="",
    )


def encode_record(record: Record) -> bytes:
    """One line, with its line feed."""
    return json.dumps(_document(record), separators=(",", ":")).encode() + b"\n"


def _document(record: Record) -> dict[str, Any]:
    match record:
        case AssetRecord():
            return _asset_document(record)
        case EpochRecord(epoch, renditions):
            tracks = [{"name": name, **_track_document(track)} for name, track in renditions]
            return {"kind": "epoch", "epoch": epoch, "renditions": tracks}
        case SegmentRecord():
            document: dict[str, Any] = {
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
            if record.iframe_bytes:
                document["iframeBytes"] = record.iframe_bytes
            if record.flawed:
                document["flawed"] = True
            return document
        case RetiredRecord(rendition, reason):
            return {"kind": "retired", "rendition": rendition, "reason": reason}
        case PictureRecord() | CaptionRecord():
            return _side_document(record)
        case EndRecord(passes_follow):
            return {"kind": "end"} | ({"passesFollow": True} if passes_follow else {})


def _asset_document(record: AssetRecord) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": "asset", "format": _FORMAT}
    document["targetDuration"] = record.target_duration
    if record.from_file:
        document["fromFile"] = True
    if record.encryption is not Encryption.NONE:
        document["encryption"] = record.encryption.value
        document["keySegments"] = record.key_segments
    if record.begin:
        document["begin"] = record.begin
    return document


def _side_document(record: PictureRecord | CaptionRecord) -> dict[str, Any]:
    """Of what is no media itself."""
    if isinstance(record, PictureRecord):
        return {
            "kind": record.kind.value,
            "number": record.number,
            "columns": record.columns,
            "tileWidth": record.tile_width,
            "tileHeight": record.tile_height,
            "times": list(record.times),
            "sha256": record.sha256,
        }
    return {
        "kind": "captions",
        "key": record.key,
        "language": record.language,
        "label": record.label,
        "default": record.default,
        "forced": record.forced,
        "fromFile": record.from_file,
        "sha256": record.sha256,
    }


def _track_document(track: Track) -> dict[str, Any]:
    said = {"language": track.language, "label": track.label}
    return {
        "media": track.kind.value,
        "codec": track.codec,
        "timescale": track.timescale,
        "width": track.width,
        "height": track.height,
        "frameRate": list(track.frame_rate),
        "channels": track.channels,
        "sampleRate": track.sample_rate,
        **{name: value for name, value in said.items() if value},
    }


def decode_record(line: bytes) -> Record | None:
    """The fact in a line; None when the line is torn or not ours."""
    try:
        document = json.loads(line)
        return _READERS[document["kind"]](document)
    except (ValueError, KeyError, TypeError):
        return None


def _asset_record(document: Any) -> AssetRecord:
    record = AssetRecord(
        target_duration=_natural(document["targetDuration"]),
        from_file=document.get("fromFile") is True,
        encryption=Encryption(document.get("encryption", Encryption.NONE)),
        key_segments=_natural(document.get("keySegments", 1)),
        begin=_natural(document.get("begin", 0)),
    )
    if record.key_segments == 0:
        raise ValueError("a key is for a segment at least")
    return record


def _epoch_record(document: Any) -> EpochRecord:
    renditions = document["renditions"]
    tracks = tuple((_name(each["name"]), _track(each)) for each in renditions)
    return EpochRecord(_natural(document["epoch"]), tracks)


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
        iframe_bytes=_natural(document.get("iframeBytes", 0)),
        flawed=document.get("flawed") is True,
    )
    if record.end <= record.start:
        raise ValueError("a segment ends after it starts")
    return record


def _picture_record(document: Any) -> PictureRecord:
    record = PictureRecord(
        kind=PictureKind(document["kind"]),
        number=_natural(document["number"], SHEETS_MAX - 1),
        columns=_natural(document["columns"], SHEET_TILES_MAX),
        tile_width=_natural(document["tileWidth"], PICTURE_SIDE_MAX),
        tile_height=_natural(document["tileHeight"], PICTURE_SIDE_MAX),
        times=tuple(_natural(time) for time in document["times"]),
        sha256=str(document["sha256"]),
    )
    if record.columns == 0 or len(record.times) > SHEET_TILES_MAX:
        raise ValueError("tiles fill rows of a sheet")
    return record


def _caption_record(document: Any) -> CaptionRecord:
    return CaptionRecord(
        key=_key(document["key"]),
        language=language_tag(str(document["language"])),
        label=clean_label(str(document["label"])),
        default=document["default"] is True,
        forced=document["forced"] is True,
        from_file=document["fromFile"] is True,
        sha256=str(document["sha256"]),
    )


def _retired_record(document: Any) -> RetiredRecord:
    return RetiredRecord(_name(document["rendition"]), str(document["reason"]))


def _end_record(document: Any) -> EndRecord:
    return EndRecord(document.get("passesFollow") is True)


_READERS: dict[str, Callable[[Any], Record]] = {
    "asset": _asset_record,
    "epoch": _epoch_record,
    "segment": _segment_record,
    "retired": _retired_record,
    "poster": _picture_record,
    "sheet": _picture_record,
    "captions": _caption_record,
    "end": _end_record,
}


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
        language=language_tag(str(document.get("language", ""))),
        label=clean_label(str(document.get("label", ""))),
    )


def _natural(value: Any, largest: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a natural number")
    if largest is not None and value > largest:
        raise ValueError("larger than it can be")
    return value


def _key(value: Any) -> str:
    """Captions are served in a folder of this key."""
    key = _name(value)
    _name(captions_folder(key))
    return key


def _name(value: Any) -> str:
    """Names become paths, so they are checked again here."""
    if not isinstance(value, str) or not is_name(value):
        raise ValueError("not a name")
    return value
