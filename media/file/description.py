"""What a file turns out to be once all of its packets were listed, told by a worker."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from config.limits import (
    FILE_DESCRIPTION_BYTES_MAX,
    FILE_SIDE_PIXELS_MAX,
    FILE_STREAMS_MAX,
    FILE_TEXTS_MAX,
    SAMPLE_RATE_MAX,
    SAMPLE_RATE_MIN,
    SOUND_CHANNELS_MAX,
)
from media.languages import clean_label, language_tag
from media.transcode.protocol import Appearance

_TIME_MAX = 1 << 53
_RATE_PART_MAX = 1 << 32
_TEXT_MAX = 200
_CONFIGURATION_BYTES_MAX = 8_192
_BYTE_MAX = 255
_ASPECT_PART_MAX = 0xFFFF


class MalformedDescription(ValueError):
    """The bytes describe no file."""


@dataclass(frozen=True, slots=True)
class VideoDescription:
    """The track of pictures; times on our timeline, in 1/90000 s.

    Attributes:
        codec: libav's name.
        width, height: decoded picture, before it is turned and its pixels are made square.
        turn: how far it is to be turned clockwise, in degrees: 0, 90, 180 or 270.
        mirrored: left and right are to be swapped, before it is turned.
        frame_rate: pictures a second, as a fraction; (0, 1) for a single one.
        interlaced: some picture is two fields.
        appearance: colours and shape of pixels, as decoded.
        start, end: what is shown.
        size: of all packets, in bytes.
        configuration: AVCDecoderConfigurationRecord of H.264; empty for other codecs.
        copy_flaw: why its own packets are no rendition, as far as they show it; empty if they are.
        refresh_interval: the longest time between two places where a player can start.
    """

    codec: str
    width: int
    height: int
    turn: int
    mirrored: bool
    frame_rate: tuple[int, int]
    interlaced: bool
    appearance: Appearance
    start: int
    end: int
    size: int
    configuration: bytes
    copy_flaw: str
    refresh_interval: int


@dataclass(frozen=True, slots=True)
class AudioDescription:
    """A track of sound; times as in `VideoDescription`.

    Attributes:
        configuration: AudioSpecificConfig of AAC without ADTS; empty for the rest.
        copy_flaw: as in `VideoDescription`.
        language: a tag of BCP 47; empty when unknown.
        label: what the file calls it; empty when nothing.
    """

    codec: str
    sample_rate: int
    channels: int
    start: int
    end: int
    size: int
    configuration: bytes
    copy_flaw: str
    language: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class TextDescription:
    """A track of captions; as `AudioDescription`.

    Attributes:
        default: the file asks for it to be shown.
        forced: it is to be shown to whoever wants no captions.
    """

    language: str
    label: str
    default: bool
    forced: bool


@dataclass(frozen=True, slots=True)
class FileDescription:
    """Pictures or sound or both, and captions; `jumps` of the clock were repaired.

    Attributes:
        sounds: the default one first.
    """

    video: VideoDescription | None
    sounds: tuple[AudioDescription, ...]
    jumps: int
    texts: tuple[TextDescription, ...] = ()

    @property
    def end(self) -> int:
        """Where the last of the tracks ends."""
        tracks = (self.video, *self.sounds)
        return max(track.end for track in tracks if track is not None)


def description_to_bytes(description: FileDescription) -> bytes:
    """A description as JSON."""
    return json.dumps(asdict(description), default=bytes.hex).encode()


def description_from_bytes(data: bytes) -> FileDescription:
    """The description that `description_to_bytes` wrote; the writer is not trusted.

    Raises:
        MalformedDescription: something is missing, unknown, of another type or impossible.
    """
    if len(data) > FILE_DESCRIPTION_BYTES_MAX:
        raise MalformedDescription("it is too long")
    try:
        fields = json.loads(data)
        video = fields["video"]
        description = FileDescription(
            video=None if video is None else _video(video),
            sounds=tuple(map(_audio, _several(fields["sounds"], FILE_STREAMS_MAX))),
            jumps=_integer(fields["jumps"], 0, _TIME_MAX),
            texts=tuple(map(_text_track, _several(fields["texts"], FILE_TEXTS_MAX))),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise MalformedDescription(str(reason)) from reason
    if description.video is None and not description.sounds:
        raise MalformedDescription("it has no track")
    return description


def _video(fields: dict[str, Any]) -> VideoDescription:
    numerator, denominator = fields["frame_rate"]
    return VideoDescription(
        codec=_text(fields["codec"]),
        width=_integer(fields["width"], 1, FILE_SIDE_PIXELS_MAX),
        height=_integer(fields["height"], 1, FILE_SIDE_PIXELS_MAX),
        turn=_one_of(fields["turn"], (0, 90, 180, 270)),
        mirrored=bool(fields["mirrored"]),
        frame_rate=(
            _integer(numerator, 0, _RATE_PART_MAX),
            _integer(denominator, 1, _RATE_PART_MAX),
        ),
        interlaced=bool(fields["interlaced"]),
        appearance=_appearance(fields["appearance"]),
        refresh_interval=_integer(fields["refresh_interval"], 0, _TIME_MAX),
        **_track(fields),
    )


def _audio(fields: dict[str, Any]) -> AudioDescription:
    return AudioDescription(
        codec=_text(fields["codec"]),
        sample_rate=_integer(fields["sample_rate"], SAMPLE_RATE_MIN, SAMPLE_RATE_MAX),
        channels=_integer(fields["channels"], 1, SOUND_CHANNELS_MAX),
        language=_language(fields),
        label=_label(fields),
        **_track(fields),
    )


def _text_track(fields: dict[str, Any]) -> TextDescription:
    return TextDescription(
        language=_language(fields),
        label=_label(fields),
        default=bool(fields["default"]),
        forced=bool(fields["forced"]),
    )


def _language(fields: dict[str, Any]) -> str:
    """It comes to stand in playlists, and in paths."""
    return language_tag(_text(fields["language"]))


def _label(fields: dict[str, Any]) -> str:
    return clean_label(_text(fields["label"]))


def _track(fields: dict[str, Any]) -> dict[str, Any]:
    configuration = bytes.fromhex(fields["configuration"])
    if len(configuration) > _CONFIGURATION_BYTES_MAX:
        raise ValueError("a configuration is too long")
    return {
        "start": _integer(fields["start"], 0, _TIME_MAX),
        "end": _integer(fields["end"], 0, _TIME_MAX),
        "size": _integer(fields["size"], 0, _TIME_MAX),
        "configuration": configuration,
        "copy_flaw": _text(fields["copy_flaw"]),
    }


def _appearance(fields: dict[str, Any]) -> Appearance:
    return Appearance(
        color_range=_integer(fields["color_range"], 0, 2),
        primaries=_integer(fields["primaries"], 0, _BYTE_MAX),
        transfer=_integer(fields["transfer"], 0, _BYTE_MAX),
        matrix=_integer(fields["matrix"], 0, _BYTE_MAX),
        aspect_width=_integer(fields["aspect_width"], 1, _ASPECT_PART_MAX),
        aspect_height=_integer(fields["aspect_height"], 1, _ASPECT_PART_MAX),
    )


def _several(values: object, most: int) -> list[Any]:
    if not isinstance(values, list) or len(values) > most:
        raise ValueError(f"{values!r} are not up to {most}")
    return values


def _integer(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} is not from {least} to {most}")
    return value


def _one_of(value: object, choices: tuple[int, ...]) -> int:
    if not isinstance(value, int) or value not in choices:
        raise ValueError(f"{value!r} is none of {choices}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        raise ValueError("a text is none or too long")
    return value
