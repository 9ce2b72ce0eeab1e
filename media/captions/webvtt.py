"""WebVTT (W3C): parsed strictly enough to name a mistake, written as all players read it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from media.captions.cue import Cue, MalformedCaptions, checked, clean_text

SIGNATURE = "WEBVTT"
_ARROW = "-->"

# 4.1 of the specification: hours are optional and may have more than two digits. A comma instead
# of the point is SubRip's, and the slip that people make most.
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMINGS = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+(.*))?")

# 4.3. What a region is called has no meaning without the regions, which are left out.
_PERCENT = r"(?:100|\d{1,2})(?:\.\d{1,6})?%"
_SETTINGS = {
    "vertical": re.compile(r"rl|lr"),
    "line": re.compile(rf"(?:-?\d{{1,4}}|{_PERCENT})(?:,(?:start|center|end))?"),
    "position": re.compile(rf"{_PERCENT}(?:,(?:line-left|center|line-right))?"),
    "size": re.compile(_PERCENT),
    "align": re.compile(r"start|center|end|left|right"),
}
_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")

type _Lines = Sequence[tuple[int, str]]


def parse_webvtt(text: str) -> tuple[Cue, ...]:
    """The cues of a file, without its byte order mark.

    Comments, regions, styles and cues without text are left out; so are settings that no player
    knows.

    Raises:
        MalformedCaptions: something else stands there.
    """
    head, *blocks = _blocks(text)
    if re.match(rf"{SIGNATURE}(?:[ \t]|$)", head[0][1]) is None:
        raise MalformedCaptions(1, f"it does not begin with {SIGNATURE}")
    if any(_ARROW in line for _, line in head):
        raise MalformedCaptions(head[0][0], f"an empty line is missing after {SIGNATURE}")
    return checked(one for block in blocks for one in _cue(block))


def _blocks(text: str) -> Iterator[_Lines]:
    """What stands between empty lines, each line with its number; the first is at least one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    block = [(1, lines[0])]
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _cue(block: _Lines) -> Iterator[tuple[int, Cue]]:
    """One block's cue; none of a comment. The line before the timings is what the cue is called."""
    number, first = block[0]
    if _ARROW not in first:
        if _COMMENT.match(first):
            return
        if len(block) == 1 or _ARROW not in block[1][1]:
            raise MalformedCaptions(number, f"neither a cue nor a comment: {first.strip()[:40]!r}")
        block = block[1:]
    yield from _cues_of(block)


def _cues_of(block: _Lines) -> Iterator[tuple[int, Cue]]:
    """Timings end the text before them, also without an empty line (6.1)."""
    number, timings = block[0]
    text: list[str] = []
    for place, (_, line) in enumerate(block[1:], 1):
        if _ARROW in line:
            yield from _cues_of(block[place:])
            break
        text.append(line)
    yield number, _made(number, timings, "\n".join(text))


def _made(number: int, timings: str, text: str) -> Cue:
    match = _TIMINGS.fullmatch(timings)
    if match is None:
        raise MalformedCaptions(number, f"no timings of a cue: {timings.strip()[:60]!r}")
    times = match.groups()
    return Cue(
        milliseconds(number, times[:4]),
        milliseconds(number, times[4:8]),
        clean_text(text),
        _settings(times[8] or ""),
    )


def milliseconds(line: int, parts: Sequence[str | None]) -> int:
    """A time's hours, minutes, seconds and thousandths.

    Raises:
        MalformedCaptions: a minute has 60 seconds.
    """
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    if minutes >= 60 or seconds >= 60:
        raise MalformedCaptions(line, "no time has more than 59 minutes or seconds")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _settings(text: str) -> str:
    kept = {}
    for setting in text.split():
        name, _, value = setting.partition(":")
        if name in _SETTINGS and _SETTINGS[name].fullmatch(value):
            kept[name] = value
    return " ".join(f"{name}:{value}" for name, value in kept.items())


def render_webvtt(cues: Iterable[Cue], header: Sequence[str] = ()) -> bytes:
    """A file of cues.

    Args:
        header: lines that follow the signature.
    """
    lines = [SIGNATURE, *header]
    for cue in cues:
        times = f"{timestamp(cue.start_ms)} {_ARROW} {timestamp(cue.end_ms)}"
        lines += ["", f"{times} {cue.settings}".rstrip(), cue.text]
    return ("\n".join(lines) + "\n").encode()


def timestamp(time_ms: int) -> str:
    """`hh:mm:ss.mmm` (4.1)."""
    seconds, millisecond = divmod(time_ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}.{millisecond:03}"
