"""Reads the head of an EBML document (RFC 8794), which Matroska and WebM files are."""

EBML_MAGIC = b"\x1a\x45\xdf\xa3"

_DOC_TYPE = 0x4282
_ID_BYTES_MAX, _SIZE_BYTES_MAX = 4, 8


class MalformedEbml(ValueError):
    """The head of the document cannot be read, or it goes on beyond what is given."""


def document_type(head: bytes) -> str:
    """The DocType.

    Raises:
        MalformedEbml: there is none to be read.
    """
    if not head.startswith(EBML_MAGIC):
        raise MalformedEbml("no EBML magic")
    size, position = _size(head, len(EBML_MAGIC))
    content = head[: position + size]
    if len(content) < position + size:
        raise MalformedEbml("the head is longer than what is given")
    while position < len(content):
        identifier, start = _number(content, position, _ID_BYTES_MAX)
        size, start = _size(content, start)
        position = start + size
        if identifier == _DOC_TYPE:
            return content[start:position].rstrip(b"\0").decode("ascii", "replace")
    raise MalformedEbml("no DocType")


def _size(data: bytes, position: int) -> tuple[int, int]:
    """An element's size and where its data begins; the size that means unknown is a huge one."""
    coded, end = _number(data, position, _SIZE_BYTES_MAX)
    return coded & ((1 << 7 * (end - position)) - 1), end


def _number(data: bytes, position: int, bytes_max: int) -> tuple[int, int]:
    """A number with its marker, and where it ends (RFC 8794, 4)."""
    first = data[position] if position < len(data) else 0
    end = position + 9 - first.bit_length()
    if first == 0 or end - position > bytes_max or end > len(data):
        raise MalformedEbml(f"no number at {position}")
    return int.from_bytes(data[position:end], "big"), end
