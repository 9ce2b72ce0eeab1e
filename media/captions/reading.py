"""Captions as they are sent: bytes of WebVTT or SubRip."""

from config.limits import CAPTIONS_BYTES_MAX
from media.captions.cue import Cue, MalformedCaptions
from media.captions.subrip import parse_subrip
from media.captions.webvtt import SIGNATURE, parse_webvtt


def read_captions(data: bytes) -> tuple[Cue, ...]:
    """The cues in a file of either kind.

    Raises:
        MalformedCaptions: it is neither, or too long.
    """
    if len(data) > CAPTIONS_BYTES_MAX:
        raise MalformedCaptions(0, f"captions have no more than {CAPTIONS_BYTES_MAX} bytes")
    text = _text(data)
    cues = parse_webvtt(text) if text.startswith(SIGNATURE) else parse_subrip(text)
    if not cues:
        raise MalformedCaptions(0, "there is no cue with a text")
    return cues


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MalformedCaptions(line, "the text is not encoded as UTF-8") from None
