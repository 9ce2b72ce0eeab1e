"""What a dead worker would have needed is still there, within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from media.transcode.protocol import SourcePacket
from media.transcode.replay import Replay


def packet(pts: int, *, keyframe: bool = False, boundary: bool = False) -> SourcePacket:
    return SourcePacket(pts, pts, pts, keyframe or boundary, boundary, bytes(10))


def replay_of(rungs: int = 2, *, named: bool = True, size: int = 10_000) -> Replay:
    return Replay(rungs, named_boundaries=named, bytes_max=size, ticks_max=1000)


def sent(replay: Replay) -> list[int]:
    times = []
    while (one := replay.next_unsent()) is not None:
        times.append(one.pts)
    return times


def feed(replay: Replay, until: int, *, every: int = 60) -> None:
    """Push a packet each 10 ticks, with a boundary every so often."""
    for pts in range(0, until, 10):
        replay.push(packet(pts, boundary=pts % every == 0))


def test_packets_are_sent_once_and_again_to_a_new_worker() -> None:
    replay = replay_of()
    feed(replay, 30)
    assert sent(replay) == [0, 10, 20]
    assert sent(replay) == []
    replay.rewind()
    assert sent(replay) == [0, 10, 20]
    assert replay.start is None


def test_nothing_is_kept_before_a_possible_start() -> None:
    replay = replay_of()
    assert not replay.push(packet(0))
    assert replay.push(packet(10, boundary=True))
    assert replay.dropped == 1


def test_what_all_rungs_have_completed_is_let_go() -> None:
    replay = replay_of()
    feed(replay, 150)
    sent(replay)
    for rung, pts in [(0, 0), (1, 0), (0, 60), (0, 120), (1, 60)]:
        assert replay.encoded(rung, pts, boundary=True)
    replay.rewind()
    assert replay.start == 60
    assert sent(replay) == list(range(60, 150, 10))


def test_a_rung_that_was_ahead_gets_nothing_twice_but_its_open_segment() -> None:
    replay = replay_of()
    feed(replay, 150)
    sent(replay)
    for rung, pts in [(0, 0), (1, 0), (0, 60), (1, 60), (0, 120)]:
        replay.encoded(rung, pts, boundary=True)
    replay.encoded(0, 130, boundary=False)
    replay.rewind()
    assert [replay.encoded(0, pts, boundary=pts % 60 == 0) for pts in (60, 70, 120, 130)] == [
        False, False, True, True,
    ]  # fmt: skip
    assert replay.encoded(1, 60, boundary=True)


def test_cuts_inside_a_group_of_pictures_are_replayed_from_its_keyframe() -> None:
    replay = replay_of(1, named=False)
    for pts in range(0, 300, 10):
        replay.push(packet(pts, keyframe=pts % 100 == 0))
    sent(replay)
    replay.encoded(0, 0, boundary=True)
    replay.encoded(0, 160, boundary=True)
    replay.rewind()
    assert replay.start == 160
    assert sent(replay)[0] == 100


def test_a_retired_rung_is_not_waited_for() -> None:
    replay = replay_of()
    feed(replay, 150)
    sent(replay)
    replay.encoded(1, 0, boundary=True)
    replay.encoded(1, 120, boundary=True)
    replay.retire(0)
    assert replay.start == 120
    assert replay.active == {1}
    assert not replay.encoded(0, 0, boundary=True)


def test_packets_that_kill_workers_are_skipped_up_to_the_next_start() -> None:
    replay = replay_of()
    feed(replay, 150)
    replay.skip()
    assert replay.start == 60
    assert sent(replay)[0] == 60
    assert replay.dropped == 6
    assert replay.lost_from == 0


def test_when_all_is_skipped_the_next_start_is_waited_for() -> None:
    replay = replay_of()
    feed(replay, 50)
    replay.skip()
    assert replay.start is None
    assert not replay.push(packet(50))
    assert replay.push(packet(60, boundary=True))
    assert sent(replay) == [60]
    assert replay.lost_from == 0


def test_a_backlog_that_is_full_drops_up_to_a_start_with_room() -> None:
    replay = replay_of(size=100)
    feed(replay, 150)
    assert sent(replay) == list(range(0, 100, 10))
    assert replay.dropped == 5
    replay.encoded(0, 60, boundary=True)
    replay.encoded(1, 60, boundary=True)
    assert not replay.push(packet(150))
    assert replay.push(packet(180, boundary=True))
    assert sent(replay) == [180]
    assert replay.lost_from == 100


def test_a_group_of_pictures_without_end_is_sent_on_though_it_cannot_be_replayed() -> None:
    replay = replay_of(1, named=False)
    times = []
    for pts in range(0, 3000, 10):
        replay.push(packet(pts, keyframe=pts == 0))
        times += sent(replay)
    assert times == list(range(0, 3000, 10))
    replay.rewind()
    assert sent(replay) == []
    assert replay.push(packet(3000, keyframe=True))


def test_lag_is_that_of_the_slowest_rung() -> None:
    replay = replay_of()
    assert replay.lag_ticks() == 0
    feed(replay, 150)
    assert replay.lag_ticks() == 140
    replay.encoded(0, 120, boundary=True)
    replay.encoded(1, 100, boundary=True)
    assert replay.lag_ticks() == 40
    replay.retire(1)
    assert replay.lag_ticks() == 20


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(0, 5)),
            st.tuples(st.just("send"), st.just(0)),
            st.tuples(st.just("done"), st.integers(0, 1)),
            st.tuples(st.just("crash"), st.integers(0, 1)),
        ),
        max_size=200,
    )
)
def test_every_worker_gets_an_unbroken_run_from_a_possible_start(
    actions: list[tuple[str, int]],
) -> None:
    """Whatever happens, a worker's packets begin at a start, and holes end at a start."""
    replay = replay_of(size=300)
    pts, expected = 0, None
    begun = [-1, -1]
    for action, value in actions:
        if action == "push":
            pts += 10
            replay.push(packet(pts, boundary=value == 0))
        elif action == "send" and (one := replay.next_unsent()) is not None:
            assert one.boundary or one.pts == expected
            expected = one.pts + 10
        elif action == "done" and expected is not None and expected - 10 > begun[value]:
            begun[value] = expected - 10
            replay.encoded(value, expected - 10, boundary=True)
        elif action == "crash":
            if value:
                replay.skip()
            replay.rewind()
            expected = None


def test_pictures_left_out_are_no_lag() -> None:
    replay = replay_of()
    feed(replay, 150)
    for rung in (0, 1):
        replay.encoded(rung, 0, boundary=True)
    assert replay.lag_ticks() == 140
    replay.finished(130)
    assert replay.lag_ticks() == 10
    replay.finished(0)
    assert replay.lag_ticks() == 10
