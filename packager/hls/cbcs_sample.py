"""Samples by the scheme `cbcs` of Common Encryption (ISO 23001-7, 10.4.1)."""

from dataclasses import dataclass
from struct import Struct

from config.limits import CBCS_SUBSAMPLES_MAX
from media.wire.bits import MalformedConfiguration
from media.wire.h264_slice import HEADER_BYTES_MAX, SliceHeaders
from packager.hls.cipher import BLOCK_BYTES, encrypt_blocks

# One block of ten (10.4.1): as little as keeps pictures from being seen, for players' batteries.
CRYPT_BLOCKS, SKIP_BLOCKS = 1, 9
_PATTERN_BYTES = (CRYPT_BLOCKS + SKIP_BLOCKS) * BLOCK_BYTES

_LENGTH = Struct(">I").unpack_from
_LENGTH_BYTES = 4
# ITU-T H.264, table 7-1: whole slices, and those of IDR pictures.
_SLICES = frozenset({1, 5})
_CLEAR_BYTES_MAX = 0xFFFF
# Enough where a header cannot be read: it has hundreds of bytes only with many weights.
_UNREAD_HEADER_BYTES = 256

type Subsample = tuple[int, int]
"""So many clear bytes, then so many protected ones (ISO 23001-7, 7.2)."""


@dataclass(frozen=True, slots=True)
class SampleKey:
    """What encrypts the samples of a key period; the vector is constant (9.6.1)."""

    key: bytes
    vector: bytes


def protect_audio(key: SampleKey, sample: memoryview) -> list[bytes | memoryview]:
    """All whole blocks (10.4.2: whole-block full sample encryption); what remains stays clear."""
    whole = len(sample) - len(sample) % BLOCK_BYTES
    return [encrypt_blocks(key.key, key.vector, sample[:whole]), sample[whole:]]


def protect_video(
    key: SampleKey, headers: SliceHeaders, sample: memoryview
) -> tuple[list[bytes | memoryview], list[Subsample]]:
    """Slices of H.264 behind their headers, in the pattern; the rest stays clear (9.5.2.2, 9.7.2).

    Args:
        headers: of the stream; it learns of parameter sets in the sample.
        sample: NAL units behind 4-byte lengths.

    Returns:
        The sample in pieces, and its subsamples.
    """
    pieces: list[bytes | memoryview] = []
    subsamples: list[Subsample] = []
    copied = position = 0
    while position + _LENGTH_BYTES < len(sample):
        start = position + _LENGTH_BYTES
        position = start + _LENGTH(sample, position)[0]
        first, last = _protected(headers, sample, start, min(position, len(sample)))
        if first >= last:
            continue
        if len(subsamples) >= CBCS_SUBSAMPLES_MAX:
            position = len(sample)
            last = position - (position - first) % BLOCK_BYTES
        pieces += (sample[copied:first], _patterned(key, sample[first:last]))
        subsamples += _subsamples(first - copied, last - first)
        copied = last
    pieces.append(sample[copied:])
    subsamples += _subsamples(len(sample) - copied, 0)
    return pieces, subsamples


def _protected(headers: SliceHeaders, sample: memoryview, start: int, end: int) -> tuple[int, int]:
    """The whole blocks of a slice's data; nothing of other NAL units."""
    nal = bytes(sample[start : min(end, start + HEADER_BYTES_MAX)])
    if not nal or nal[0] & 0x1F not in _SLICES:
        headers.learn(nal)
        return start, start
    try:
        size = headers.size(nal)
    except MalformedConfiguration:
        size = _UNREAD_HEADER_BYTES
    first = start + size
    return first, max(first, end - (end - first) % BLOCK_BYTES)


def _subsamples(clear: int, protected: int) -> list[Subsample]:
    """7.2: the number of clear bytes has 16 bits, that of protected ones 32."""
    full, rest = divmod(clear, _CLEAR_BYTES_MAX)
    last = [(rest, protected)] if rest or protected else []
    return [(_CLEAR_BYTES_MAX, 0)] * full + last


def _patterned(key: SampleKey, data: memoryview) -> bytes:
    """Encrypt the first block of each ten; the chain goes from one to the next.

    Blocks are gathered byte column by byte column, which costs the same for any length.
    """
    size = -(-len(data) // _PATTERN_BYTES) * BLOCK_BYTES
    gathered = bytearray(size)
    for column in range(BLOCK_BYTES):
        gathered[column::BLOCK_BYTES] = data[column::_PATTERN_BYTES]
    secret = encrypt_blocks(key.key, key.vector, gathered)
    mixed = bytearray(data)
    for column in range(BLOCK_BYTES):
        mixed[column::_PATTERN_BYTES] = secret[column::BLOCK_BYTES]
    return bytes(mixed)
