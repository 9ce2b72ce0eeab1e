"""The checksum a client sends with a request's bytes (tus 1.0, extension Checksum)."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

# The specification demands sha1. None of them is to withstand forgery here: they find broken bytes.
_ALGORITHMS: dict[str, Callable[..., Any]] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "md5": hashlib.md5,
}

ALGORITHMS = tuple(_ALGORITHMS)


class InvalidChecksum(ValueError):
    """Not `ALGORITHM BASE64`, or an algorithm that is not offered."""


class Checksum:
    """Grows with the bytes of one request and tells at the end whether they are the right ones."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._digest = _ALGORITHMS[algorithm](usedforsecurity=False)
        self._expected = expected

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def matches(self) -> bool:
        return bool(self._digest.digest() == self._expected)


def parse_checksum(header: str) -> Checksum:
    """From an `Upload-Checksum` header.

    Raises:
        InvalidChecksum: see there.
    """
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in _ALGORITHMS:
        raise InvalidChecksum(f"Upload-Checksum takes {', '.join(ALGORITHMS)}")
    try:
        expected = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidChecksum("Upload-Checksum is not Base64") from None
    if len(expected) != _ALGORITHMS[algorithm](usedforsecurity=False).digest_size:
        raise InvalidChecksum(f"Upload-Checksum has another length than {algorithm}")
    return Checksum(algorithm, expected)
