"""Captions that are tracks of films: what a packet of each coding says, as text of WebVTT.

Nothing is decoded by libav: these packets are text, and its demuxers hand them out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from config.limits import (
    CAPTION_CHARACTERS_MAX,
    CAPTION_CUES_AT_ONCE_MAX,
    CAPTION_CUES_MAX,
    CAPTION_MS_MAX,
    CAPTIONS_BYTES_MAX,
)
from media.captions.cue import Cue, clean_text
from media.captions.subrip import plain_subrip

# Matroska's SSA: ReadOrder, Layer, Style, Name, three margins and Effect come before the text.
_SSA_FIELDS = 8
_SSA_STYLING = re.compile(r"\{[^{}]*\}")
_SSA_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
# What a cue without an end is shown for, and the least and most of any.
_DURATION_MS, _DURATION_MS_MAX = 4_000, 60_000
# A cue in WebVTT has its times, too.
_CUE_BYTES = 40


def _subrip(packet: bytes) -> str:
    return plain_subrip(_text(packet))


def _webvtt(packet: bytes) -> str:
    return _text(packet)


def _ssa(packet: bytes) -> str:
    """Its styling is left out; drawings are no text."""
    *_, text = _text(packet).split(",", _SSA_FIELDS)
    if _SSA_DRAWING.search(text):
        return ""
    text = _SSA_STYLING.sub("", text)
    return text.replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ")


def _timed_text(packet: bytes) -> str:
    """3GPP TS 26.245, 5.17: the text's length in bytes, the text, then boxes with its styles."""
    size = int.from_bytes(packet[:2])
    text = packet[2 : 2 + size]
    if text[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return _literal(text.decode("utf-16", errors="replace"))
    return _literal(_text(text))


def _literal(text: str) -> str:
    """As it is to be read: this coding has no tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(packet: bytes) -> str:
    return packet.decode(errors="replace").removeprefix("\ufeff")


CODINGS: Mapping[str, Callable[[bytes], str]] = MappingProxyType(
    {
        "srt": _subrip,
        "subrip": _subrip,
        "text": _webvtt,
        "webvtt": _webvtt,
        "ssa": _ssa,
        "ass": _ssa,
        "mov_text": _timed_text,
    }
)
"""By the names of libav's decoders, which are not used."""


class TextTrack:
    """Takes the packets of one track; what there is too much of is left out.

    Times are the file's own until `cues` places them.
    """

    def __init__(self, coding: str) -> None:
        self._read = CODINGS[coding]
        self._packets: list[tuple[int, int, str]] = []
        self._bytes = 0

    def take(self, data: bytes, pts: int, duration: int) -> None:
        """The next packet; `duration` is 0 when unknown."""
        text = clean_text(self._read(data[: 8 * CAPTION_CHARACTERS_MAX]))[:CAPTION_CHARACTERS_MAX]
        size = len(text.encode()) + _CUE_BYTES
        if self._bytes + size > CAPTIONS_BYTES_MAX or len(self._packets) >= CAPTION_CUES_MAX:
            return
        self._bytes += size
        self._packets.append((pts, duration, text))

    def cues(self, place: Callable[[int], int]) -> tuple[Cue, ...]:
        """All cues in their order, by `place`, which gives a time of the file in milliseconds."""
        packets = sorted(self._packets, key=lambda each: each[0])
        starts = [place(pts) for pts, _, _ in packets]
        timed = []
        for index, (pts, duration, text) in enumerate(packets):
            start_ms = max(0, starts[index])
            end_ms = place(pts + duration) if duration > 0 else _until(starts, index)
            end_ms = min(end_ms, start_ms + _DURATION_MS_MAX, CAPTION_MS_MAX)
            if clean_text(text) and end_ms > start_ms:
                timed.append(Cue(start_ms, end_ms, text))
        return tuple(_thinned(timed))


def _until(starts: list[int], index: int) -> int:
    """A cue without an end stands until the next one, or for a while."""
    longest = max(0, starts[index]) + _DURATION_MS
    following = starts[index + 1] if index + 1 < len(starts) else longest
    return min(longest, following) if following > starts[index] else longest


def _thinned(cues: Iterable[Cue]) -> Iterable[Cue]:
    """Without those that nobody could read beside the others."""
    shown: list[int] = []
    for cue in sorted(cues, key=lambda each: (each.start_ms, each.end_ms)):
        shown = [end_ms for end_ms in shown if end_ms > cue.start_ms]
        if len(shown) < CAPTION_CUES_AT_ONCE_MAX:
            shown.append(cue.end_ms)
            yield cue
