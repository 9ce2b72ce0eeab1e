"""Two assets as they should be: a live with low latency, and an encrypted recording."""

from collections.abc import Iterator
from functools import cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from media.units import MediaKind, Packet, Track
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_init import init_segment
from tests.hls_validator.observation import Fetched, Observation, Probe, Reload, Snapshot
from tests.packager.clip import video_clip

FOLDER = "http://origin/hls/asset/token"
PARTS, SEGMENT_SECONDS, PART_SECONDS = 4, 2, 0.5
# The discontinuity before this one brings another init segment.
_CHANGED = 14
_KEY = bytes(range(16))
_IV = bytes(16)

MULTIVARIANT = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=90000,AVERAGE-BANDWIDTH=80000,CODECS="{codec},mp4a.40.2",AUDIO="audio"
720p/index.m3u8
"""
RECORDED = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",URI="en/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=90000,CODECS="{codec}",SUBTITLES="captions"
720p/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=50000,CODECS="{codec}",URI="iframes/index.m3u8"
"""
_RECORDED_MEDIA = """\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-START:TIME-OFFSET=1.5
#EXT-X-MAP:URI="../720p/init-0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:00:00.000Z
#EXT-X-KEY:METHOD=AES-128,URI="0.key",IV=0x{iv}
#EXTINF:2.000000,
0.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:00:02.000Z
#EXTINF:2.000000,
1.m4s
#EXT-X-ENDLIST
"""
_IFRAMES = """\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-I-FRAMES-ONLY
#EXT-X-MAP:URI="../720p/init-0.mp4"
#EXTINF:2.000000,
0.i.m4s
#EXTINF:2.000000,
1.i.m4s
#EXT-X-ENDLIST
"""
_CAPTIONS = """\
#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-VERSION:3
#EXT-X-PLAYLIST-TYPE:VOD
#EXTINF:2.000000,
0.vtt
#EXTINF:2.000000,
1.vtt
#EXT-X-ENDLIST
"""


@cache
def picture_track() -> Track:
    return video_clip(seconds=1).track


def _sound_track() -> Track:
    # AAC-LC, 48 kHz, stereo.
    return Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"\x11\x90", channels=2, sample_rate=48_000)


def part(track: Track, sequence: int, number: int) -> bytes:
    """Two samples of a quarter of a second; in the first part, a keyframe first."""
    each = track.timescale // 4
    start = sequence * SEGMENT_SECONDS * track.timescale + number * 2 * each
    packets = [
        Packet(start + i * each, start + i * each, 0, i + number == 0, bytes([sequence]) * 900)
        for i in range(2)
    ]
    write = video_fragment if track.kind is MediaKind.VIDEO else audio_fragment
    return write(sequence * PARTS + number + 1, packets, start + 2 * each)


def segment(track: Track, sequence: int) -> bytes:
    return b"".join(part(track, sequence, number) for number in range(PARTS))


def _part_line(sequence: int, number: int) -> str:
    independent = ",INDEPENDENT=YES" if number == 0 else ""
    return f'#EXT-X-PART:DURATION=0.500000,URI="{sequence}.{number}.m4s"{independent}'


def playlist(name: str, first: int, last: int, parts: int, skipped: int = 0) -> str:
    """With segments `first` to `last` and some parts of the next; those near the end have parts."""
    other = "audio" if name == "720p" else "720p"
    newest, part_ = (last + 1, parts - 1) if parts else (last, PARTS - 1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-PART-INF:PART-TARGET=0.5",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=18.0,HOLD-BACK=9.0,PART-HOLD-BACK=1.5",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-DISCONTINUITY-SEQUENCE:3",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *([f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"] if skipped else []),
    ]
    for sequence in range(first + skipped, last + 1):
        lines += _segment_lines(sequence, begins=sequence == first, near=sequence > last - 5)
    lines += [_part_line(last + 1, number) for number in range(parts)]
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{last + 1}.{parts}.m4s"')
    lines.append(
        f'#EXT-X-RENDITION-REPORT:URI="../{other}/index.m3u8",LAST-MSN={newest},LAST-PART={part_}'
    )
    return "\n".join(lines) + "\n"


def _segment_lines(sequence: int, *, begins: bool, near: bool) -> Iterator[str]:
    seconds = sequence * SEGMENT_SECONDS
    if sequence == _CHANGED:
        yield "#EXT-X-DISCONTINUITY"
    if begins or sequence == _CHANGED:
        yield f"#EXT-X-PROGRAM-DATE-TIME:2026-11-30T10:00:{seconds:02}.000Z"
        yield f'#EXT-X-MAP:URI="init-{int(sequence >= _CHANGED)}.mp4"'
    if near:
        yield from (_part_line(sequence, number) for number in range(PARTS))
    yield f"#EXTINF:{SEGMENT_SECONDS:.6f},"
    yield f"{sequence}.m4s"


def low_latency() -> Observation:
    """Each playlist four times: whole, whole, a delta update, and when a segment has gone."""
    codec = picture_track().codec
    found = Observation(f"{FOLDER}/master.m3u8", MULTIVARIANT.format(codec=codec))
    for name, track in (("720p", picture_track()), ("audio", _sound_track())):
        url = f"{FOLDER}/{name}"
        found.snapshots[f"{url}/index.m3u8"] = [
            Snapshot(0.0, 0.1, 200, playlist(name, 10, 21, 2)),
            Snapshot(0.2, 0.5, 200, playlist(name, 10, 21, 3), Reload(22, 2)),
            Snapshot(0.6, 1.0, 200, playlist(name, 10, 22, 0, 4), Reload(22, 3, skip=True)),
            Snapshot(1.1, 1.5, 200, playlist(name, 11, 22, 1), Reload(23, 0)),
        ]
        for epoch in range(2):
            found.files[f"{url}/init-{epoch}.mp4", ""] = Fetched(200, init_segment(track))
        for sequence in range(20, 23):
            found.files[f"{url}/{sequence}.m4s", ""] = Fetched(200, segment(track, sequence))
            for number in range(PARTS):
                file = Fetched(200, part(track, sequence, number))
                found.files[f"{url}/{sequence}.{number}.m4s", ""] = file
    found.probes.append(Probe("a part of no segment", (400,), 400))
    return found


def recorded() -> Observation:
    """Two segments under one key, their I-frames, and captions."""
    track = picture_track()
    found = Observation(f"{FOLDER}/master.m3u8", RECORDED.format(codec=track.codec))
    texts = {
        "720p": _RECORDED_MEDIA.format(iv=_IV.hex()),
        "iframes": _IFRAMES,
        "en": _CAPTIONS,
    }
    for name, text in texts.items():
        found.snapshots[f"{FOLDER}/{name}/index.m3u8"] = [Snapshot(0, 1, 200, text)]
    found.files[f"{FOLDER}/720p/init-0.mp4", ""] = Fetched(200, init_segment(track))
    found.files[f"{FOLDER}/720p/0.key", ""] = Fetched(200, _KEY)
    for sequence in range(2):
        body = encrypted(segment(track, sequence))
        found.files[f"{FOLDER}/720p/{sequence}.m4s", ""] = Fetched(200, body)
        found.files[f"{FOLDER}/iframes/{sequence}.i.m4s", ""] = Fetched(200, iframe(sequence))
        words = b"WEBVTT\n\n00:01.000 --> 00:02.000\nWords\n"
        found.files[f"{FOLDER}/en/{sequence}.vtt", ""] = Fetched(200, words)
    return found


def iframe(sequence: int, *, keyframe: bool = True) -> bytes:
    ticks = sequence * SEGMENT_SECONDS * picture_track().timescale
    return video_fragment(1, [Packet(ticks, ticks, 0, keyframe, b"picture")], ticks + 1)


def encrypted(body: bytes) -> bytes:
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(_KEY), modes.CBC(_IV)).encryptor()
    return encryptor.update(padder.update(body) + padder.finalize()) + encryptor.finalize()
