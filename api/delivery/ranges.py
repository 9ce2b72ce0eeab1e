"""Byte ranges (RFC 9110, 14): one piece of a file, or all of it."""

import re
from typing import NamedTuple

# 18 digits are below 2**63.
_RANGE = re.compile(r"bytes=[ \t]*(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))[ \t]*", re.ASCII | re.I)


class Slice(NamedTuple):
    """Bytes [start, end) of a file."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range begins behind the end of the file, or is empty."""


def read_range(text: str, size: int) -> Slice | None:
    """What a `Range` field asks for of a file of `size` bytes.

    Returns:
        None: all of it. So are several ranges answered, other units, and what cannot be read:
        a server may ignore the field (14.2), and no player asks for several.

    Raises:
        Unsatisfiable.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return _present(size - min(int(suffix), size), size, size)
    if last is not None and int(last) < int(first):
        return None  # not a valid range (14.1.1)
    return _present(int(first), size if last is None else int(last) + 1, size)


def _present(start: int, end: int, size: int) -> Slice:
    if start >= size:
        raise Unsatisfiable
    return Slice(start, min(end, size))
