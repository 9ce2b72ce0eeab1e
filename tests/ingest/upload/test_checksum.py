"""Checksums of the tus protocol tell right bytes from wrong ones."""

import hashlib
from base64 import b64encode

import pytest

from ingest.upload.checksum import InvalidChecksum, parse_checksum


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_only_the_bytes_that_were_sent_match(algorithm: str) -> None:
    expected = b64encode(hashlib.new(algorithm, b"some bytes").digest()).decode()
    right, wrong = (
        parse_checksum(f"{algorithm} {expected}"),
        parse_checksum(f"{algorithm} {expected}"),
    )

    for data in (b"some ", b"bytes"):
        right.update(data)
    wrong.update(b"some bites")

    assert right.matches()
    assert not wrong.matches()


@pytest.mark.parametrize(
    "header", ["", "sha1", "crc32 AAAAAA==", "sha1 ???", "sha1 AAAA", "SHA1 " + "A" * 28]
)
def test_what_cannot_be_checked_is_refused(header: str) -> None:
    with pytest.raises(InvalidChecksum, match="Upload-Checksum"):
        parse_checksum(header)
