"""Heads of files, written by hand after the formats' specifications."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.file.container import Container
from media.file.refusal import RefusalCode, Refused
from media.file.sniff import SNIFF_BYTES, sniff, sniff_behind_tag


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def ebml(doc_type: bytes, before: bytes = b"\x42\x86\x81\x01") -> bytes:
    content = before + b"\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(content)]) + content + b"\x18\x53\x80\x67"


def ts_packets(size: int = 188, before: int = 0, count: int = 21) -> bytes:
    packet = b"\0" * before + b"\x47\x40\x11\x10" + b"\xff" * (size - before - 4)
    return packet * count


def mp3_frames(count: int, first: bytes = b"\xff\xfb\x90\x00") -> bytes:
    """128 kbit/s at 44.1 kHz: 417 bytes."""
    return (first + b"\0" * 413) * count


def adts_frames(count: int, size: int = 300) -> bytes:
    header = bytes([0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, size << 5 & 0xE0, 0xFC])
    return (header + b"\0" * (size - 7)) * count


def tag(size: int, version: int = 4, flags: int = 0) -> bytes:
    coded = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3" + bytes([version, 0, flags]) + coded


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
FLAC = b"fLaC\x00\0\0\x22" + b"\x10\0" * 17
FLV = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12" + b"\0" * 100
WAV = b"RIFF\x24\0\1\0WAVEfmt \x10\0\0\0"
OGG = b"OggS\0\x02" + b"\0" * 20 + b"\x01\x1e\x01vorbis"
# MPEG-2.5 that does not exist, layer I, bit rates 15 and 0, and sample rate 3.
RESERVED = ((0xEB, 0x90), (0xFD, 0x90), (0xFB, 0xF0), (0xFB, 0x00), (0xFB, 0x9C))
LARGE = (1).to_bytes(4, "big") + b"mdat" + (1 << 33).to_bytes(8, "big")

TAKEN = {
    "mp4": (FTYP + box(b"moov", box(b"mvhd")), Container.MP4),
    "mp4 of a segmenter": (box(b"styp", b"msdh\0\0\0\0msdhmsix") + box(b"moof"), Container.MP4),
    "mov from before brands": (box(b"moov", box(b"mvhd", b"\0" * 100)), Container.MP4),
    "mov with padding first": (box(b"wide") + box(b"mdat", b"\0" * 99), Container.MP4),
    "mov whose movie box follows padding": (
        box(b"free", b"\0" * 8) + box(b"skip") + box(b"moov", box(b"udta")),
        Container.MP4,
    ),
    "mov with padding beyond the head": (box(b"free", b"\1" * 5_000), Container.MP4),
    "mov of 8 GiB": (LARGE, Container.MP4),
    "mov that is written to the end": (b"\0\0\0\0mdat" + b"\1" * 99, Container.MP4),
    "matroska": (ebml(b"matroska"), Container.MATROSKA),
    "webm": (ebml(b"webm\0\0"), Container.MATROSKA),
    "flv": (FLV, Container.FLV),
    "flv with a longer header": (
        b"FLV\x01\x05\0\0\0\x0d" + b"\0" * 8 + b"\x09" + b"\0" * 99,
        Container.FLV,
    ),
    "mpeg-ts": (ts_packets(), Container.MPEG_TS),
    "mpeg-ts of a camcorder": (ts_packets(192, before=4), Container.MPEG_TS),
    "mpeg-ts with parity": (ts_packets(204), Container.MPEG_TS),
    "mpeg-ts that begins within a packet": (ts_packets()[77:], Container.MPEG_TS),
    "short mpeg-ts": (ts_packets(count=5), Container.MPEG_TS),
    "ogg": (OGG, Container.OGG),
    "wav": (WAV, Container.WAV),
    "wav over 4 GiB": (b"RF64\xff\xff\xff\xffWAVEds64", Container.WAV),
    "flac": (FLAC, Container.FLAC),
    "flac with a tag": (tag(20) + b"\0" * 20 + FLAC, Container.FLAC),
    "mp3": (mp3_frames(3), Container.MP3),
    "mp3 of low rate": (
        # MPEG-2, 64 kbit/s at 22.05 kHz: 208 bytes.
        (b"\xff\xf3\x80\x00" + b"\0" * 204) * 3,
        Container.MP3,
    ),
    "mp3 that begins within a frame": (mp3_frames(5)[100:], Container.MP3),
    "mp3 with a tag": (tag(30) + b"\0" * 30 + mp3_frames(2), Container.MP3),
    "mp3 with a tag and its footer": (
        tag(30, flags=0x10) + b"\1" * 40 + mp3_frames(2),
        Container.MP3,
    ),
    "mp3 with a cover": (tag(100_000) + b"APIC" * 1_000, Container.MP3),
    "mp3 with a tag that leaves no room for frames": (
        # 320 kbit/s: 1044 bytes.
        tag(3_500) + b"\1" * 3_500 + b"\xff\xfb\xe0\x00" + b"\1" * 1_040,
        Container.MP3,
    ),
    "mp3 with two tags": (tag(4) + b"\0" * 4 + tag(9) + b"\0" * 9, Container.MP3),
    "adts": (adts_frames(3), Container.ADTS),
    "adts with a tag": (tag(63) + b"\0" * 63 + adts_frames(2), Container.ADTS),
    "adts that begins within a frame": (adts_frames(6)[50:], Container.ADTS),
}

REFUSED = {
    "nothing": (b"", RefusalCode.EMPTY),
    "a scrap": (b"\x8f\x01", RefusalCode.TOO_SHORT),
    "zeros": (bytes(SNIFF_BYTES), RefusalCode.BLANK),
    "noise": (bytes(range(1, 256)) * 16, RefusalCode.UNKNOWN_FORMAT),
    "m3u8": (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", RefusalCode.PLAYLIST),
    "m3u8 with a mark": (b"\xef\xbb\xbf\n#EXTM3U\n", RefusalCode.PLAYLIST),
    "m3u8 in UTF-16": ("\ufeff#EXTM3U\nx".encode("utf-16-le"), RefusalCode.PLAYLIST),
    "m3u8 behind a tag": (tag(0) + b"#EXTM3U\nhttp://127.0.0.1/\n", RefusalCode.PLAYLIST),
    "ffconcat": (b"ffconcat version 1.0\nfile secret.mp4\n", RefusalCode.PLAYLIST),
    "ffconcat without its name": (b"file 'secret.mp4'\n", RefusalCode.PLAYLIST),
    "pls": (b"[playlist]\nFile1=http://x/\n", RefusalCode.PLAYLIST),
    "asx": (b'<ASX version="3.0">', RefusalCode.PLAYLIST),
    "dash": (b'<?xml version="1.0"?>\n<!-- x -->\n<MPD xmlns="u">', RefusalCode.PLAYLIST),
    "an address": (b"https://example.com/a.mp4\n", RefusalCode.PLAYLIST),
    "sdp": (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", RefusalCode.STREAM_DESCRIPTION),
    "torrent": (b"d8:announce35:udp://tracker", RefusalCode.TORRENT),
    "html": (b"  <!doctype html><html><body>", RefusalCode.WEB_PAGE),
    "webvtt": (b"WEBVTT\n\n00:01.000 --> 00:04.000\nx", RefusalCode.SUBTITLES),
    "srt": (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nx", RefusalCode.SUBTITLES),
    "ffmetadata": (b";FFMETADATA1\ntitle=x\n", RefusalCode.TEXT),
    "a letter": ("Grüße\n".encode(), RefusalCode.TEXT),
    "a letter cut within a sign": ("ü".encode()[:1].join([b"Gr", b""]), RefusalCode.TEXT),
    "text that passes for packets": (
        (b"G123" + b"x" * 184) * 21,
        RefusalCode.TEXT,
    ),
    "script": (b"#!/bin/sh\n", RefusalCode.PROGRAM),
    "svg": (b'<?xml version="1.0"?><svg width="1">', RefusalCode.IMAGE),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", RefusalCode.IMAGE),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", RefusalCode.IMAGE),
    "bmp": (b"BM\x36\0\0\0\0\0\0\0\x36", RefusalCode.IMAGE),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", RefusalCode.IMAGE),
    "heic": (box(b"ftyp", b"heic\0\0\0\0mif1heic"), RefusalCode.IMAGE),
    "zip": (b"PK\x03\x04\x14", RefusalCode.ARCHIVE),
    "tar": (b"a.mp4".ljust(257, b"\0") + b"ustar\0", RefusalCode.ARCHIVE),
    "pdf": (b"%PDF-1.7\n", RefusalCode.DOCUMENT),
    "exe": (b"MZ\x90" + b"\0" * 57 + b"\x80\0\0\0", RefusalCode.PROGRAM),
    "h264": (b"\0\0\0\x01\x67\x42", RefusalCode.UNSUPPORTED_CONTAINER),
    "avi": (b"RIFF\x24\0\0\0AVI LIST", RefusalCode.UNSUPPORTED_CONTAINER),
    "another riff": (b"RIFF\x24\0\0\0CDXA", RefusalCode.UNSUPPORTED_CONTAINER),
    "wmv": (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", RefusalCode.UNSUPPORTED_CONTAINER),
    "vob": (b"\0\0\1\xba\x44", RefusalCode.UNSUPPORTED_CONTAINER),
    "itunes of old": (box(b"ftyp", b"M4P \0\0\0\0M4A "), RefusalCode.ENCRYPTED),
    "encrypted flv": (FLV[:13] + b"\x29" + b"\0" * 99, RefusalCode.ENCRYPTED),
    "reference movie": (box(b"moov", box(b"rmra", box(b"rmda"))), RefusalCode.EXTERNAL_MEDIA),
    "mov with nonsense in its movie": (
        box(b"moov", box(b"\1\2\3\4", b"\1" * 60)),
        RefusalCode.UNKNOWN_FORMAT,
    ),
    "mov with an empty movie": (box(b"moov") + b"\1" * 60, RefusalCode.UNKNOWN_FORMAT),
    "mov with nonsense behind padding": (box(b"wide") + b"\1" * 60, RefusalCode.UNKNOWN_FORMAT),
    "mov with an impossible box": (b"\0\0\0\x02moov" + b"\1" * 60, RefusalCode.UNKNOWN_FORMAT),
    "mov with an impossible large box": (
        b"\0\0\0\x01mdat" + b"\0" * 7 + b"\x02" + b"\1" * 60,
        RefusalCode.UNKNOWN_FORMAT,
    ),
    "mp4 with a huge brand": (b"\0\1\0\0ftypisom" + b"\1" * 60, RefusalCode.UNKNOWN_FORMAT),
    "other ebml": (ebml(b"horse"), RefusalCode.UNKNOWN_FORMAT),
    "ebml without a type": (b"\x1a\x45\xdf\xa3\x80", RefusalCode.DAMAGED),
    "ebml that goes on for ever": (b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7, RefusalCode.DAMAGED),
    "ebml that breaks off": (b"\x1a\x45\xdf\xa3", RefusalCode.DAMAGED),
    "ebml with a bad element": (ebml(b"webm", before=b"\x00\x42\x86"), RefusalCode.DAMAGED),
    "flv with a bad tag": (FLV[:13] + b"\x01" + b"\0" * 99, RefusalCode.UNKNOWN_FORMAT),
    "flv with an early tag": (b"FLV\x01\x05\0\0\0\x02" + b"\1" * 99, RefusalCode.UNKNOWN_FORMAT),
    "flv with a late tag": (b"FLV\x01\x05\x7f\0\0\x02" + b"\1" * 99, RefusalCode.UNKNOWN_FORMAT),
    "flv that breaks off": (b"FLV\x01", RefusalCode.TOO_SHORT),
    "too few packets": (ts_packets(count=4), RefusalCode.UNKNOWN_FORMAT),
    "packets of a reserved kind": (
        (b"\x47\x40\x11\0" + b"\xff" * 184) * 21,
        RefusalCode.UNKNOWN_FORMAT,
    ),
    "one mp3 frame": (mp3_frames(1), RefusalCode.UNKNOWN_FORMAT),
    "mp3 frames of two rates": (
        mp3_frames(1) + mp3_frames(1, b"\xff\xfb\x94\x00"),
        RefusalCode.UNKNOWN_FORMAT,
    ),
    "mp3 of reserved kinds": (
        b"".join((bytes([0xFF, *pair, 0]) + b"\0" * 413) * 3 for pair in RESERVED),
        RefusalCode.UNKNOWN_FORMAT,
    ),
    "adts without content": (adts_frames(50, size=7), RefusalCode.UNKNOWN_FORMAT),
    "a broken tag": (b"ID3\xff\0\0\0\0\0\x10" + b"\1" * 60, RefusalCode.UNKNOWN_FORMAT),
    "a tag before noise": (tag(4) + b"\1" * 3_000, RefusalCode.UNKNOWN_FORMAT),
}


@pytest.mark.parametrize(("head", "container"), TAKEN.values(), ids=TAKEN)
def test_media_is_told_by_its_first_bytes(head: bytes, container: Container) -> None:
    assert sniff(head) is container


@pytest.mark.parametrize(("head", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_taken_is_named(head: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        sniff(head)

    assert refused.value.code is code


def test_only_the_head_counts() -> None:
    head = bytes(range(1, 256)) * 20
    with pytest.raises(Refused):
        sniff(head[:SNIFF_BYTES] + FTYP)


COVER = tag(100_000) + b"\1" * 100_000


def behind(data: bytes, container: Container = Container.MP3) -> Container:
    return sniff_behind_tag(container, lambda at, count: data[at : at + count])


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (COVER + FLAC, Container.FLAC),
        (COVER + adts_frames(3), Container.ADTS),
        (COVER + mp3_frames(3), Container.MP3),
        (COVER + COVER + FLAC, Container.FLAC),
        (COVER + bytes(2_000) + mp3_frames(3), Container.MP3),
        (COVER + b"\1" * 9_000 + mp3_frames(3), Container.MP3),
        (COVER, Container.MP3),
        (mp3_frames(3), Container.MP3),
    ],
)
def test_behind_a_long_tag_is_looked_again(data: bytes, container: Container) -> None:
    assert sniff(data[:SNIFF_BYTES]) is Container.MP3
    assert behind(data) is container


def test_a_playlist_behind_a_long_tag_is_found() -> None:
    with pytest.raises(Refused) as refused:
        behind(COVER + b"#EXTM3U\nhttp://127.0.0.1/\n")

    assert refused.value.code is RefusalCode.PLAYLIST


def test_only_what_was_taken_for_mp3_is_looked_at_again() -> None:
    assert behind(COVER + FLAC, Container.OGG) is Container.OGG


BEGINNINGS = [head for head, _ in (*TAKEN.values(), *REFUSED.values())]


@given(
    st.sampled_from(BEGINNINGS),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=8),
    st.integers(0, SNIFF_BYTES),
    st.binary(max_size=64),
)
def test_whatever_the_bytes_there_is_a_container_or_a_refusal(
    beginning: bytes, changes: list[tuple[int, int]], length: int, end: bytes
) -> None:
    head = bytearray(beginning + end)
    for place, value in changes:
        if head:
            head[place % len(head)] = value
    with contextlib.suppress(Refused):
        assert sniff(bytes(head[:length])) in Container
