"""Assets in key mode: what is public is the same for ever, and only keys are billed."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import av
import m3u8
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from config.clock import ManualClock
from config.limits import KEY_SEGMENTS_OF_FILES
from packager.archive import Archive
from packager.asset_terms import AssetTerms, Encryption
from packager.clips import Clips
from packager.hls.key_schedule import KeySchedule
from packager.hls.protection import Protections
from packager.library import HlsSettings, Library, Package, UnknownSegment
from packager.naming import (
    FilePath,
    IFramePath,
    InitPath,
    KeyPath,
    PartPath,
    PlaylistPath,
    SegmentPath,
    parse_path,
)
from packager.on_demand_writer import OnDemandWriter
from packager.package import Charge
from packager.playlist_text import token_group
from tests.packager.clip import Clip, audio_clip, video_clip
from tests.packager.feeding import feed, interleaved, renditions_of

CLIPS: dict[str, Clip] = {"360p": video_clip(320, 180, b_frames=2), "audio": audio_clip()}
CDN = "https://cdn.example.org"
SETTINGS = HlsSettings(
    2000, part_target_ms=200, protections=Protections(KeySchedule(b"secret"), CDN)
)
BOTH = pytest.mark.parametrize("encryption", [Encryption.AES_128, Encryption.CBCS])

type Files = dict[str, bytes]


def opened(tmp_path: Path) -> Library:
    clock = ManualClock()
    return Library(Archive(tmp_path, clock), clock, SETTINGS)


def playlist(package: Package, rendition: str) -> str:
    return package.playlist(PlaylistPath(rendition)).fill(lambda _: b"token").decode()


def path_of(uri: str) -> FilePath:
    """What a URI of a playlist names."""
    path = parse_path(re.sub(r"^.*/media/ast_./|^\.\./\.\./token/", "", uri))
    assert path is not None
    assert not isinstance(path, PlaylistPath)
    return path


async def fetched(package: Package) -> Files:
    """All that the playlists name, by its URI."""
    files: Files = {}
    for rendition in package.renditions():
        text = playlist(package, rendition)
        for uri in re.findall(r'(?<!REPORT:)URI="([^"]+)"', text) + re.findall(
            r"^[^#].*", text, re.MULTILINE
        ):
            path = path_of(uri)
            file = await package.file(path)
            assert file.public == (not isinstance(path, KeyPath)) == (file.charge is None)
            assert package.file_at_hand(path) == file or isinstance(path, InitPath)
            files[uri] = file.body
    return files


def decrypted(files: Files, segments: Iterable[m3u8.Segment]) -> list[list[bytes]]:
    """The packets of each segment, read by libav after what the playlist says was undone."""
    found = []
    for segment in segments:
        init, body = files[segment.init_section.uri], files[segment.uri]
        key, vector = files[segment.key.uri], bytes.fromhex(segment.key.iv.removeprefix("0x"))
        options = {}
        if segment.key.method == "AES-128":
            decryptor, padding = Cipher(AES(key), CBC(vector)).decryptor(), PKCS7(128).unpadder()
            body = padding.update(decryptor.update(body)) + padding.finalize()
        else:
            assert segment.key.method == "SAMPLE-AES"
            options = {"decryption_key": key.hex()}
        with av.open(BytesIO(init + body), "r", format="mp4", options=options) as container:
            found.append([bytes(each) for each in container.demux() if each.size])
    return found


@BOTH
async def test_a_recording_has_the_very_files_of_its_live(
    tmp_path: Path, encryption: Encryption
) -> None:
    library = opened(tmp_path)
    await library.start()
    origin = library.start_live("ast_1", AssetTerms(None, encryption))
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    live = await library.get("ast_1")
    assert live is not None
    shown = {name: m3u8.loads(playlist(live, name)) for name in CLIPS}
    assert all(len(each.segments) >= 3 for each in shown.values())
    while_live = await fetched(live)
    origin.end()
    await library.settle("ast_1")
    recorded = await library.get("ast_1")
    assert recorded is not None
    afterwards = await fetched(recorded)
    await library.stop()
    again = opened(tmp_path)
    await again.start()
    restarted = await again.get("ast_1")
    assert restarted is not None

    assert while_live.items() <= afterwards.items() == (await fetched(restarted)).items()
    for name, clip in CLIPS.items():
        segments = m3u8.loads(playlist(recorded, name)).segments
        packets = [each for segment in decrypted(afterwards, segments) for each in segment]
        clear = [each.data for each in clip.packets]
        first = clear.index(packets[0])
        assert packets == clear[first : first + len(packets)]
        assert len(packets) > 0.9 * len(clear)
        large = [packet for packet in clear[2:] if len(packet) > 100]
        assert large
        assert not any(packet in body for packet in large for body in afterwards.values())
    await again.stop()


@BOTH
async def test_a_key_costs_what_its_segment_lasts_and_is_there_with_it(
    tmp_path: Path, encryption: Encryption
) -> None:
    library = opened(tmp_path)
    await library.start()
    origin = library.start_live("ast_1", AssetTerms(0, encryption))
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    package = await library.get("ast_1")
    assert package is not None

    numbers = range(3)
    charges = [(await package.file(KeyPath(number))).charge for number in numbers]
    assert charges == [
        Charge(number, (10 + 2 * number) * 90_000, (12 + 2 * number) * 90_000) for number in numbers
    ]
    for path in (
        KeyPath(3),  # its segment goes on
        KeyPath(99),
        SegmentPath("360p", 99),
        PartPath("360p", 0, 0),
        IFramePath("360p", 0),
        InitPath("360p", "init-0.mp4" if encryption is Encryption.CBCS else "init-0.0.mp4"),
        InitPath("360p", "init-0.99.mp4"),
        InitPath("360p", "init-7.mp4"),
    ):
        assert package.file_at_hand(path) is None
        with pytest.raises(UnknownSegment):
            await package.file(path)
    texts = playlist(package, "360p") + package.multivariant().decode()
    assert "EXT-X-PART" not in texts
    assert "I-FRAME" not in texts
    await library.stop()


async def test_an_upload_shows_whole_key_periods_while_it_grows(tmp_path: Path) -> None:
    """Whoever pays for a key may get no more with it later on."""
    clock, settings = ManualClock(), replace(SETTINGS, segment_target_ms=1000)
    film = {"360p": video_clip(seconds=8, keyframe_every=25)}
    library = Library(Archive(tmp_path, clock), clock, settings)
    await library.start()
    writer = await OnDemandWriter.open(tmp_path, "ast_1", settings, clock, Encryption.AES_128)
    writer.begin(renditions_of(film))
    for name, packet in interleaved(film):
        writer.packet(name, packet)
    await writer.written()
    growing = await library.get("ast_1")
    assert growing is not None
    early = m3u8.loads(playlist(growing, "360p"))
    keys = [await growing.file(KeyPath(number)) for number in (0, 3)]
    with pytest.raises(UnknownSegment):
        await growing.file(KeyPath(6))
    await writer.finish(last_pass=True)
    clock.advance(60_000)
    complete = await library.get("ast_1")
    assert complete is not None
    late = m3u8.loads(playlist(complete, "360p"))

    assert KEY_SEGMENTS_OF_FILES == 3
    assert [len(early.segments), len(late.segments)] == [6, 8]
    assert [each.key.uri for each in late.segments] == [
        f"../../token/keys/{number - number % 3}.key" for number in range(8)
    ]
    second = 90_000
    assert [each.charge for each in keys] == [
        Charge(0, 10 * second, 13 * second),
        Charge(3, 13 * second, 16 * second),
    ]
    assert keys == [await complete.file(KeyPath(number)) for number in (0, 3)]
    assert (await complete.file(KeyPath(6))).charge == Charge(6, 16 * second, 18 * second)
    for inside in (1, 7):
        with pytest.raises(UnknownSegment):
            await complete.file(KeyPath(inside))
    await library.stop()


async def test_a_clip_may_begin_within_a_key_period(tmp_path: Path) -> None:
    """With its second or third segment, which the key of the clip's period is then paid for."""
    clock, settings = ManualClock(), replace(SETTINGS, segment_target_ms=1000)
    film = {"360p": video_clip(seconds=36, keyframe_every=25)}
    library = Library(Archive(tmp_path, clock), clock, settings)
    await library.start()
    writer = await OnDemandWriter.open(tmp_path, "ast_1", settings, clock, Encryption.CBCS)
    writer.begin(renditions_of(film))
    for name, packet in interleaved(film):
        writer.packet(name, packet)
    await writer.finish(last_pass=True)
    clips, second = Clips(tmp_path), 90_000
    await clips.publish(await clips.cut("ast_1", 32 * second, 35 * second, live=False), "ast_2")
    clip, original = await library.get("ast_2"), await library.get("ast_1")
    assert clip is not None
    assert original is not None

    found = m3u8.loads(playlist(clip, "360p"))
    assert [each.uri.rpartition("/")[2] for each in found.segments] == [
        "32.m4s",
        "33.m4s",
        "34.m4s",
    ]
    assert [each.key.uri.rpartition("/")[2] for each in found.segments] == [
        *("30.key", "33.key", "33.key"),
    ]
    # The token in the key's URI is that of the segment that it stands before.
    group = token_group(32)
    assert group != token_group(30)
    text = clip.playlist(PlaylistPath("360p")).fill(lambda number: b"%d" % number).decode()
    assert f"../../{group}/keys/30.key" in text
    key = await clip.file(KeyPath(30))
    assert key.charge == Charge(32, (10 + 32) * second, (10 + 33) * second)
    assert key.body != (await original.file(KeyPath(30))).body
    files = {
        uri: (await clip.file(path_of(uri))).body
        for segment in found.segments[:1]
        for uri in (segment.uri, segment.init_section.uri, segment.key.uri)
    }
    (packets,) = decrypted(files, found.segments[:1])
    assert packets == [each.data for each in film["360p"].packets][32 * 25 : 33 * 25]
    await library.stop()


async def test_a_hole_within_a_key_period_costs_nothing(tmp_path: Path) -> None:
    """20 s are missing behind the second segment of the first period."""
    clock = ManualClock()
    clip = video_clip(seconds=8)
    hole = 20 * 90_000
    late = [
        replace(each, dts=each.dts + hole, pts=each.pts + hole) if number >= 100 else each
        for number, each in enumerate(clip.packets)
    ]
    film = {"360p": Clip(clip.track, tuple(late))}
    library = Library(Archive(tmp_path, clock), clock, SETTINGS)
    await library.start()
    writer = await OnDemandWriter.open(tmp_path, "ast_1", SETTINGS, clock, Encryption.AES_128)
    writer.begin(renditions_of(film))
    for name, packet in interleaved(film):
        writer.packet(name, packet)
    await writer.finish(last_pass=True)
    package = await library.get("ast_1")
    assert package is not None

    assert playlist(package, "360p").count("#EXT-X-DISCONTINUITY\n") == 1
    charges = [(await package.file(KeyPath(number))).charge for number in (0, 3)]
    assert all(charges)
    billed = sum(each.end - each.start for each in charges if each is not None)
    assert billed == package.duration < 9 * 90_000
    assert charges[0] is not None
    assert charges[1] is not None
    assert charges[0].end <= charges[1].start
    await library.stop()


async def test_a_damaged_segment_is_refused_and_not_given_in_clear(tmp_path: Path) -> None:
    library = opened(tmp_path)
    await library.start()
    origin = library.start_live("ast_1", AssetTerms(0, Encryption.CBCS))
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    origin.end()
    await library.settle("ast_1")
    init = tmp_path / "ast_1" / "360p" / "init-0.mp4"
    init.write_bytes(init.read_bytes().replace(b"avcC", b"free"))
    await library.stop()
    again = opened(tmp_path)
    await again.start()
    package = await again.get("ast_1")
    assert package is not None
    with pytest.raises(UnknownSegment):
        await package.file(SegmentPath("360p", 0))
    await again.stop()


async def test_many_who_ask_at_once_get_the_same_bytes(tmp_path: Path) -> None:
    library = opened(tmp_path)
    await library.start()
    origin = library.start_live("ast_1", AssetTerms(0, Encryption.CBCS))
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    package = await library.get("ast_1")
    assert package is not None
    path = SegmentPath("360p", 0)
    files = await asyncio.gather(*(package.file(path) for _ in range(20)))
    assert len({id(file.body) for file in files}) == 1
    await library.stop()
