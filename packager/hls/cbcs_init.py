"""Init segments by Common Encryption: the sample entry says how its samples are protected."""

from struct import pack

from media.wire.fmp4_box import box, full_box
from media.wire.fmp4_read import MalformedBoxes, boxes
from packager.hls.cbcs_sample import CRYPT_BLOCKS, SKIP_BLOCKS, SampleKey

# What protected entries are called (ISO 14496-12, 8.12).
_PROTECTED = {b"avc1": b"encv", b"mp4a": b"enca"}
_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
# After the version, flags and number of entries (ISO 14496-12, 8.5.2.2).
_ENTRIES = 8
# ISO 23001-7, 4.2: version 1.0.
_SCHEME_VERSION = 0x10000


def protect_init(init: bytes, key: SampleKey, key_id: bytes) -> bytes:
    """The init segment of segments that are protected with this key.

    Raises:
        MalformedBoxes: it is not as we write them.
    """
    return _rewritten(memoryview(init), _PATH, key, key_id)


def _rewritten(
    content: memoryview, path: tuple[bytes, ...], key: SampleKey, key_id: bytes
) -> bytes:
    """Boxes, of which the first of the path is made anew."""
    pieces: list[bytes | memoryview] = []
    for each in boxes(content):
        inside = content[each.content : each.end]
        if each.kind != path[0]:
            pieces.append(content[each.start : each.end])
        elif len(path) > 1:
            pieces.append(box(each.kind, _rewritten(inside, path[1:], key, key_id)))
        else:
            entries = [inside[:_ENTRIES], *_entries(inside[_ENTRIES:], key, key_id)]
            pieces.append(box(each.kind, *map(bytes, entries)))
    return b"".join(pieces)


def _entries(content: memoryview, key: SampleKey, key_id: bytes) -> list[bytes]:
    entries = []
    for each in boxes(content):
        protected = _PROTECTED.get(each.kind)
        if protected is None:
            raise MalformedBoxes(f"{each.kind!r} cannot be protected")
        information = _information(each.kind, key, key_id)
        entries.append(box(protected, bytes(content[each.content : each.end]), information))
    return entries


def _information(original: bytes, key: SampleKey, key_id: bytes) -> bytes:
    """ProtectionSchemeInfoBox (ISO 14496-12, 8.12.1), track defaults (ISO 23001-7, 8.2)."""
    patterned = original == b"avc1"
    pattern = CRYPT_BLOCKS << 4 | SKIP_BLOCKS if patterned else 0
    # Reserved, pattern, is protected, no vectors of samples; then the constant one.
    defaults = pack(">BBBB", 0, pattern, 1, 0) + key_id + pack(">B", len(key.vector)) + key.vector
    return box(
        b"sinf",
        box(b"frma", original),
        full_box(b"schm", 0, 0, b"cbcs", pack(">I", _SCHEME_VERSION)),
        box(b"schi", full_box(b"tenc", int(patterned), 0, defaults)),
    )
