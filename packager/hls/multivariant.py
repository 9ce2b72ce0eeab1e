"""The multivariant playlist as text (RFC 8216 and rfc8216bis): frozen values in, bytes out."""

from collections.abc import Sequence
from dataclasses import dataclass

from packager.choices import AudioRendition, CaptionRendition
from packager.hls.playlist import INDEPENDENT, VERSION, decimal
from packager.naming import iframe_playlist_path, playlist_path

_AUDIO_GROUP, _CAPTION_GROUP = "audio", "captions"


@dataclass(frozen=True, slots=True)
class Variant:
    """A rendition to choose, with what it plays together with.

    Attributes:
        bandwidth, average_bandwidth: bits a second, audio included.
        codecs: RFC 6381 names, audio included.
        width, height: 0 without video.
        frame_rate: (numerator, denominator); (0, 1) when unknown.
        with_audio, with_captions: whether these groups belong to it.
    """

    name: str
    bandwidth: int
    average_bandwidth: int
    codecs: Sequence[str]
    width: int
    height: int
    frame_rate: tuple[int, int]
    with_audio: bool
    with_captions: bool = False


@dataclass(frozen=True, slots=True)
class IFrameVariant:
    """The I-frames of a rendition, to seek by (rfc8216bis, 4.4.6.3).

    Attributes:
        bandwidth, average_bandwidth: bits a second.
    """

    name: str
    bandwidth: int
    average_bandwidth: int
    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Multivariant:
    """An asset's renditions; `independent` when every segment of each starts with a keyframe."""

    variants: Sequence[Variant]
    audio: Sequence[AudioRendition]
    independent: bool
    iframes: IFrameVariant | None = None
    captions: Sequence[CaptionRendition] = ()


def render_multivariant(playlist: Multivariant) -> bytes:
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    if playlist.independent:
        lines.append(INDEPENDENT)
    chosen = {variant.name for variant in playlist.variants}
    lines += [_audio_line(each, inside=each.name in chosen) for each in playlist.audio]
    lines += [_caption_line(each) for each in playlist.captions]
    for variant in playlist.variants:
        lines.append(_variant_line(variant))
        lines.append(playlist_path(variant.name))
    if playlist.iframes is not None:
        lines.append(_iframe_variant_line(playlist.iframes))
    return _text(lines)


def _audio_line(audio: AudioRendition, *, inside: bool) -> str:
    """`inside`: it is the variant itself, and has no other URI (rfc8216bis, 4.4.6.1).

    hls.js 1.7.4 never plays another track of sound if it has.
    """
    return _media_line(
        [
            "TYPE=AUDIO",
            f'GROUP-ID="{_AUDIO_GROUP}"',
            *_choice(audio.label, audio.language),
            f"DEFAULT={_yes_or_no(audio.default)}",
            "AUTOSELECT=YES",
            f'CHANNELS="{audio.channels}"',
            *([] if inside else [f'URI="{playlist_path(audio.name)}"']),
        ]
    )


def _caption_line(captions: CaptionRendition) -> str:
    """What is in the pictures themselves (CEA-608) is not known: nothing is said of it."""
    return _media_line(
        [
            "TYPE=SUBTITLES",
            f'GROUP-ID="{_CAPTION_GROUP}"',
            *_choice(captions.label, captions.language),
            f"DEFAULT={_yes_or_no(captions.default)}",
            "AUTOSELECT=YES",
            f"FORCED={_yes_or_no(captions.forced)}",
            f'URI="{playlist_path(captions.name)}"',
        ]
    )


def _media_line(attributes: Sequence[str]) -> str:
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def _choice(label: str, language: str) -> list[str]:
    return [f'NAME="{label}"', *([f'LANGUAGE="{language}"'] if language else ())]


def _yes_or_no(said: bool) -> str:
    return "YES" if said else "NO"


def _variant_line(variant: Variant) -> str:
    attributes = [
        f"BANDWIDTH={variant.bandwidth}",
        f"AVERAGE-BANDWIDTH={variant.average_bandwidth}",
        f'CODECS="{",".join(variant.codecs)}"',
    ]
    if variant.width:
        attributes.append(f"RESOLUTION={variant.width}x{variant.height}")
    frames, seconds = variant.frame_rate
    if frames:
        attributes.append(f"FRAME-RATE={decimal(frames * 1000 // seconds, 3)}")
    if variant.with_audio:
        attributes.append(f'AUDIO="{_AUDIO_GROUP}"')
    if variant.with_captions:
        attributes.append(f'SUBTITLES="{_CAPTION_GROUP}"')
    return f"#EXT-X-STREAM-INF:{','.join(attributes)}"


def _iframe_variant_line(variant: IFrameVariant) -> str:
    return (
        f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={variant.bandwidth},"
        f'AVERAGE-BANDWIDTH={variant.average_bandwidth},CODECS="{variant.codec}",'
        f"RESOLUTION={variant.width}x{variant.height},"
        f'URI="{iframe_playlist_path(variant.name)}"'
    )


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
