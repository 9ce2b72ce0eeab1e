"""What is protected by Common Encryption opens in an independent reader, and only with its key."""

from dataclasses import replace
from io import BytesIO
from struct import unpack_from

import av
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from config.limits import CBCS_SUBSAMPLES_MAX
from media.units import Packet
from media.wire.fmp4_box import box
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_init import init_segment
from media.wire.fmp4_read import MalformedBoxes, boxes, find_box
from media.wire.h264_slice import SliceHeaders
from media.wire.nal import iterate_length_prefixed, parse_avc_configuration
from packager.hls.cbcs_fragment import protect_segment
from packager.hls.cbcs_init import protect_init
from packager.hls.cbcs_sample import SampleKey, protect_video
from tests.packager.clip import Clip, audio_clip, video_clip

KEY = SampleKey(bytes(range(16)), bytes(range(100, 116)))
KEY_ID = b"sixteen bytes id"


def fragments(clip: Clip, pieces: int = 1) -> bytes:
    """The clip's packets in so many fragments, as a segment."""
    make = video_fragment if clip.track.width else audio_fragment
    size = -(-len(clip.packets) // pieces)
    segment = b""
    for number in range(pieces):
        packets = clip.packets[number * size : (number + 1) * size]
        following = clip.packets[(number + 1) * size :]
        end = following[0].dts if following else packets[-1].dts + 1024
        segment += make(number + 1, packets, end)
    return segment


def packets_of(file: bytes, key: bytes | None = None) -> list[bytes]:
    """What libav reads, decrypted when there is a key."""
    options = {} if key is None else {"decryption_key": key.hex()}
    with av.open(BytesIO(file), "r", format="mp4", options=options) as container:
        return [bytes(each) for each in container.demux(container.streams[0]) if each.size]


def many_slices(count: int, size: int) -> Clip:
    """One picture that has its slices again and again, as nobody makes one."""
    clip = video_clip(64, 48)
    first = clip.packets[0]
    slice_ = next(nal for nal in iterate_length_prefixed(first.data) if nal[0] & 0x1F == 5)
    nal = (slice_ + bytes(range(1, 256)) * (size // 255 + 1))[:size]
    data = (len(nal).to_bytes(4, "big") + nal) * count
    return Clip(clip.track, (Packet(first.dts, first.pts, 0, True, data, True),))


@pytest.mark.parametrize(
    ("clip", "pieces"),
    [
        (video_clip(640, 360, b_frames=2), 1),
        (video_clip(640, 360, b_frames=2), 3),
        (audio_clip(), 1),
        (many_slices(8, 5_000), 1),
        (many_slices(CBCS_SUBSAMPLES_MAX + 100, 1_400), 1),
        (many_slices(1, 200_000), 1),
    ],
    ids=[
        "video",
        "video in fragments",
        "sound",
        "slices",
        "more slices than there may be",
        "large",
    ],
)
def test_an_independent_reader_opens_it_with_its_key(clip: Clip, pieces: int) -> None:
    init, segment = init_segment(clip.track), fragments(clip, pieces)

    protected = protect_segment(segment, init, KEY)
    opening = protect_init(init, KEY, KEY_ID)

    clear = [packet.data for packet in clip.packets]
    assert packets_of(init + segment) == clear
    assert packets_of(opening + protected, KEY.key) == clear
    closed = packets_of(opening + protected)
    assert [len(each) for each in closed] == [len(each) for each in clear]
    assert sum(len(each) for each in clear if each not in closed) > sum(map(len, clear)) * 0.9
    assert packets_of(opening + protected, bytes(16)) != clear
    assert protect_segment(segment, init, KEY) == protected, "the same bytes whoever makes them"


def test_one_block_of_ten_is_encrypted_behind_the_slice_header() -> None:
    clip = many_slices(1, 10_000)
    plain = clip.packets[0].data
    init = init_segment(clip.track)
    protected = protect_segment(fragments(clip), init, KEY)

    track = find_box(protected, None, b"moof", b"traf")
    listed = find_box(protected, track, b"senc")
    (samples, count, clear, secret) = unpack_from(">IHHI", protected, listed.content + 4)
    assert (samples, count) == (1, 2), "the end of a slice that fills no block is clear"
    assert 4 < clear < 32
    assert secret == (len(plain) - clear) // 16 * 16
    data = find_box(protected, None, b"mdat")
    changed = [
        offset
        for offset in range(0, secret, 16)
        if protected[data.content + clear + offset :][:16] != plain[clear + offset :][:16]
    ]
    assert changed == list(range(0, secret, 160))


@given(
    st.lists(
        st.tuples(st.sampled_from(b"\x65\x41\x06\x67\x00"), st.binary(max_size=600)), max_size=60
    ),
    st.integers(0, 40),
)
def test_whatever_a_sample_holds_all_of_it_is_accounted_for(
    nals: list[tuple[int, bytes]], cut: int
) -> None:
    """Also one that is damaged, as files from strangers may be."""
    whole = b"".join(
        len(data).to_bytes(4, "big", signed=False) + data
        for data in (bytes((kind,)) + content for kind, content in nals)
    )
    sample = whole[: max(0, len(whole) - cut)]
    headers = SliceHeaders(parse_avc_configuration(video_clip().track.extradata))

    pieces, subsamples = protect_video(KEY, headers, memoryview(sample))

    protected = b"".join(pieces)
    assert len(protected) == len(sample) == sum(map(sum, subsamples))
    assert len(subsamples) <= 42
    assert opened(protected, subsamples) == sample


def opened(protected: bytes, subsamples: list[tuple[int, int]]) -> bytes:
    """Undo it, going by the standard alone (ISO 23001-7, 10.4)."""
    clear, position = bytearray(protected), 0
    for skipped, secret in subsamples:
        decryptor = Cipher(AES(KEY.key), CBC(KEY.vector)).decryptor()
        position += skipped
        for offset in range(position, position + secret - 15, 160):
            clear[offset : offset + 16] = decryptor.update(bytes(clear[offset : offset + 16]))
        position += secret
    return bytes(clear)


def test_the_init_segment_says_what_was_done() -> None:
    for clip, entry, pattern in ((video_clip(), b"encv", 0x19), (audio_clip(), b"enca", 0)):
        init = protect_init(init_segment(clip.track), KEY, KEY_ID)
        table = find_box(init, None, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
        (described,) = boxes(init, table.content + 8, table.end)
        assert described.kind == entry
        defaults = init[init.index(b"tenc") + 4 :]
        assert defaults[5] == pattern
        assert defaults[6:8] == b"\1\0"
        assert defaults[8:41] == KEY_ID + b"\x10" + KEY.vector
        assert b"schm\0\0\0\0cbcs\0\1\0\0" in init


def test_damaged_files_are_named() -> None:
    clip = video_clip()
    init, segment = init_segment(clip.track), fragments(clip)
    run = segment.index(b"trun")
    without_sizes = segment[: run + 6] + b"\x0d" + segment[run + 7 :]
    endless = segment[: run + 8] + b"\xff" * 4 + segment[run + 12 :]
    for damaged in (segment[:-1], box(b"moof") + box(b"mdat"), without_sizes, endless):
        with pytest.raises(MalformedBoxes):
            protect_segment(damaged, init, KEY)
    filler = b"\0\x30\0\0\x06" + bytes(0x2FFFFF)  # 3 MB that are no picture
    packet = replace(clip.packets[0], data=filler)
    with pytest.raises(MalformedBoxes, match="subsamples"):
        protect_segment(video_fragment(1, [packet], packet.dts + 1), init, KEY)
    for damaged in (init[:-1], init.replace(b"avcC", b"free"), box(b"moov")):
        with pytest.raises(MalformedBoxes):
            protect_segment(segment, damaged, KEY)
    with pytest.raises(MalformedBoxes):
        protect_init(init.replace(b"avc1", b"hvc1"), KEY, KEY_ID)
