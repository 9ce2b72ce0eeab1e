"""Small writers of containers, for files that no honest muxer makes."""

import struct
import zlib


def u16(value: int) -> bytes:
    return struct.pack(">H", value)


def u32(value: int) -> bytes:
    return struct.pack(">I", value)


def box(kind: bytes, *content: bytes) -> bytes:
    """ISO/IEC 14496-12, 4.2."""
    inside = b"".join(content)
    return u32(8 + len(inside)) + kind + inside


def full_box(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return box(kind, u32(flags), *content)


FILE_TYPE = box(b"ftyp", b"qt  \0\0\2\0qt  isom")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SELF = full_box(b"url ", flags=1)


def movie(*tracks: bytes, timescale: int = 1_000, duration: int = 1_000) -> bytes:
    header = full_box(
        b"mvhd",
        u32(0) * 2 + u32(timescale) + u32(duration),
        u32(0x10000) + u16(0x100) + bytes(10) + _MATRIX + bytes(24) + u32(2),
    )
    return box(b"moov", header, *tracks)


def track(
    handler: bytes,
    entry: bytes,
    tables: bytes,
    *,
    timescale: int = 48_000,
    duration: int = 48_000,
    references: bytes = full_box(b"dref", u32(1), _SELF),
    edits: bytes = b"",
    size: tuple[int, int] = (64, 48),
) -> bytes:
    """`tables` are stts, stsc, stsz, stco and so on."""
    header = full_box(
        b"tkhd",
        u32(0) * 2 + u32(1) + u32(0) + u32(1_000) + bytes(16) + _MATRIX,
        u32(size[0] << 16) + u32(size[1] << 16),
        flags=7,
    )
    media_header = full_box(b"mdhd", u32(0) * 2 + u32(timescale) + u32(duration) + bytes(4))
    kind = full_box(b"hdlr", u32(0) + handler + bytes(13))
    about = full_box(b"smhd", bytes(4)) if handler == b"soun" else full_box(b"vmhd", bytes(8))
    samples = box(b"stbl", full_box(b"stsd", u32(1), entry), tables)
    inside = box(b"minf", about, box(b"dinf", references), samples)
    return box(b"trak", header, edits, box(b"mdia", media_header, kind, inside))


def pcm_entry(channels: int = 1, rate: int = 48_000) -> bytes:
    return box(
        b"sowt", bytes(6) + u16(1) + bytes(8) + u16(channels) + u16(16) + bytes(4) + u32(rate << 16)
    )


def avc_entry(configuration: bytes, width: int, height: int) -> bytes:
    return box(
        b"avc1",
        bytes(6) + u16(1) + bytes(16) + u16(width) + u16(height) + u32(0x480000) * 2,
        u32(0) + u16(1) + bytes(32) + u16(24) + b"\xff\xff",
        box(b"avcC", configuration),
    )


def sample_tables(
    count: int, size: int, offset: int, *, delta: int = 1, per_chunk: int | None = None
) -> bytes:
    """All samples alike, in one chunk."""
    return b"".join(
        (
            full_box(b"stts", u32(1), u32(count) + u32(delta)),
            full_box(b"stsc", u32(1), u32(1) + u32(per_chunk or count) + u32(1)),
            full_box(b"stsz", u32(size) + u32(count)),
            full_box(b"stco", u32(1), u32(offset)),
        )
    )


def element(identifier: int, *content: bytes) -> bytes:
    """RFC 8794, 5: an EBML element with a size of 8 bytes."""
    inside = b"".join(content)
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return name + (0x01 << 56 | len(inside)).to_bytes(8, "big") + inside


def number(identifier: int, value: int) -> bytes:
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


EBML_HEAD = element(0x1A45DFA3, number(0x4286, 1), number(0x42F7, 1), element(0x4282, b"matroska"))
MATROSKA_INFO = element(0x1549A966, number(0x2AD7B1, 1_000_000))


def matroska(*content: bytes, info: bytes = MATROSKA_INFO) -> bytes:
    return EBML_HEAD + element(0x18538067, info, *content)


def matroska_track(
    codec: bytes, *content: bytes, kind: int = 1, index: int = 1, private: bytes = b""
) -> bytes:
    given = element(0x63A2, private) if private else b""
    return element(
        0xAE, number(0xD7, index), number(0x73C5, index), number(0x83, kind),
        element(0x86, codec), given, *content,
    )  # fmt: skip


def cluster(time: int, *frames: bytes, keyframes: bool = True) -> bytes:
    blocks = b"".join(
        element(0xA3, b"\x81" + u16(number) + (b"\x80" if keyframes else b"\0") + data)
        for number, data in enumerate(frames)
    )
    return element(0x1F43B675, number(0xE7, time), blocks)


def flv(*tags: bytes) -> bytes:
    return b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + b"".join(tags)


def flv_tag(kind: int, time: int, data: bytes) -> bytes:
    head = bytes([kind]) + u32(len(data))[1:] + u32(time)[1:] + bytes([time >> 24]) + bytes(3)
    return head + data + u32(len(head) + len(data))


def ts_packet(pid: int, payload: bytes, *, start: bool = True, counter: int = 0) -> bytes:
    """ISO/IEC 13818-1, 2.4.3.2, without adaptation field: the payload is cut or stuffed."""
    head = b"\x47" + u16((0x4000 if start else 0) | pid) + bytes([0x10 | counter & 15])
    return head + payload[:184].ljust(184, b"\xff")


def ts_section(pid: int, data: bytes) -> bytes:
    """A section over as many packets as it needs."""
    return b"".join(
        ts_packet(pid, data[at : at + 184], start=at == 0, counter=at // 184)
        for at in range(0, len(data), 184)
    )


def section(table: int, identifier: int, content: bytes) -> bytes:
    """2.4.4: a table's section with the pointer before it."""
    inside = u16(identifier) + b"\xc1\0\0" + content
    body = bytes([table]) + u16(0xB000 | len(inside) + 4) + inside
    return b"\0" + body + u32(_crc32_mpeg(body))


def _crc32_mpeg(data: bytes) -> int:
    """Annex A: bits in the order of the wire, which is the reverse of zlib's."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def id3_frame(kind: bytes, content: bytes) -> bytes:
    """ID3v2.3, 3.3."""
    return kind + u32(len(content)) + b"\0\0" + content


def id3_tag(*frames: bytes) -> bytes:
    inside = b"".join(frames)
    size = len(inside)
    coded = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3\x03\0\0" + coded + inside


def png(width: int, height: int) -> bytes:
    """One bit a pixel, all alike: tiny when packed, huge when decoded."""
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    chunks = (
        (b"IHDR", u32(width) + u32(height) + b"\x01\0\0\0\0"),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        u32(len(data)) + kind + data + u32(zlib.crc32(kind + data)) for kind, data in chunks
    )


def ogg_page(serial: int, sequence: int, packet: bytes, *, flags: int = 0) -> bytes:
    """RFC 3533, 6: one packet in one page."""
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    head = b"OggS\0" + bytes([flags]) + bytes(8) + struct.pack("<II", serial, sequence)
    body = bytes([len(lacing)]) + lacing + packet
    crc = _crc32_ogg(head + bytes(4) + body)
    return head + struct.pack("<I", crc) + body


def _crc32_ogg(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def wav(channels: int, rate: int, data: bytes, *, claimed: int | None = None) -> bytes:
    size = len(data) if claimed is None else claimed
    form = struct.pack("<HHIIHH", 1, channels, rate, rate, channels * 2 & 0xFFFF, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    return (
        b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, size + 36)) + head
        + b"data" + struct.pack("<I", size) + data
    )  # fmt: skip
