"""A cue of captions: text, and when and where it is shown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from config.limits import (
    CAPTION_CHARACTERS_MAX,
    CAPTION_CUES_AT_ONCE_MAX,
    CAPTION_CUES_MAX,
    CAPTION_MS_MAX,
)

# The tags of WebVTT 1, 4.2.2 with their classes or annotations; time stamps are tags as well.
_KNOWN = r"(?:c|i|b|u|ruby|rt|v|lang)(?:[.\s][^<>]*)?|/(?:c|i|b|u|ruby|rt|v|lang)\s*"
_TAG = re.compile(
    rf"<(?:(?P<known>{_KNOWN}|(?:\d{{2,}}:)?\d\d:\d\d\.\d{{3}})>|(?P<other>/?[A-Za-z!][^<>]*>)|)"
)
_ARROW = re.compile(r"-{2,}>")
# What is no text, but for the line feed.
_UNSEEN = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]|[\ud800-\udfff]")


class MalformedCaptions(ValueError):
    """Text that is no captions; the message says where, and why.

    Attributes:
        line: counted from 1; 0 for the whole.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}" if line else why)
        self.line = line


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue; times in milliseconds of what is played.

    Attributes:
        text: lines with the tags of WebVTT; never empty, and without an empty line.
        settings: where it is shown, as WebVTT writes it; mostly empty.
    """

    start_ms: int
    end_ms: int
    text: str
    settings: str = ""


def clean_text(text: str) -> str:
    """Text of a cue without what players would show as it is written, or take for something else.

    Tags that WebVTT does not have (SubRip's `<font>`) go, what is in them stays, and a `<` that
    begins none is to be read. Nothing in it can end a cue: empty lines and arrows are taken out.
    """
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ARROW.sub("->", _TAG.sub(_kept, text))
    lines = [line.strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line)


def _kept(tag: re.Match[str]) -> str:
    if tag["known"]:
        return tag[0]
    return "" if tag["other"] else "&lt;"


def checked(cues: Iterable[tuple[int, Cue]]) -> tuple[Cue, ...]:
    """Cues with the line of each, in the order of their beginnings.

    Raises:
        MalformedCaptions: there are too many, or one is impossible.
    """
    kept: list[tuple[int, Cue]] = []
    for line, cue in cues:
        if cue.end_ms <= cue.start_ms:
            raise MalformedCaptions(line, "the cue ends before it begins")
        if cue.end_ms > CAPTION_MS_MAX:
            raise MalformedCaptions(line, "the cue is later than anything lasts")
        if len(cue.text) > CAPTION_CHARACTERS_MAX:
            raise MalformedCaptions(line, f"the cue has more than {CAPTION_CHARACTERS_MAX} signs")
        if len(kept) >= CAPTION_CUES_MAX:
            raise MalformedCaptions(line, f"there are more than {CAPTION_CUES_MAX} cues")
        if cue.text:
            kept.append((line, cue))
    kept.sort(key=lambda each: (each[1].start_ms, each[1].end_ms))
    _check_crowds(kept)
    return tuple(cue for _, cue in kept)


def _check_crowds(cues: Iterable[tuple[int, Cue]]) -> None:
    """A segment holds all that is shown in it, so that one moment must not have very much."""
    shown: list[int] = []
    for line, cue in cues:
        while shown and shown[0] <= cue.start_ms:
            heappop(shown)
        heappush(shown, cue.end_ms)
        if len(shown) > CAPTION_CUES_AT_ONCE_MAX:
            raise MalformedCaptions(
                line, f"more than {CAPTION_CUES_AT_ONCE_MAX} cues are shown at once"
            )


def excerpt(cues: Iterable[Cue], start_ms: int, end_ms: int) -> tuple[Cue, ...]:
    """What is shown from one moment to another, counted from the first, as for a clip."""
    return tuple(
        replace(
            cue,
            start_ms=max(cue.start_ms, start_ms) - start_ms,
            end_ms=min(cue.end_ms, end_ms) - start_ms,
        )
        for cue in cues
        if cue.start_ms < end_ms and cue.end_ms > start_ms
    )
