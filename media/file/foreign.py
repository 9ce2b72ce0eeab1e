"""Names files that are not taken, so that their owner knows what to do about it."""

import re
from collections.abc import Callable

from media.file.refusal import RefusalCode, Refused

type _Naming = tuple[RefusalCode, str]

_IMAGE, _ARCHIVE = RefusalCode.IMAGE, RefusalCode.ARCHIVE
_DOCUMENT, _PROGRAM = RefusalCode.DOCUMENT, RefusalCode.PROGRAM
_CONTAINER, _PLAYLIST = RefusalCode.UNSUPPORTED_CONTAINER, RefusalCode.PLAYLIST

# From the formats' specifications, most of them as collected in file(1)'s magic.
_SIGNATURES: tuple[tuple[bytes, _Naming], ...] = (
    (b"\x89PNG\r\n\x1a\n", (_IMAGE, "PNG")),
    (b"\xff\xd8\xff", (_IMAGE, "JPEG")),
    (b"GIF87a", (_IMAGE, "GIF")),
    (b"GIF89a", (_IMAGE, "GIF")),
    (b"II*\0", (_IMAGE, "TIFF")),
    (b"MM\0*", (_IMAGE, "TIFF")),
    (b"8BPS\0", (_IMAGE, "Photoshop")),
    (b"\0\0\0\x0cjP  ", (_IMAGE, "JPEG 2000")),
    (b"\0\0\0\x0cJXL ", (_IMAGE, "JPEG XL")),
    (b"\x76\x2f\x31\x01", (_IMAGE, "OpenEXR")),
    (b"PK\x03\x04", (_ARCHIVE, "ZIP")),
    (b"PK\x05\x06", (_ARCHIVE, "ZIP")),
    (b"Rar!\x1a\x07", (_ARCHIVE, "RAR")),
    (b"7z\xbc\xaf\x27\x1c", (_ARCHIVE, "7-Zip")),
    (b"\x1f\x8b\x08", (_ARCHIVE, "gzip")),
    (b"BZh", (_ARCHIVE, "bzip2")),
    (b"\xfd7zXZ\0", (_ARCHIVE, "xz")),
    (b"\x28\xb5\x2f\xfd", (_ARCHIVE, "Zstandard")),
    (b"MSCF\0\0\0\0", (_ARCHIVE, "CAB")),
    (b"%PDF-", (_DOCUMENT, "PDF")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (_DOCUMENT, "Microsoft Office")),
    (b"{\\rtf", (_DOCUMENT, "RTF")),
    (b"%!PS", (_DOCUMENT, "PostScript")),
    (b"SQLite format 3\0", (_DOCUMENT, "SQLite")),
    (b"\x7fELF", (_PROGRAM, "ELF")),
    (b"\xcf\xfa\xed\xfe", (_PROGRAM, "Mach-O")),
    (b"\xca\xfe\xba\xbe", (_PROGRAM, "Mach-O or Java")),
    (b"\0asm", (_PROGRAM, "WebAssembly")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", (_CONTAINER, "Windows Media (ASF, WMV, WMA)")),
    (b".RMF", (_CONTAINER, "RealMedia")),
    (b".ra\xfd", (_CONTAINER, "RealAudio")),
    (b"\0\0\x01\xba", (_CONTAINER, "MPEG program stream (MPG, VOB)")),
    (b"\0\0\x01\xb3", (_CONTAINER, "MPEG video")),
    (b"\0\0\0\x01\x09", (_CONTAINER, "Raw H.264")),
    (b"\0\0\0\x01\x27", (_CONTAINER, "Raw H.264")),
    (b"\0\0\0\x01\x67", (_CONTAINER, "Raw H.264")),
    (b"\0\0\0\x01\x40", (_CONTAINER, "Raw H.265")),
    (b"\0\0\0\x01\x46", (_CONTAINER, "Raw H.265")),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", (_CONTAINER, "MXF")),
    (b"DKIF\0\0", (_CONTAINER, "IVF")),
    (b"YUV4MPEG2 ", (_CONTAINER, "Y4M")),
    (b"nut/multimedia container\0", (_CONTAINER, "NUT")),
    (b"FWS", (_CONTAINER, "Flash (SWF)")),
    (b"CWS", (_CONTAINER, "Flash (SWF)")),
    (b"caff\0\x01", (_CONTAINER, "Core Audio (CAF)")),
    (b"riff\x2e\x91\xcf\x11", (_CONTAINER, "Wave64")),
    (b"RIFX", (_CONTAINER, "Big-endian WAV (RIFX)")),
    (b".snd\0", (_CONTAINER, "Sun audio (AU)")),
    (b"#!AMR", (_CONTAINER, "AMR")),
    (b"MThd\0\0\0\x06", (_CONTAINER, "MIDI")),
    (b"wvpk", (_CONTAINER, "WavPack")),
    (b"MAC ", (_CONTAINER, "Monkey's Audio")),
    (b"DSD ", (_CONTAINER, "DSF")),
    (b"OpusHead", (_CONTAINER, "Bare Opus")),
    (b"\x0b\x77", (_CONTAINER, "Bare AC-3")),
    (b"d8:announce", (RefusalCode.TORRENT, "")),
    (b"d13:announce-list", (RefusalCode.TORRENT, "")),
)

# By the form type of IFF and RIFF files, at offset 8.
_FORMS: dict[bytes, _Naming] = {
    b"AVI ": (_CONTAINER, "AVI"),
    b"AVIX": (_CONTAINER, "AVI"),
    b"WEBP": (_IMAGE, "WebP"),
    b"ACON": (_IMAGE, "animated cursor"),
    b"RMID": (_CONTAINER, "MIDI"),
    b"AIFF": (_CONTAINER, "AIFF"),
    b"AIFC": (_CONTAINER, "AIFF"),
    b"8SVX": (_CONTAINER, "8SVX"),
}

# Of texts, without regard to case, after white space.
_TEXTS: tuple[tuple[re.Pattern[str], _Naming], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), naming)
    for pattern, naming in (
        (r"#EXTM3U|#EXT-X-", (_PLAYLIST, "M3U8")),
        (r"ffconcat\b|file\s+\S", (_PLAYLIST, "ffconcat")),
        (r"\[playlist\]", (_PLAYLIST, "PLS")),
        (r"\[reference\]", (_PLAYLIST, "ASX")),
        (r"<asx\b", (_PLAYLIST, "ASX")),
        (r"(<[?!][^>]*>\s*)*<MPD\b", (_PLAYLIST, "DASH")),
        (r"(<[?!][^>]*>\s*)*<SmoothStreamingMedia\b", (_PLAYLIST, "Smooth Streaming")),
        (r"(<[?!][^>]*>\s*)*<smil\b", (_PLAYLIST, "SMIL")),
        (r"(<[?!][^>]*>\s*)*<playlist\b", (_PLAYLIST, "XSPF")),
        (r"RTSPtext|SMILtext", (_PLAYLIST, "QuickTime link")),
        (r"(https?|rtmps?|rtsp|ftp|file)://", (_PLAYLIST, "list of addresses")),
        (r"v=0\s", (RefusalCode.STREAM_DESCRIPTION, "SDP")),
        (r"WEBVTT\b", (RefusalCode.SUBTITLES, "WebVTT")),
        (r"\[Script Info\]", (RefusalCode.SUBTITLES, "SubStation Alpha")),
        (r"\d+\s+\d+:\d\d:\d\d[,.]\d+ +-->", (RefusalCode.SUBTITLES, "SubRip")),
        (r"(<[?!][^>]*>\s*)*<svg\b", (_IMAGE, "SVG")),
        (r"(<[?!][^>]*>\s*)*<html\b|<!DOCTYPE html", (RefusalCode.WEB_PAGE, "")),
        (r"#!", (_PROGRAM, "script")),
    )
)

_TAR_MAGIC_AT, _TAR_MAGIC = 257, b"ustar"
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def refuse_foreign(head: bytes) -> None:
    """Do nothing when the file is none of those that are known here.

    Raises:
        Refused: it is; the refusal names it.
    """
    for names in _NAMINGS:
        naming = names(head)
        if naming is not None:
            raise Refused(*naming)


def _by_signature(head: bytes) -> _Naming | None:
    return next((naming for magic, naming in _SIGNATURES if head.startswith(magic)), None)


def _by_form(head: bytes) -> _Naming | None:
    if head[:4] in (b"RIFF", b"FORM"):
        return _FORMS.get(head[8:12], (_CONTAINER, "RIFF or IFF"))
    return None


def _by_place(head: bytes) -> _Naming | None:
    """Signatures of which the first bytes alone say too little."""
    if head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        return _ARCHIVE, "tar"
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return _IMAGE, "BMP"
    if head.startswith(b"MZ") and len(head) >= 64 and head[0x3E:0x40] == b"\0\0":
        return _PROGRAM, "Windows"
    return None


def _by_text(head: bytes) -> _Naming | None:
    text = _text(head)
    if text is None:
        return None
    beginning = text.lstrip()
    for pattern, naming in _TEXTS:
        if pattern.match(beginning):
            return naming
    return RefusalCode.TEXT, ""


def _text(head: bytes) -> str | None:
    """The head as text, when it is one; its last character may be cut in two."""
    encoding, data = "utf-8", head
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            encoding, data = name, head[len(mark) :]
    for cut in range(4):
        try:
            text = data[: len(data) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if text and all(sign.isprintable() or sign.isspace() for sign in text) else None
    return None


_NAMINGS: tuple[Callable[[bytes], _Naming | None], ...] = (
    _by_signature,
    _by_form,
    _by_place,
    _by_text,
)
