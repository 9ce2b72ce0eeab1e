"""SubRip (`.srt`): what most captions are written in, read as WebVTT's cues."""

import re
from collections.abc import Iterator
from itertools import pairwise

from media.captions.cue import Cue, MalformedCaptions, checked, clean_text
from media.captions.webvtt import milliseconds

# There is no specification: this is what is found. Coordinates after the times are of old players.
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMINGS = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}\s*(?:X1:.*)?")
_STYLING = re.compile(r"\{\\[^{}]*\}")
_CAPITAL_TAG = re.compile(r"</?[BIU]>")


def parse_subrip(text: str) -> tuple[Cue, ...]:
    """The cues of a file, without its byte order mark.

    Raises:
        MalformedCaptions: something else stands there.
    """
    return checked(_cues(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")))


def _cues(lines: list[str]) -> Iterator[tuple[int, Cue]]:
    """Timings begin a cue; the number that stands above them belongs to no text."""
    places = [place for place, line in enumerate(lines) if "-->" in line]
    if not places:
        raise MalformedCaptions(1, "neither WebVTT nor SubRip: no line has the times of a cue")
    _check_beginning(lines[: places[0]])
    for place, following in pairwise([*places, len(lines)]):
        counted = following < len(lines) and _is_number(lines, following - 1)
        text = lines[place + 1 : following - counted]
        yield place + 1, _made(place + 1, lines[place], text)


def _check_beginning(lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.strip().isdigit():
            raise MalformedCaptions(number, f"neither WebVTT nor SubRip: {line.strip()[:40]!r}")


def _is_number(lines: list[str], place: int) -> bool:
    """Whether a line counts the cue after it: digits behind an empty line."""
    return lines[place].strip().isdigit() and (place == 0 or not lines[place - 1].strip())


def _made(number: int, timings: str, text: list[str]) -> Cue:
    match = _TIMINGS.fullmatch(timings)
    if match is None:
        raise MalformedCaptions(number, f"no timings of a cue: {timings.strip()[:60]!r}")
    times = match.groups()
    return Cue(
        milliseconds(number, times[:4]),
        milliseconds(number, times[4:]),
        clean_text(plain_subrip("\n".join(text))),
    )


def plain_subrip(text: str) -> str:
    """A cue's text without the styling that only SubRip has."""
    return _CAPITAL_TAG.sub(lambda tag: tag[0].lower(), _STYLING.sub("", text))
