"""Captions as creators upload them and as films have them."""

import contextlib

from media.captions.cue import Cue, MalformedCaptions
from media.captions.embedded import CODINGS, TextTrack
from media.captions.reading import read_captions
from media.captions.webvtt import render_webvtt
from tests.fuzz.target import Target, pieces

_CODINGS = sorted(CODINGS)


def check_captions(data: bytes) -> None:
    """A file is read or refused with a line that it has; what is read is written and read alike."""
    refused_line = None
    try:
        _check(read_captions(data))
    except MalformedCaptions as error:
        refused_line = error.line
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    assert refused_line is None or 0 <= refused_line <= lines


def check_embedded(data: bytes) -> None:
    """The first byte names the coding. A piece is a packet, two seconds after the one before."""
    track = TextTrack(_CODINGS[data[0] % len(_CODINGS)] if data else "subrip")
    for number, piece in enumerate(pieces(data[1:])):
        track.take(piece, number * 2_000, 0)
    cues = track.cues(lambda time: time)
    if cues:
        _check(cues)


def _check(cues: tuple[Cue, ...]) -> None:
    assert cues
    written = render_webvtt(cues)
    with contextlib.suppress(MalformedCaptions):
        assert read_captions(written) == cues
        return
    raise AssertionError("what we write cannot be read")


TARGETS = (Target("captions", check_captions), Target("embedded_captions", check_embedded))
