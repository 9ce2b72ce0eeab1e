"""Captions of a film: cues in one language, and how they are offered."""

from dataclasses import dataclass

from media.captions.cue import Cue


@dataclass(frozen=True, slots=True)
class Captions:
    """One set of captions.

    Attributes:
        key: tells those of a film apart; mostly the language in small letters.
        language: a tag of BCP 47; empty when unknown.
        label: what they are called; empty when only the language is known.
        default: to be shown to whoever has chosen nothing.
        forced: to be shown also to whoever wants no captions.
        cues: times count from the beginning of the film.
    """

    key: str
    language: str
    label: str
    default: bool
    forced: bool
    cues: tuple[Cue, ...]
