import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding, Track
from media.wire.ac3 import SyncFrame, message_samples, parse_sync_frame
from media.wire.flv import AudioFrame, parse_audio
from tests.media.wire.captures import capture


def frame(name: str) -> bytes:
    (tag,) = parse_audio(capture(name)[-1].data)
    assert isinstance(tag, AudioFrame)
    return tag.data


def ac3(rate: int, size: int, mode: int, bsid: int = 8) -> bytes:
    return bytes((0x0B, 0x77, 0, 0, rate << 6 | size, bsid << 3, mode, 0))


def eac3(head: int, size: int, rate: int) -> bytes:
    return bytes((0x0B, 0x77, head, size, rate, 16 << 3, 0, 0))


def test_frames_of_an_encoder_say_what_they_are() -> None:
    assert parse_sync_frame(frame("ac3")) == SyncFrame(Coding.AC3, 768, 48_000, 6, 1536)
    assert parse_sync_frame(frame("eac3")) == SyncFrame(Coding.EAC3, 384, 48_000, 2, 1536)
    assert (len(frame("ac3")), len(frame("eac3"))) == (768, 384)


def test_a_frame_has_a_track() -> None:
    track = SyncFrame(Coding.EAC3, 384, 48_000, 2, 1536).track

    assert isinstance(track, Track)
    assert (track.coding, track.timescale, track.channels) == (Coding.EAC3, 48_000, 2)


# acmod, then what each mode has before the flag for low frequencies (ETSI TS 102 366, 4.4.2).
@pytest.mark.parametrize(
    ("mode", "channels"),
    [
        (0b001_1_0000, 2),
        (0b001_0_1111, 1),
        (0b010_11_1_00, 3),
        (0b010_11_0_11, 2),
        (0b011_11_1_00, 4),
        (0b100_11_1_00, 4),
        (0b101_11_11_1, 5),
        (0b101_11_11_0, 4),
        (0b111_00_00_1, 6),
        (0b000_1_0000, 3),
    ],
)
def test_channels_of_every_mode_are_counted(mode: int, channels: int) -> None:
    parsed = parse_sync_frame(ac3(0, 0, mode))

    assert parsed is not None
    assert parsed.channels == channels


@pytest.mark.parametrize(
    ("rate", "size_code", "sample_rate", "size"),
    [
        (0, 37, 48_000, 2560),
        (1, 0, 44_100, 138),
        (1, 1, 44_100, 140),
        (1, 37, 44_100, 2788),
        (2, 36, 32_000, 3840),
    ],
)
def test_sizes_follow_the_table(rate: int, size_code: int, sample_rate: int, size: int) -> None:
    parsed = parse_sync_frame(ac3(rate, size_code, 0))

    assert parsed is not None
    assert (parsed.sample_rate, parsed.size) == (sample_rate, size)


def test_lower_rates_are_halves() -> None:
    half = parse_sync_frame(ac3(0, 0, 0, bsid=9))
    assert half is not None
    assert half.sample_rate == 24_000
    reduced = parse_sync_frame(eac3(0, 1, 0b11_01_010_0))
    assert reduced == SyncFrame(Coding.EAC3, 4, 22_050, 2, 1536)


def test_a_message_lasts_what_its_independent_frames_last() -> None:
    """Six frames of a block each, with one that adds channels behind the first one."""
    block = eac3(0, 3, 0b00_00_010_0)
    more = eac3(1 << 6, 3, 0b00_00_010_0)
    other = eac3(1 << 3, 3, 0b00_00_010_0)

    assert message_samples(block + more + other + block * 5) == 1536
    assert message_samples(block * 99) == 32 * 256


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0b\x77\0\0\0\0\0",
        b"\x0b\x78" + ac3(0, 0, 0)[2:],
        ac3(3, 0, 0),
        ac3(0, 38, 0),
        ac3(0, 0, 0, bsid=17),
        eac3(0, 1, 0b11_11_010_0),
    ],
)
def test_anything_else_is_no_frame(data: bytes) -> None:
    assert parse_sync_frame(data) is None
    assert message_samples(data) == 0


@given(st.binary(max_size=24))
def test_no_bytes_are_fatal(data: bytes) -> None:
    assert 0 <= message_samples(b"\x0b\x77" + data) <= 32 * 1536
