"""Several renditions together, from synthetic packets."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from media.transcode.rendition import Rendition
from media.units import MediaKind, Packet, Track
from packager.hls.assembly import AssembledSegment, Assembly
from packager.hls.bounds import ON_DEMAND
from packager.hls.playlist_terms import PlaylistTerms
from packager.interval import Interval

SECOND = 90_000
RATE = 44_100
VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", SECOND, b"\1", 64, 36, (10, 1))
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", RATE, b"\1", channels=2, sample_rate=RATE)

type Feed = tuple[str, list[Packet]]


def assembly(*names: str) -> Assembly:
    made = Assembly(2000, PlaylistTerms(target_duration=3, window_segments=6))
    begin(made, *names)
    return made


def begin(made: Assembly, *names: str) -> None:
    renditions = [
        Rendition(name, AUDIO if name == "audio" else VIDEO, 0, passed_through=False)
        for name in names
    ]
    made.begin(renditions, [b"init"] * len(renditions))


def video(start: float, stop: float, every: float = 2) -> list[Packet]:
    """Ten pictures a second, a boundary every so many seconds."""
    packets = []
    for index in range(round((stop - start) * 10)):
        pts = round((start + index / 10) * SECOND)
        boundary = index % round(every * 10) == 0
        packets.append(Packet(pts, pts, 0, boundary, bytes((index % 256,)), boundary=boundary))
    return packets


def audio(start: float, stop: float) -> list[Packet]:
    count = int((stop - start) * RATE / 1024)
    times = [round(start * RATE) + index * 1024 for index in range(count)]
    return [Packet(time, time, 1024, keyframe=True, data=b"audio") for time in times]


def summary(segments: Sequence[AssembledSegment]) -> dict[tuple[str, int], tuple[int, int, bytes]]:
    found = {
        (each.rendition, each.interval.sequence): (
            each.interval.start,
            each.interval.end,
            each.body,
        )
        for each in segments
    }
    assert len(found) == len(segments), "a segment is made once"
    return found


FEEDS: list[Feed] = [
    ("360p", video(10, 18)),
    ("720p", video(10, 18)),
    ("audio", audio(9.98, 18.5)),
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]), max_size=600))
def test_segments_do_not_depend_on_how_renditions_interleave(order: list[int]) -> None:
    """Any rendition may run ahead of the others by any amount."""
    expected = None
    for turns in ([], order):
        made = assembly("360p", "720p", "audio")
        waiting = [(name, list(reversed(packets))) for name, packets in FEEDS]
        done: list[AssembledSegment] = []
        for turn in turns:
            name, packets = waiting[turn]
            if packets:
                done += made.packet(name, packets.pop(), 0)
        for name, packets in waiting:
            while packets:
                done += made.packet(name, packets.pop(), 0)
        done += made.finish()
        found = summary(done)
        assert set(found) == {(name, sequence) for name, _ in FEEDS for sequence in range(4)}
        expected = expected or found
        assert found == expected


def test_a_hole_in_the_source_is_a_discontinuity_for_all() -> None:
    made = assembly("360p", "audio")
    done: list[AssembledSegment] = []
    for start, stop in ((10, 13), (43, 47)):
        for packet in video(start, stop):
            done += made.packet("360p", packet, 0)
        for packet in audio(start, stop):
            done += made.packet("audio", packet, 0)
    done += made.finish()
    times = {key: (start / SECOND, end / SECOND) for key, (start, end, _) in summary(done).items()}
    expected = [(10, 12), (12, 13), (43, 45), (45, 47)]
    assert times == {
        (name, sequence): each
        for name in ("360p", "audio")
        for sequence, each in enumerate(expected)
    }
    breaks = [each.interval.discontinuity for each in done if each.rendition == "360p"]
    assert breaks == [False, False, True, False]


def test_audio_goes_on_alone_when_all_video_was_shed() -> None:
    made = assembly("360p", "audio")
    done: list[AssembledSegment] = []
    for packet in video(10, 14.1):
        done += made.packet("360p", packet, 0)
    made.renditions["360p"].retired = True
    for packet in audio(10, 20.5):
        done += made.packet("audio", packet, 0)
    done += made.finish()
    sequences = [each.interval.sequence for each in done if each.rendition == "audio"]
    assert sequences == [0, 1, 2, 3, 4, 5]


def test_an_epoch_in_which_no_picture_came_has_no_segment() -> None:
    made = assembly("360p", "audio")
    assert made.finish() == []
    begin(made, "360p", "audio")
    for packet in audio(10, 14):
        assert made.packet("audio", packet, 0) == []
    assert made.finish() == []
    assert made.boundaries.interval(0) is None


def test_segments_that_a_dead_rendition_alone_began_are_forgotten() -> None:
    """A rendition is retired right after it opened an interval: no other has media of it."""
    made = assembly("360p", "720p")
    for packet in video(10, 12):
        made.packet("360p", packet, 0)
        made.packet("720p", packet, 0)
    for packet in video(12, 12.3):
        made.packet("720p", packet, 0)
    made.renditions["720p"].retired = True
    done = made.finish()
    assert [(each.rendition, each.interval.sequence) for each in done] == [("360p", 0)]
    begin(made, "360p")
    done = []
    for packet in video(13, 17):
        done += made.packet("360p", packet, 0)
    assert [each.interval.sequence for each in done] == [1]


def test_renditions_made_later_or_again_fit_those_that_are_there() -> None:
    """Given the intervals of the first time, or some of them, others are cut at them too."""
    everything = ["360p", "720p", "audio"]
    done = assembled(everything, [])
    known = [each.interval for each in done if each.rendition == "360p"]
    for names, intervals in ((["720p"], known), (["360p", "720p"], known), (everything, known[:2])):
        expected = [each for each in done if each.rendition in names]
        assert summary(assembled(names, intervals)) == summary(expected)


def assembled(names: Sequence[str], known: Sequence[Interval]) -> list[AssembledSegment]:
    made = Assembly(2000, PlaylistTerms(3, window_segments=1), known=known, bounds=ON_DEMAND)
    begin(made, *names)
    feeds = [(name, packets) for name, packets in FEEDS if name in names]
    done = [each for name, packets in feeds for p in packets for each in made.packet(name, p, 0)]
    done += made.finish()
    assert [made.boundaries.interval(each) is None for each in (3, 4)] == [False, True]
    return done
