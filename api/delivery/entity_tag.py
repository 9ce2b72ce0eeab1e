"""Entity tags (RFC 9110, 8.8.3) of media, and the conditions that name them (13.1)."""

import re
from zlib import crc32

_SMALL_BYTES = 4_096
_SAMPLE_BYTES = 16

_TAGS = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def entity_tag(body: bytes) -> str:
    """The strong tag of a file, without its quotes; the same in every process.

    What a name names hardly ever changes, and then to another encoding of the same pictures. Those
    differ in length, or in any few bytes from their midst, which are compressed.
    """
    size = len(body)
    if size <= _SMALL_BYTES:
        return f"{size:x}-{crc32(body):x}"
    middle = size >> 1
    return f"{size:x}-{int.from_bytes(body[middle : middle + _SAMPLE_BYTES]):x}"


def matches_strongly(field: str, tag: str) -> bool:
    """Whether an `If-Match` names the tag (13.1.1)."""
    return field.strip() == "*" or f'"{tag}"' in _listed(field)


def matches_weakly(field: str, tag: str) -> bool:
    """Whether an `If-None-Match` names the tag (13.1.2)."""
    return field.strip() == "*" or f'"{tag}"' in (one.removeprefix("W/") for one in _listed(field))


def is_same(field: str, tag: str) -> bool:
    """Whether an `If-Range` names the tag (13.1.5). Files have no date that it could name."""
    return field.strip() == f'"{tag}"'


def _listed(field: str) -> list[str]:
    return [match.group() for match in _TAGS.finditer(field)]
