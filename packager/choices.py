"""What a viewer can choose besides the quality: sound and captions, as menus name them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from media.languages import language_name
from media.units import Track

_SOUND, _CAPTIONS = "Sound", "Captions"


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """One track of sound.

    Attributes:
        label: for menus; no two of an asset have the same.
        language: a tag of BCP 47; empty when unknown.
        default: to be heard by whoever has chosen nothing; one of them is.
    """

    name: str
    label: str
    language: str
    channels: int
    default: bool


@dataclass(frozen=True, slots=True)
class CaptionRendition:
    """One set of captions; as `AudioRendition`, but none has to be the default.

    Attributes:
        forced: to be shown to whoever wants no captions: it translates what most do not understand.
    """

    name: str
    label: str
    language: str
    default: bool
    forced: bool = False


def audio_choices(tracks: Iterable[tuple[str, Track]]) -> list[AudioRendition]:
    """The tracks of sound by rendition, in their order: `audio` is the default, then `audio-2`."""
    ranked = sorted(tracks, key=lambda each: (len(each[0]), each[0]))
    labels = _distinct([track.label or _named(track.language, _SOUND) for _, track in ranked])
    return [
        AudioRendition(name, label, track.language, track.channels, default=index == 0)
        for index, ((name, track), label) in enumerate(zip(ranked, labels, strict=True))
    ]


def caption_choices(captions: Sequence[CaptionRendition]) -> list[CaptionRendition]:
    """The same with names for those without, all of them different; at most one is the default."""
    defaults = [each.name for each in captions if each.default and not each.forced]
    labels = _distinct([each.label or _named(each.language, _CAPTIONS) for each in captions])
    return [
        replace(each, label=label, default=each.name in defaults[:1])
        for each, label in zip(captions, labels, strict=True)
    ]


def _named(language: str, otherwise: str) -> str:
    return language_name(language) if language else otherwise


def _distinct(labels: Sequence[str]) -> list[str]:
    """The second of a name gets a number, and so on (rfc8216bis, 4.4.6.1.1)."""
    taken: dict[str, None] = {}
    for label in labels:
        numbered = (label if n == 1 else f"{label} {n}" for n in count(1))
        taken[next(each for each in numbered if each not in taken)] = None
    return list(taken)
