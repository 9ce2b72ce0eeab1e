"""Boxes of the ISO base media file format (ISO 14496-12, 4.2)."""

from struct import Struct

_HEADER = Struct(">I4s")
_FULL_HEADER = Struct(">I4sI")


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of a four-character kind."""
    size = _HEADER.size + sum(map(len, content))
    return _HEADER.pack(size, kind) + b"".join(content)


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box that starts with a version and 24 flags."""
    size = _FULL_HEADER.size + sum(map(len, content))
    return _FULL_HEADER.pack(size, kind, version << 24 | flags) + b"".join(content)
