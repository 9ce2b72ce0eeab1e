"""A file's packets come to lie on one timeline, whatever the file says of their times."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from config.limits import FILE_TICKS_PER_BYTE
from media.file.placement import PlacedTrack, Placement, Timetable
from media.timeline import TIMELINE_START, Lane
from media.units import VIDEO_TIMESCALE, MediaKind

SECOND = VIDEO_TIMESCALE
FRAME = SECOND // 25
BLOCK = SECOND // 50
YEAR = 365 * 24 * 3600 * SECOND
START = TIMELINE_START
VIDEO, AUDIO = (MediaKind.VIDEO, 0), (MediaKind.AUDIO, 0)
SECOND_AUDIO = (MediaKind.AUDIO, 1)


def place(*packets: tuple[Lane, int | None, int], size: int = 1_000) -> Placement:
    """Packets of (kind, pts and dts, duration)."""
    table = Timetable()
    for kind, time, duration in packets:
        table.add(kind, time, time, duration, size)
    return table.place()


def film(start: int, seconds: int, *, sound: bool = True) -> list[tuple[Lane, int | None, int]]:
    """Pictures and blocks of sound, interleaved by time."""
    pictures = [(VIDEO, start + n * FRAME, FRAME) for n in range(25 * seconds)]
    blocks = [(AUDIO, start + n * BLOCK, BLOCK) for n in range(50 * seconds)] if sound else []
    return sorted([*pictures, *blocks], key=lambda one: one[1] or 0)


def steps(track: PlacedTrack) -> set[int]:
    return {later - one for one, later in pairwise(track.pts)}


def test_a_film_begins_where_timelines_begin_and_keeps_the_offset_of_its_tracks() -> None:
    placed = place((VIDEO, 5 * SECOND, FRAME), (AUDIO, 5 * SECOND + 700, BLOCK))
    assert placed.tracks[VIDEO].start == START
    assert placed.tracks[AUDIO].start == START + 700
    assert placed.jumps == 0


def test_b_frames_keep_their_order_and_decoding_comes_before_the_start() -> None:
    table = Timetable()
    for pts, dts in ((2, 0), (4, 1), (3, 2)):
        table.add(VIDEO, pts * FRAME, dts * FRAME, FRAME, 100)
    track = table.place().tracks[VIDEO]
    assert [pts - START for pts in track.pts] == [0, 2 * FRAME, FRAME]
    assert [dts - START for dts in track.dts] == [-2 * FRAME, -FRAME, 0]


def test_sound_that_only_primes_a_decoder_lies_before_the_start() -> None:
    priming = 1024 * SECOND // 48_000
    placed = place((AUDIO, -priming, priming), (VIDEO, 0, FRAME), (AUDIO, 0, priming))
    assert placed.tracks[VIDEO].start == START
    assert placed.tracks[AUDIO].pts[0] == START - priming


def test_what_is_hidden_by_an_edit_list_does_not_begin_the_film() -> None:
    table = Timetable()
    table.add(VIDEO, -3 * SECOND, -3 * SECOND, FRAME, 100, shown=False)
    table.add(VIDEO, 0, 0, FRAME, 100)
    assert table.place().tracks[VIDEO].pts[1] == START


def test_a_hole_in_all_tracks_is_closed_and_both_stay_in_step() -> None:
    placed = place(*film(0, 2), *film(60 * SECOND, 2))
    assert placed.tracks[VIDEO].end == START + 4 * SECOND
    assert placed.tracks[AUDIO].end == START + 4 * SECOND
    assert steps(placed.tracks[VIDEO]) == {FRAME}
    assert placed.jumps == 1


def test_a_hole_in_one_track_stays_because_the_other_goes_on() -> None:
    pictures = [
        one for one in film(0, 30) if one[0] is AUDIO or not SECOND < (one[1] or 0) < 25 * SECOND
    ]
    placed = place(*pictures)
    assert placed.tracks[VIDEO].end == placed.tracks[AUDIO].end == START + 30 * SECOND
    assert placed.jumps == 0


def test_a_clock_that_starts_again_goes_on_in_both_tracks() -> None:
    placed = place(*film(0, 2), *film(0, 2), *film(SECOND, 1))
    assert placed.end - START == 5 * SECOND
    for track in placed.tracks.values():
        assert len(steps(track)) == 1
    assert placed.jumps == 2


def test_a_clock_that_wraps_goes_on() -> None:
    wrap = (1 << 33) - SECOND
    placed = place(*film(wrap, 1), *film(0, 1))
    assert placed.end - START == 2 * SECOND
    assert steps(placed.tracks[VIDEO]) == {FRAME}


def test_a_single_absurd_stamp_is_replaced() -> None:
    packets = film(0, 2)
    place_of = packets.index((VIDEO, 10 * FRAME, FRAME))
    for absurd in (YEAR, -YEAR, 1 << 62):
        packets[place_of] = (VIDEO, absurd, FRAME)
        placed = place(*packets)
        assert placed.end - START == 2 * SECOND
        assert steps(placed.tracks[VIDEO]) == {FRAME}


def test_stamps_that_are_missing_follow_from_their_neighbours() -> None:
    times: list[int | None] = [None, None, 2 * FRAME, None, 4 * FRAME]
    track = place(*((VIDEO, time, FRAME) for time in times)).tracks[VIDEO]
    assert [pts - START for pts in track.pts] == [n * FRAME for n in range(5)]


def test_a_small_file_that_claims_a_year_lasts_less_than_a_second() -> None:
    times = [n * FRAME + (YEAR if n >= 10 else 0) for n in range(20)]
    placed = place(*((VIDEO, time, FRAME) for time in times), size=100)
    assert placed.end - START == 20 * FRAME
    longest = place((VIDEO, 0, YEAR), size=100)
    assert longest.end - START == SECOND


def test_slides_without_sound_stand_as_long_as_they_have_bytes_for() -> None:
    slides = [(VIDEO, n * 5 * SECOND, SECOND) for n in range(4)]
    assert place(*slides, size=20_000).tracks[VIDEO].end - START == 16 * SECOND
    assert place(*slides, size=10).tracks[VIDEO].end - START == 4 * SECOND


stamps = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**20), 2**20))
packets = st.tuples(
    st.sampled_from([VIDEO, AUDIO, SECOND_AUDIO]),
    stamps,
    stamps,
    st.integers(-(2**40), 2**62),
    st.integers(1, 5_000),
)


@given(st.lists(packets, max_size=60))
def test_nothing_is_longer_than_its_packets_can_last(
    said: list[tuple[Lane, int | None, int | None, int, int]],
) -> None:
    table = Timetable()
    for kind, pts, dts, duration, size in said:
        table.add(kind, pts, dts, duration, size)
    placed = table.place()
    most = sum(2 * SECOND for _ in said) + sum(size for *_, size in said) * FILE_TICKS_PER_BYTE
    for kind, track in placed.tracks.items():
        assert len(track.pts) == len(track.dts) == sum(one[0] == kind for one in said)
    assert placed.end - START <= most + 8 * SECOND


def test_further_sound_keeps_its_offset_and_stays_in_step() -> None:
    further = [(SECOND_AUDIO, SECOND + n * BLOCK + 900, BLOCK) for n in range(100)]
    placed = place(*sorted([*film(SECOND, 3), *further], key=lambda one: one[1] or 0))
    assert placed.tracks[SECOND_AUDIO].start == START + 900
    assert placed.tracks[SECOND_AUDIO].end == START + 900 + 100 * BLOCK
    assert placed.jumps == 0


def test_captions_go_by_the_clock_of_the_media_as_long_as_it_is_one() -> None:
    """What is left out of the film is left out of its captions' times."""
    hole = place(*film(SECOND, 2), *film(100 * SECOND, 2))
    assert hole.one_clock
    assert hole.shift(SECOND) == START
    assert hole.shift(50 * SECOND) == hole.shift(100 * SECOND) == START + 2 * SECOND
    assert hole.shift(101 * SECOND) == START + 3 * SECOND
    assert not place(*film(100 * SECOND, 2), *film(0, 2)).one_clock
