"""Small files that ask for much: memory, time, tracks, money."""

import struct
import zlib
from collections.abc import Callable

from media.file.container import Container
from tests.media.file.tiny_files import tiny_files
from tests.media.file.writers import (
    EBML_HEAD,
    FILE_TYPE,
    avc_entry,
    box,
    cluster,
    element,
    flv,
    flv_tag,
    full_box,
    id3_frame,
    id3_tag,
    matroska,
    matroska_track,
    movie,
    number,
    ogg_page,
    pcm_entry,
    png,
    sample_tables,
    section,
    track,
    ts_packet,
    ts_section,
    u16,
    u32,
    wav,
)
from tests.media.wire.bit_writer import Bits

YEAR_MS = 31_536_000_000

# An IDR slice header of nothing but skipped macroblocks cannot be; damage is concealed instead.
_PICTURE_PARAMETERS = b"\x68\xce\x3c\x80"
_IDR = b"\x65\x88\x84" + bytes(range(1, 60))


def _parameters(width: int, height: int) -> bytes:
    """Main profile, level 6.2, 16 reference frames."""
    bits = Bits().u(8, 77, 0, 62).ue(0, 0, 2, 16).u(1, 0)
    return bits.ue(width // 16 - 1, height // 16 - 1).u(1, 1, 1, 0, 0).nal()


def _configuration(width: int, height: int) -> bytes:
    sequence = _parameters(width, height)
    return (
        b"\x01" + sequence[1:4] + b"\xff\xe1" + u16(len(sequence)) + sequence
        + b"\x01" + u16(len(_PICTURE_PARAMETERS)) + _PICTURE_PARAMETERS
    )  # fmt: skip


def _sized(unit: bytes) -> bytes:
    return u32(len(unit)) + unit


def _huge_pictures() -> dict[str, tuple[Container, bytes]]:
    configuration, sample = _configuration(8_192, 4_320), _sized(_IDR)
    samples = sample * 40
    entry = avc_entry(configuration, 320, 240)
    header = FILE_TYPE + box(b"mdat", samples)
    tables = sample_tables(40, len(sample), len(FILE_TYPE) + 8)
    annex_b = b"".join(
        b"\0\0\0\1" + unit for unit in (_parameters(8_192, 4_320), _PICTURE_PARAMETERS, _IDR)
    )
    avc = b"\x17\0\0\0\0" + configuration
    frames = [flv_tag(9, 40 * n, b"\x17\1\0\0\0" + sample) for n in range(40)]
    return {
        "8K in mp4": (Container.MP4, header + movie(track(b"vide", entry, tables, timescale=25))),
        "8K in mkv": (
            Container.MATROSKA,
            matroska(
                element(0x1654AE6B, matroska_track(b"V_MPEG4/ISO/AVC", private=configuration)),
                cluster(0, *[sample] * 40),
            ),
        ),
        "8K in flv": (Container.FLV, flv(flv_tag(9, 0, avc), *frames)),
        "8K within the pictures of flv": (
            Container.FLV,
            flv(
                flv_tag(9, 0, b"\x17\0\0\0\0" + _configuration(64, 48)),
                *[
                    flv_tag(9, 40 * n, b"\x17\1\0\0\0" + _sized(_parameters(8_192, 4_320)) + sample)
                    for n in range(40)
                ],
            ),
        ),
        "8K in ts": (Container.MPEG_TS, _ts_of([annex_b] * 40)),
        "8K from the second picture": (
            Container.MATROSKA,
            matroska(
                element(
                    0x1654AE6B,
                    matroska_track(b"V_MPEG4/ISO/AVC", private=_configuration(64, 48)),
                ),
                cluster(0, *[_sized(_parameters(8_192, 4_320)) + sample] * 40),
            ),
        ),
        "65535x65535 in mp4": (
            Container.MP4,
            header + movie(
                track(b"vide", avc_entry(_configuration(32_768, 32_768), 65_535, 65_535), tables)
            ),
        ),
        "16384x16384 of VP9": (Container.MATROSKA, _vp9(16_384, 16_384)),
    }  # fmt: skip


def _vp9(width: int, height: int) -> bytes:
    """Keyframes of a few bytes: uncompressed header of the VP9 bitstream, 6.2."""
    bits = f"10000010{0x498342:024b}0010{width - 1:016b}{height - 1:016b}".ljust(160, "0")
    frame = int(bits, 2).to_bytes(20, "big") + bytes(60)
    tracks = element(0x1654AE6B, matroska_track(b"V_VP9"))
    return matroska(tracks, cluster(0, *[frame] * 40))


def _ts_of(units: list[bytes]) -> bytes:
    packets = [
        ts_packet(0, section(0, 1, u16(1) + u16(0xE100))),
        ts_packet(256, section(2, 1, u16(0xE101) + u16(0xF000) + b"\x1b\xe1\x01\xf0\0")),
    ]
    for number_, unit in enumerate(units):
        stamp = number_ * 3_600
        coded = bytes([0x21 | stamp >> 29 & 14]) + u16((stamp >> 14 | 1) & 0xFFFF)
        coded += u16((stamp << 1 | 1) & 0xFFFF)
        packets.append(ts_packet(257, b"\0\0\1\xe0\0\0\x80\x80\5" + coded + unit, counter=number_))
    return b"".join(packets)


def _times() -> dict[str, tuple[Container, bytes]]:
    mp4 = FILE_TYPE + box(b"mdat", bytes(4_096))
    place = len(FILE_TYPE) + 8
    size = element(0xE0, number(0xB0, 64), number(0xBA, 48))
    vp8 = element(0x1654AE6B, matroska_track(b"V_VP8", size))
    frame = _vp8_frame()
    year = matroska(vp8, cluster(0, *[frame] * 10), cluster(YEAR_MS, *[frame] * 10))

    def pcm(timescale: int = 48_000, delta: int = 1, edits: bytes = b"") -> bytes:
        tables = sample_tables(2_048, 2, place, delta=delta)
        return mp4 + movie(track(b"soun", pcm_entry(), tables, timescale=timescale, edits=edits))

    edits = full_box(b"elst", u32(200_000) + (u32(1) + u32(7) + u32(0x10000)) * 200_000)
    fast = number(0x23E383, 1_000)  # DefaultDuration in ns: a million pictures a second
    return {
        "a year in 2 kB": (Container.MATROSKA, year),
        "timescale 0": (Container.MP4, pcm(timescale=0)),
        "timescale 1": (Container.MP4, pcm(timescale=1)),
        "timescale 2^32-1": (Container.MP4, pcm(timescale=0xFFFFFFFF)),
        "deltas of 2^31": (Container.MP4, pcm(delta=0x7FFFFFFF)),
        "200,000 edits": (Container.MP4, pcm(edits=box(b"edts", edits))),
        "a million pictures a second": (
            Container.MATROSKA,
            matroska(
                element(0x1654AE6B, matroska_track(b"V_VP8", fast)), cluster(0, *[frame] * 2_000)
            ),
        ),
        "frames of ADTS with one byte": (
            Container.ADTS,
            b"\xff\xf1\x4c\x80\x01\x1f\xfc\0" * 200_000,
        ),
        "wave of 4 GiB in 100 bytes": (Container.WAV, wav(2, 48_000, bytes(56), claimed=1 << 31)),
        "wave of 65535 channels": (Container.WAV, wav(0xFFFF, 0xFFFFFFFF, bytes(200_000))),
    }


def _vp8_frame() -> bytes:
    """RFC 6386, 9.1: a keyframe of 64x48 whose partitions are empty."""
    return b"\x10\x02\0\x9d\x01\x2a" + struct.pack("<HH", 64, 48) + bytes(40)


def _tables() -> dict[str, tuple[Container, bytes]]:
    place = len(FILE_TYPE) + 8
    mp4 = FILE_TYPE + box(b"mdat", bytes(4_096))
    entry = avc_entry(_configuration(64, 48), 64, 48)

    def video(tables: bytes) -> bytes:
        return mp4 + movie(track(b"vide", entry, tables, timescale=25))

    def samples(count: int, stored: int | None = None) -> bytes:
        offsets = full_box(b"ctts", u32(1), u32(count) + u32(1))
        tables = sample_tables(stored or count, 1, place)
        durations = full_box(b"stts", u32(1), u32(count) + u32(1))
        return durations + tables[len(durations) :] + offsets

    whole = sample_tables(2, 40, place)
    extends = box(b"mvex", full_box(b"trex", u32(1) + u32(1) + u32(1) + u32(1) + u32(0)))
    fragmented = FILE_TYPE + movie(track(b"vide", entry, sample_tables(0, 0, 0)), extends)
    return {
        "4 billion samples": (Container.MP4, video(samples(0xFFFFFFFF))),
        "170 million samples": (Container.MP4, video(samples(170_000_000))),
        "30 million samples": (Container.MP4, video(samples(30_000_000))),
        "times for a billion of two samples": (Container.MP4, video(samples(1 << 30, 2))),
        "a chunk for each of a million offsets": (
            Container.MP4,
            video(sample_tables(2, 40, place)[:-20]
                  + full_box(b"stco", u32(1_000_000), u32(place) * 1_000_000)),
        ),
        "a run of 30 million samples": (Container.MP4, fragmented + _fragment(30_000_000)),
        "runs of 200 million samples": (Container.MP4, fragmented + _fragment(200_000_000) * 20),
        "a run of samples in each of 100,000 fragments": (
            Container.MP4, fragmented + _fragment(1_000) * 100_000
        ),
        "movie packed by zlib": (
            Container.MP4,
            mp4 + box(b"moov", box(b"cmov", box(b"dcom", b"zlib"),
                      box(b"cmvd", u32(0xFFFFFFF0), zlib.compress(bytes(50_000_000), 9)))),
        ),
        "1000 tracks": (
            Container.MP4, mp4 + movie(*[track(b"soun", pcm_entry(), whole)] * 1_000)
        ),
        "1000 tracks in mkv": (
            Container.MATROSKA,
            matroska(element(0x1654AE6B, *(
                matroska_track(b"A_PCM/INT/LIT", kind=2, index=index) for index in range(1, 1_001)
            )), cluster(0, bytes(400))),
        ),
        "deep boxes": (Container.MP4, FILE_TYPE + _nested(b"moov", 20_000)),
        "deep elements": (Container.MATROSKA, matroska(_nested_elements(20_000))),
    }  # fmt: skip


def _fragment(samples: int) -> bytes:
    """A movie fragment of samples of the default size: short, however many there are."""
    run = full_box(b"trun", u32(samples))
    head = full_box(b"tfhd", u32(1), flags=0x20000)
    data = box(b"mdat", bytes(8))
    return box(b"moof", full_box(b"mfhd", u32(1)), box(b"traf", head, run)) + data


def _nested(kind: bytes, depth: int) -> bytes:
    sizes = (8 * left for left in range(depth, 0, -1))
    return b"".join(u32(size) + kind for size in sizes)


def _nested_elements(depth: int) -> bytes:
    """Simple tags within each other, the one element of Matroska that may nest."""
    sizes = (0x01 << 56 | 10 * left for left in range(depth)[::-1])
    heads = (b"\x67\xc8" + size.to_bytes(8, "big") for size in sizes)
    return element(0x1254C367, element(0x7373, b"".join(heads)))


def _payloads() -> dict[str, tuple[Container, bytes]]:
    tiny = {name: data for name, (_, data) in tiny_files().items()}
    head = b"OpusHead\x01\xff\0\0\x80\xbb\0\0\0\0\xff\xff\0" + bytes(range(255))
    mono = b"OpusHead\x01\1\0\0\x80\xbb\0\0\0\0\0"
    opus = ogg_page(1, 0, head, flags=2) + ogg_page(1, 1, b"OpusTags" + bytes(8))
    opus += b"".join(ogg_page(1, n, b"\xfc" + bytes(300)) for n in range(2, 40))
    cover = png(16_000, 16_000)
    packed = element(0x6D80, element(0x6240, element(0x5034, number(0x4254, 0))))
    sound = element(0xE1, element(0xB5, struct.pack(">f", 48_000)), number(0x9F, 8),
                    number(0x6264, 16))  # fmt: skip
    zeros = zlib.compress(bytes(1_000_000), 9)
    text = b"\x02\0\x0aonMetaData\x08\0\0\0\1\0\1x\x0c" + u32(16_000_000) + b"x" * 16_000_000
    programs = b"".join(u16(n) + u16(0xE000 | 32 + n) for n in range(1, 250))
    tables = ts_section(0, section(0, 1, programs)) + b"".join(
        ts_section(32 + n, section(2, n, u16(0xE101) + u16(0xF000) + _streams(300 + 30 * n, 30)))
        for n in range(1, 250)
    )
    return {
        "opus of 255 channels": (Container.OGG, opus),
        "a cover of 16000x16000": (
            Container.MP3,
            id3_tag(id3_frame(b"APIC", b"\0image/png\0\x03\0" + cover)) + tiny["mp3"],
        ),
        "configuration of 20 MB": (
            Container.MATROSKA,
            matroska(element(0x1654AE6B, matroska_track(
                b"V_MPEG4/ISO/AVC", private=_configuration(64, 48) + bytes(20_000_000))),
                cluster(0, bytes(400))),
        ),
        "configuration that claims a terabyte": (
            Container.MATROSKA,
            EBML_HEAD + b"".join(
                name + b"\x01\0\1\0\0\0\0\0"
                for name in (b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\x63\xa2")
            ),
        ),
        "packed blocks of 1 MB": (
            Container.MATROSKA,
            matroska(element(0x1654AE6B, matroska_track(b"A_PCM/INT/LIT", packed, sound, kind=2)),
                     cluster(0, *[zeros] * 300)),
        ),
        "16 MB of FLV metadata": (Container.FLV, flv(flv_tag(18, 0, text), flv_tag(18, 0, text))),
        "8000 streams in ts": (
            Container.MPEG_TS, tables * 4
        ),
        "10000 streams in ogg": (
            Container.OGG,
            b"".join(ogg_page(n, 0, mono, flags=2) for n in range(10_000)),
        ),
    }  # fmt: skip


def _streams(first: int, count: int) -> bytes:
    """Of AAC, in a program map."""
    return b"".join(b"\x0f" + u16(0xE000 | first + n) + b"\xf0\0" for n in range(count))


_MAKERS: tuple[Callable[[], dict[str, tuple[Container, bytes]]], ...] = (
    _huge_pictures,
    _times,
    _tables,
    _payloads,
)


def bombs() -> dict[str, tuple[Container, bytes]]:
    """By name."""
    return {name: bomb for make in _MAKERS for name, bomb in make().items()}
