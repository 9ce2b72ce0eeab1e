"""Recognises the ISO base media family by its first boxes (ISO/IEC 14496-12, 4.2 and 4.3)."""

from dataclasses import dataclass

from media.file.refusal import RefusalCode, Refused

# What a QuickTime or MP4 file may begin with; the padding boxes come before others.
_PADDING = frozenset({b"wide", b"free", b"skip", b"pnot", b"uuid"})
_FIRST = frozenset({b"ftyp", b"styp", b"moov", b"mdat"}) | _PADDING
_FILE_TYPE = frozenset({b"ftyp", b"styp"})
# What a movie box holds; `rmra` is QuickTime's list of movies that are kept elsewhere.
_IN_MOVIE = frozenset({b"mvhd", b"trak", b"udta", b"meta", b"iods", b"mvex", b"cmov", b"pssh"})
_IN_MOVIE_TOO = _PADDING | {b"rmra", b"prfl", b"clip"}
_REFERENCES = b"rmra"

_BRAND_SIZE_MAX = 4_096
_IMAGE_BRANDS = {
    b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"heis": "HEIC", b"hevc": "HEIC",
    b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF", b"avis": "AVIF", b"crx ": "Canon raw",
    b"jp2 ": "JPEG 2000", b"jpx ": "JPEG 2000",
}  # fmt: skip
_PROTECTED_BRAND = b"M4P "


@dataclass(frozen=True, slots=True)
class Box:
    """A box's place in what it was read from.

    Attributes:
        start: of its content.
        end: None: it goes on to the end of the file.
    """

    kind: bytes
    start: int
    end: int | None


BOX_HEADER_BYTES = 16
"""As long as a header can be; a box's size has 4 bytes or 8 more."""


def is_iso_media(head: bytes) -> bool:
    """A file of the family whose first boxes make sense.

    Raises:
        Refused: it is of the family, but holds pictures, is protected or only refers to others.
    """
    box = _box(head, 0)
    if box is None or box.kind not in _FIRST:
        return False
    if box.kind in _FILE_TYPE:
        return _is_movie_brand(head, box)
    while box is not None and box.kind in _PADDING and box.end is not None and box.end < len(head):
        box = _box(head, box.end)
    if box is None:
        return False
    return _is_movie(head, box) if box.kind == b"moov" else box.kind in _FIRST


def _is_movie_brand(head: bytes, box: Box) -> bool:
    if box.end is None or not 16 <= box.end <= _BRAND_SIZE_MAX or len(head) < 16:
        return False
    brand = head[8:12]
    if brand in _IMAGE_BRANDS:
        raise Refused(RefusalCode.IMAGE, _IMAGE_BRANDS[brand])
    if brand == _PROTECTED_BRAND:
        raise Refused(RefusalCode.ENCRYPTED)
    return True


def _is_movie(head: bytes, movie: Box) -> bool:
    first = _box(head, movie.start)
    if first is None:
        return False
    if first.kind == _REFERENCES:
        raise Refused(RefusalCode.EXTERNAL_MEDIA)
    return first.kind in _IN_MOVIE | _IN_MOVIE_TOO


def _box(head: bytes, position: int) -> Box | None:
    return box_at(head[position : position + BOX_HEADER_BYTES], position)


def box_at(header: bytes, position: int) -> Box | None:
    """The box whose first bytes are `header`; None when they are too few or impossible."""
    if len(header) < 8:
        return None
    size, kind = int.from_bytes(header[:4], "big"), header[4:8]
    if size == 0:
        return Box(kind, position + 8, None)
    if size == 1:
        size = int.from_bytes(header[8:16], "big")
        return Box(kind, position + 16, position + size) if size >= 16 else None
    return Box(kind, position + 8, position + size) if size >= 8 else None
