"""Progressive MP4s out of fragments, read by libav as any other file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import batched

import av
import pytest

from media.units import MediaKind, Packet
from media.wire.fmp4_fragment import audio_fragment, video_fragment
from media.wire.fmp4_fragment_read import Fragment, fragments
from media.wire.fmp4_init import init_segment
from media.wire.mp4_movie import MalformedInit, MovieTrack, movie_head, read_track_header
from media.wire.mp4_samples import SampleTable
from tests.packager.clip import START_S, Clip, audio_clip, video_clip

SECONDS = 4
VIDEO = video_clip(seconds=SECONDS, keyframe_every=25, b_frames=2)
AUDIO = audio_clip(seconds=SECONDS, sample_rate=44_100)


def segments_of(clip: Clip, size: int) -> list[bytes]:
    """Two fragments in each."""
    pack = video_fragment if clip.track.kind is MediaKind.VIDEO else audio_fragment
    groups = list(batched(clip.packets, size))
    ends = [group[0].dts for group in groups[1:]]
    last = clip.packets[-1]
    ends.append(last.dts + (last.duration or 3600))
    parts = [pack(1, group, end) for group, end in zip(groups, ends, strict=True)]
    return [b"".join(pair) for pair in batched(parts, 2)]


@dataclass
class Film:
    """Tables and data of tracks whose segments take turns."""

    tables: list[SampleTable]
    data: bytes


def film(tracks: Sequence[Iterable[bytes]], shifts: Sequence[int]) -> Film:
    made = Film([SampleTable() for _ in tracks], b"")
    for turn in zip(*tracks, strict=True):
        for segment, table, shift in zip(turn, made.tables, shifts, strict=True):
            table.begin_chunk(len(made.data))
            for fragment in fragments(segment):
                table.add(fragment, fragment.dts - shift)
                end = fragment.payload + fragment.payload_bytes
                made.data += segment[fragment.payload : end]
    return made


def movie(made: Film, clips: Sequence[Clip]) -> bytes:
    tracks = [
        MovieTrack(read_track_header(init_segment(clip.track)), table)
        for clip, table in zip(clips, made.tables, strict=True)
    ]
    return movie_head(tracks, len(made.data)) + made.data


def test_pictures_and_sound_are_where_they_were() -> None:
    made = film(
        [segments_of(VIDEO, 25), segments_of(AUDIO, 44)], [START_S * 90_000, START_S * 44_100]
    )
    file = movie(made, [VIDEO, AUDIO])
    assert file == movie(made, [VIDEO, AUDIO]), "the same film is the same file"
    with av.open(BytesIO(file), "r", format="mp4") as container:
        shown = [f.pts * f.time_base for f in container.decode(video=0) if f.pts is not None]
    expected = sorted(each.pts / 90_000 - START_S for each in VIDEO.packets)
    assert len(shown) == len(VIDEO.packets)
    assert all(abs(a - b) < 1e-6 for a, b in zip(shown, expected, strict=True))
    with av.open(BytesIO(file), "r", format="mp4") as container:
        heard = [f.pts * f.time_base for f in container.decode(audio=0) if f.pts is not None]
        assert container.duration is not None
        assert abs(container.duration / av.time_base - SECONDS) < 0.03
    # Its first frame begins before the first picture and is cut off there.
    assert heard[0] == pytest.approx(0, abs=0.001)
    assert heard[-1] == pytest.approx(AUDIO.packets[-1].dts / 44_100 - START_S, abs=0.001)


def test_the_index_is_in_front_and_finds_each_keyframe() -> None:
    file = movie(film([segments_of(VIDEO, 25)], [START_S * 90_000]), [VIDEO])
    assert file.index(b"moov") < file.index(b"mdat")
    with av.open(BytesIO(file), "r", format="mp4") as container:
        stream = container.streams.video[0]
        packets = [each for each in container.demux(stream) if each.size]
    assert [each.is_keyframe for each in packets] == [each.keyframe for each in VIDEO.packets]
    assert [bytes(each) for each in packets] == [each.data for each in VIDEO.packets]


def test_sound_that_begins_late_is_waited_for() -> None:
    late = [START_S * 90_000, (START_S - 1) * 44_100]
    file = movie(film([segments_of(VIDEO, 25), segments_of(AUDIO, 44)], late), [VIDEO, AUDIO])
    with av.open(BytesIO(file), "r", format="mp4") as container:
        frame = next(container.decode(audio=0))
    first = AUDIO.packets[0].dts / 44_100 - START_S
    assert frame.pts is not None
    assert frame.time_base is not None
    assert float(frame.pts * frame.time_base) == pytest.approx(1 + first, abs=0.001)


def run(dts: int, *durations: int) -> Fragment:
    packets, at = [], dts
    for duration in durations:
        packets.append(Packet(at, at, duration, keyframe=True, data=b"x"))
        at += duration
    (found,) = fragments(audio_fragment(1, packets, at))
    return found


@pytest.mark.parametrize(
    ("second", "durations"),
    [
        (2048, [1024] * 4),
        (3000, [1024, 1976, 1024, 1024]),
        (1500, [1024, 476, 1024, 1024]),
        # An overlap of more than a sample: the first two are over at once, the rest is right.
        (500, [1024, 1, 1024, 1024]),
    ],
)
def test_a_sample_lasts_until_the_next_one(second: int, durations: list[int]) -> None:
    table = SampleTable()
    table.begin_chunk(0)
    table.add(run(0, 1024, 1024), 0)
    table.add(run(second, 1024, 1024), second)
    assert table.duration == sum(durations)
    stts = table.boxes(0)
    entries = int.from_bytes(stts[12:16], "big")
    assert entries <= len(durations)
    found: list[int] = []
    for at in range(16, 16 + 8 * entries, 8):
        count, value = (int.from_bytes(stts[at + n : at + n + 4], "big") for n in (0, 4))
        found += [value] * count
    assert found == durations


def test_offsets_beyond_4_gib_have_64_bits() -> None:
    made = film([segments_of(VIDEO, 25)], [START_S * 90_000])
    track = MovieTrack(read_track_header(init_segment(VIDEO.track)), made.tables[0])
    assert b"co64" not in movie_head([track], len(made.data))
    table = SampleTable()
    table.begin_chunk(0)
    table.add(run(0, 1024), 0)
    table.begin_chunk(2**32 - 300)
    table.add(run(1024, 1024), 1024)
    head = movie_head([MovieTrack(track.header, table)], 2**32 + 7)
    at = head.index(b"co64") + 12
    offsets = [int.from_bytes(head[at + 8 * n : at + 8 * n + 8], "big") for n in range(2)]
    assert offsets == [len(head), len(head) + 2**32 - 300]
    assert head[-16:-8] == b"\0\0\0\x01mdat"
    assert int.from_bytes(head[-8:], "big") == 2**32 + 7 + 16


@pytest.mark.parametrize("init", [b"", b"junk", init_segment(VIDEO.track)[:-30]])
def test_what_is_no_init_segment_is_refused(init: bytes) -> None:
    with pytest.raises(MalformedInit):
        read_track_header(init)
